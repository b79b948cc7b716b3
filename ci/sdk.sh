#!/usr/bin/env bash
# Real WeChat SDKs, the example clients, a forward proxy, and a fuzzer of the OpenAPI document, against the broker and the simulator: `npm run test:sdk`.
# Needs Node 24, Go, Java 17, Maven, PHP 8, Python 3 and tinyproxy; on Debian as root it installs what is missing. Everything else is pinned where its language keeps that.
#   ci/sdk.sh build    only fetch and build what the tests run
set -euo pipefail
cd "$(dirname "$0")/.."

# Not in node_modules, which `npm ci` empties.
export SDK_BUILD=${XDG_CACHE_HOME:-$HOME/.cache}/access-token-broker/sdk
readonly built=$SDK_BUILD
readonly sdk="$PWD/test/sdk"

install_missing() {
  local -A packages=([go]=golang-go [javac]=openjdk-17-jdk-headless [mvn]=maven [php]=php-cli [python3]=python3 [tinyproxy]=tinyproxy-bin)
  local -a missing=()
  local program
  for program in "${!packages[@]}"; do
    command -v "$program" >/dev/null || missing+=("${packages[$program]}")
  done
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  php -r 'exit(extension_loaded("curl") ? 0 : 1);' 2>/dev/null || missing+=(php-curl)
  if ((${#missing[@]} == 0)); then return; fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# build_python <folder of test/sdk>: each an environment of its own
build_python() {
  [[ -x $built/$1/bin/python ]] || python3 -m venv "$built/$1"
  "$built/$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$sdk/$1/requirements.txt"
}

build_go() {
  mkdir -p "$built/go"
  (cd "$sdk/go" && go build -mod=readonly -o "$built/go/" ./...)
}

build_java() {
  mkdir -p "$built/java/classes"
  mvn --quiet --batch-mode --file "$sdk/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$built/java/lib"
  javac -encoding UTF-8 -d "$built/java/classes" -cp "$built/java/lib/*" "$sdk"/java/*.java examples/java/*.java
}

install_missing
mkdir -p "$built"
# At once, because each of them mostly waits for its registry.
build_python python & python=$!
build_python openapi & openapi=$!
build_go & go=$!
build_java & java=$!
wait "$python"
wait "$openapi"
wait "$go"
wait "$java"

if [[ ${1:-} == build ]]; then exit; fi

export PYTHONDONTWRITEBYTECODE=1
npm run --silent build
npm run --silent jest -- --config jest.sdk.config.js "$@"
