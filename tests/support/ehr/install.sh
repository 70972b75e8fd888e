#!/bin/sh
# Installs the test EHR into a directory: install.sh [DIR], else $FEDPET_EHR_DIR, else build/ehr.
# Prints the script to start with node as its last line. Does nothing, and needs no network, when
# that version is installed already; safe to run several times at once.
# Exit code 2: node or npm is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
directory=${1:-${FEDPET_EHR_DIR:-"$here/../../../build/ehr"}}

for tool in node npm; do
  command -v "$tool" >/dev/null 2>&1 || { echo "$tool is missing (Debian: apt-get install nodejs npm)" >&2; exit 2; }
done
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
exec 9>"$directory/.lock"
flock 9

if ! cmp -s "$here/package-lock.json" "$directory/installed-lock.json"; then
  cp "$here/package.json" "$here/package-lock.json" "$directory"
  (cd "$directory" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2)
  cp "$here/package-lock.json" "$directory/installed-lock.json"
fi
for script in ehr.cjs oauth.cjs; do
  cmp -s "$here/$script" "$directory/$script" || cp "$here/$script" "$directory/$script"
done
echo "$directory/ehr.cjs"
