#!/bin/sh
# Puts playwright-core and axe-core, as package-lock.json pins them, into the folder given.
# Does nothing, and needs no network, when they are there. No browser is downloaded: Debian has one.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:?usage: install.sh FOLDER}
mkdir -p "$target"
wanted=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum)
[ "$(cat "$target/node_modules/.fedpet" 2>/dev/null)" != "$wanted" ] || exit 0
cp "$here/package.json" "$here/package-lock.json" "$target/"
cd "$target"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
printf '%s\n' "$wanted" > node_modules/.fedpet
