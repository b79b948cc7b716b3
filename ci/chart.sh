#!/usr/bin/env bash
# Checks the Helm chart, from a machine that has Go, Node and the npm packages.
#   ci/chart.sh           all checks, and a table
#   ci/chart.sh tools     only build helm and its helpers, which takes the longest
#   ci/chart.sh readme    write the chart's README anew from values.yaml
set -euo pipefail
cd "$(dirname "$0")/.."

chart=helm/access-token-broker
release=access-token-broker
oldest=1.30 # as in Chart.yaml
newest=1.36

# helm, helm-unittest and helm-docs in the versions that ci/chart/go.mod pins; one module, so that what they share is compiled once.
tools() {
  local sum cache version
  # Unstamped, helm takes itself for one of Kubernetes 1.20.
  version="-s -w -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=${oldest#1.} -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=${newest#1.}"
  sum=$(cat ci/chart/go.{mod,sum} <(printf '%s' "$version") | sha256sum | cut -c1-16)
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/access-token-broker/chart-$sum
  if [[ ! -x $cache/helm ]]; then
    command -v go >/dev/null || { echo 'ci/chart.sh needs Go 1.26 or later' >&2; exit 1; }
    local work
    mkdir -p "${cache%/*}"
    work=$(mktemp -d "$cache.XXXXXX")
    (cd ci/chart && GOBIN=$work go install -ldflags "$version" tool) >&2
    # Another run may have been faster: then what it made is as good.
    mv -T "$work" "$cache" 2>/dev/null || rm -rf "$work"
  fi
  printf '%s\n' "$cache"
}

readme() {
  helm-docs --log-level warning --sort-values-order file --chart-search-root helm "$@"
}

bin=$(tools)
if [[ ${1:-} == tools ]]; then exit; fi
export PATH=$bin:$PWD/node_modules/.bin:$PATH
if [[ ${1:-} == readme ]]; then
  readme
  exit
fi

