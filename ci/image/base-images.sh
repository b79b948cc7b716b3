#!/usr/bin/env bash
# Puts the base images of the Dockerfile together from Debian's packages and npm, under the names in FROM, for machines that reach
# no registry of images. Run as root with buildah and apt's lists up to date.
#   ci/image/base-images.sh <work folder> <storage root>
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$1
images=(buildah --root "$2" --storage-driver vfs)

# What gcr.io/distroless/cc-debian12 is made of.
runtime=(base-files netbase tzdata media-types ca-certificates libc6 libssl3 gcc-12-base libgcc-s1 libgomp1 libstdc++6)
# What a build needs of node:24-bookworm-slim: a shell, coreutils and find.
tools=(dash coreutils findutils libacl1 libattr1 libgmp10 libselinux1 libpcre2-8-0)

mkdir -p "$work/debs"
(cd "$work/debs" && apt-get download -qq -o APT::Sandbox::User=root "${runtime[@]}" "${tools[@]}")

# unpack <root> <package>...
unpack() {
  local root=$1
  shift
  for package in "$@"; do dpkg-deb --extract "$work/debs/$package"_*.deb "$root"; done
  mkdir -p "$root/etc/ssl/certs" "$root/home/nonroot"
  find "$root/usr/share/ca-certificates" -name '*.crt' -exec cat {} + >"$root/etc/ssl/certs/ca-certificates.crt"
  printf '%s\n' root:x:0:0:root:/root:/sbin/nologin nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin >"$root/etc/passwd"
  printf '%s\n' root:x:0: nonroot:x:65532: >"$root/etc/group"
  chown 65532:65532 "$root/home/nonroot"
}

# commit <root> <name> <buildah config option>...
commit() {
  local container root=$1 name=$2
  shift 2
  container=$("${images[@]}" from scratch)
  "${images[@]}" copy --quiet "$container" "$root" / >/dev/null
  "${images[@]}" config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" "$container"
  "${images[@]}" commit --quiet --rm "$container" "$name" >/dev/null
}

unpack "$work/distroless" "${runtime[@]}"
rm -rf "$work/distroless/usr/share/"{doc,man,lintian,bug}
commit "$work/distroless" gcr.io/distroless/cc-debian12:latest \
  --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

unpack "$work/node" "${runtime[@]}" "${tools[@]}"
(cd "$work" && npm pack --silent npm@11.21.2 >/dev/null && tar -xzf npm-11.21.2.tgz)
mkdir -p "$work/node/usr/local/bin" "$work/node/usr/local/lib/node_modules"
mv "$work/package" "$work/node/usr/local/lib/node_modules/npm"
cp node_modules/node/bin/node "$work/node/usr/local/bin/"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/node/usr/local/bin/npm"
commit "$work/node" docker.io/library/node:24-bookworm-slim
