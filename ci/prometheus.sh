#!/usr/bin/env bash
# Checks the rules of Prometheus and runs their tests.
#   ci/prometheus.sh            check and test
#   ci/prometheus.sh install    only print the folder in which prometheus and promtool are, unpacking Debian's package if need be
set -euo pipefail
cd "$(dirname "$0")/.."

rules=helm/access-token-broker/files/rules.yaml

# The package is unpacked and not installed: that would start a daemon.
unpack() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/access-token-broker/prometheus
  if [[ ! -x $cache/usr/bin/promtool ]]; then
    local work
    mkdir -p "$(dirname "$cache")"
    work=$(mktemp -d "$cache.XXXXXX")
    # apt gives up its rights and could not write into a folder of ours alone.
    chmod 755 "$work"
    (cd "$work" && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; }) >&2
    dpkg-deb -x "$work"/prometheus_*.deb "$work"
    rm "$work"/prometheus_*.deb
    # Another run may have been faster: then what it made is as good.
    mv -T "$work" "$cache" 2>/dev/null || rm -rf "$work"
  fi
  printf '%s\n' "$cache/usr/bin"
}

if command -v promtool >/dev/null && command -v prometheus >/dev/null; then
  bin=$(dirname "$(command -v promtool)")
else
  bin=$(unpack)
fi

if [[ ${1:-} == install ]]; then
  printf '%s\n' "$bin"
else
  "$bin/promtool" check rules "$rules"
  "$bin/promtool" test rules test/prometheus/*.test.yaml
fi
