#!/usr/bin/env bash
# Replaces replicas of version 0.1 by replicas of this version, over a real Redis: `npm run test:upgrade`. Builds 0.1 from the clone's history.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly old=96fb21ee707286d89d6ba5daf3b19c9ca4e5e8d0
if ! git cat-file -e "$old^{commit}" 2>/dev/null; then
  echo "test:upgrade: this clone has no history back to version 0.1 ($old), so nothing was tested. Fetch all of it: git fetch --unshallow"
  exit 0
fi

OLD_CHECKOUT=$(mktemp -d)
export OLD_CHECKOUT
trap 'rm -rf "$OLD_CHECKOUT"' EXIT
git archive "$old" | tar -x -C "$OLD_CHECKOUT"
ln -s "$PWD/node_modules" "$OLD_CHECKOUT/node_modules"
(cd "$OLD_CHECKOUT" && npm run --silent build)

npm run --silent build
npm run --silent jest -- --config jest.upgrade.config.js "$@"
