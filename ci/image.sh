#!/usr/bin/env bash
# Builds the Dockerfile and tries the image, with the simulator on the host. Needs root, Debian's apt, npm, and `npm ci` done; no engine and no registry of images.
set -euo pipefail
cd "$(dirname "$0")/.."

name=access-token-broker
work=$(mktemp -d)
storage=$work/storage
buildah=(buildah --root "$storage" --runroot "$work/run" --storage-driver vfs)

finish() {
  local status=$?
  trap - EXIT
  "${buildah[@]}" umount --all >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

[[ -e dist/cli.js ]] || npm run --silent build
apt-get update -qq
command -v buildah >/dev/null || apt-get install -y -qq --no-install-recommends buildah >/dev/null
ci/image/base-images.sh "$work" "$storage"

# This machine's way to npm's registry, for the build alone: nothing of it stays in the image.
registry=$(npm config get registry --loglevel=error)
printf 'registry=%s\nupdate-notifier=false\n' "$registry" >"$work/npmrc"
volumes=(--volume "$(npm config get cache --loglevel=error):/root/.npm")
if [[ -n ${NODE_EXTRA_CA_CERTS:-} ]]; then
  printf 'cafile=%s\n' /etc/extra-ca.pem >>"$work/npmrc"
  volumes+=(--volume "$NODE_EXTRA_CA_CERTS:/etc/extra-ca.pem:ro")
fi

# The format docker: OCI's has no HEALTHCHECK.
"${buildah[@]}" bud --quiet --isolation chroot --pull-never --format docker --secret "id=npmrc,src=$work/npmrc" "${volumes[@]}" \
  --build-arg "VERSION=$(npm pkg get version --loglevel=error | tr -d '"')" --build-arg "REVISION=$(git rev-parse HEAD)" \
  --tag "$name" . >/dev/null
printf 'built in %d s\n' "$SECONDS"

container=$("${buildah[@]}" from --pull-never "$name")
root=$("${buildah[@]}" mount "$container")
"${buildah[@]}" inspect --type image "$name" >"$work/config.json"
if grep -rqF "$(sed -E 's#^https?://([^/]+).*#\1#' <<<"$registry")" "$root/app/dist" "$root/app/"*.json "$work/config.json"; then
  printf 'the image names the registry that it was built from\n' >&2
  exit 1
fi
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work/library" \
  @cyclonedx/cyclonedx-library@10.3.0 ajv@8.20.0 ajv-formats@3.0.1 ajv-formats-draft2019@1.6.1 packageurl-js@2.0.1 spdx-expression-parse@4.0.0
node_modules/.bin/node ci/image/check-image.mjs "$root" "$work/config.json" "$work/library"
printf 'all in %d s\n' "$SECONDS"