rows=()
row() { rows+=("$(printf '%-34s %s' "$1" "$2")"); }
say() { printf -- '- %s\n' "$*"; }
fail() {
  printf 'ci/chart.sh: %s\n' "$*" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/$oldest" "$work/$newest"

say 'Chart.yaml fits package.json'
version=$(node --print "require('./package.json').version")
grep -qx "appVersion: $version" "$chart/Chart.yaml" || fail "appVersion in Chart.yaml is not package.json's $version"
row 'appVersion' "$version, as in package.json"

say 'README.md is what helm-docs makes of values.yaml'
readme --dry-run | diff -u "$chart/README.md" - || fail 'the README is not up to date: run ci/chart.sh readme'
grep -n '|  |$' "$chart/README.md" && fail 'these values have no comment'
row 'README.md' 'up to date, every value described'

say 'lint and template'
helm lint --strict --quiet "$chart" 2>"$work/lint" || { cat "$work/lint"; fail 'lint without values'; }
files=("$chart"/ci/*-values.yaml)
for values in "${files[@]}"; do
  name=$(basename "$values" -values.yaml)
  helm lint --strict --quiet "$chart" --values "$values"
  for kubernetes in "$oldest" "$newest"; do
    helm template "$release" "$chart" --values "$values" --kube-version "$kubernetes" >"$work/$kubernetes/$name.yaml"
  done
done
row 'helm lint --strict, template' "${#files[@]} sets of values, for Kubernetes $oldest and $newest"

say 'nothing set: refused, with remedies'
if helm template "$release" "$chart" >"$work/out" 2>"$work/refusal"; then fail 'a chart without values was rendered'; fi
for key in existingSecret config.apps config.clients config.redis; do
  grep -q -- "- $key: " "$work/refusal" || fail "the refusal of no values does not name $key"
done
row 'without values' 'refused; names existingSecret, config.apps, config.clients, config.redis'

say 'helm-unittest'
# On a copy, because it leaves folders behind.
cp -r "$chart" "$work/chart"
helm-unittest --strict "$work/chart" >"$work/unittest" 2>&1 || { cat "$work/unittest"; fail 'unit tests'; }
for template in "$chart"/templates/{,tests/}*.{yaml,txt}; do
  [[ -e $template ]] || continue
  grep -qr -- "${template#"$chart/templates/"}" "$chart"/tests || fail "no test renders $template"
done
row 'helm-unittest' "$(sed -n 's/^Tests: *//p' "$work/unittest")"

say 'each object against its Go type, Pod Security, links'
(cd ci/chart && go build -o "$work/validate" ./validate)
(cd ci/chart && RENDERED=$work/$oldest/everything.yaml go test -count=1 -v -vet=off ./validate) >"$work/gotest" || { cat "$work/gotest"; fail 'the checks miss a break'; }
for kubernetes in "$oldest" "$newest"; do
  "$work/validate" "$work/$kubernetes"/*.yaml >"$work/validated"
done
while read -r name text; do row "  $name" "$text"; done <"$work/validated"
row 'breaks of a good chart' "$(grep -c '^    --- PASS' "$work/gotest") made, each found by its own rule"

say "the server's own loader"
[[ -e dist/config/load-config.js ]] || npm run --silent build
node ci/chart/config-agrees.mjs "$work/$oldest"/*.yaml >"$work/loaded"
while read -r name text; do row "  $name" "$text"; done <"$work/loaded"
(cd ci/chart && go build -o "$work/accepts" ./accepts)
row 'the same verdict' "$(node ci/chart/same-verdict.mjs "$work/accepts" "$chart")"

say 'the rules of a release, and the tests of all rules on them'
promtool=$(ci/prometheus.sh install)/promtool
helm template "$release" "$chart" --values "$chart/ci/default-values.yaml" \
  --set 'metrics.prometheusRule.enabled=true,metrics.prometheusRule.selector=job=~".+"' >"$work/rules-rendered.yaml"
node ci/chart/rules-of.mjs "$work/rules-rendered.yaml" >"$work/rules.yaml"
"$promtool" check rules "$work/rules.yaml" >"$work/rules-checked" || { cat "$work/rules-checked"; fail 'rules'; }
for file in test/prometheus/*.test.yaml; do
  sed "s#^rule_files:.*#rule_files: [$work/rules.yaml]#" "$file" >"$work/$(basename "$file")"
done
"$promtool" test rules "$work"/*.test.yaml >"$work/rules-tested" 2>&1 || { cat "$work/rules-tested"; fail 'the tests of the rules'; }
row 'rules of one release' "$(sed -n 's/.*SUCCESS: //p' "$work/rules-checked"), each series selected; their tests passed"

say 'helm test, played on this machine'
key=tbk_chart-0123456789abcdefghijklmnopqrstuvwxyzABCDE
sha=$(printf %s "$key" | sha256sum | cut -d' ' -f1)
helm template "$release" "$chart" --values "$chart/ci/memory-values.yaml" \
  --set "config.clients[0].name=orders,config.clients[0].keySha256[0]=$sha,config.clients[0].apps=*,config.clients[0].scopes[0]=token:read" \
  >"$work/play.yaml"
played=$(timeout 120 node ci/chart/play.mjs "$work/play.yaml" "$key")
row 'helm test, played on this machine' "$played"

say 'package'
helm package "$chart" --destination "$work" >/dev/null
tar -tzf "$work"/access-token-broker-*.tgz | grep -E '^access-token-broker/(ci|tests)/' && fail 'the package has tests in it'
row 'helm package' "$(du -k "$work"/access-token-broker-*.tgz | cut -f1) KiB"

printf '\n%-34s %s\n' 'chart' "$(helm version --short)"
printf '%s\n' "${rows[@]}"
printf 'passed in %d s\n' "$SECONDS"
