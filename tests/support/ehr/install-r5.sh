#!/bin/sh
# Adds the FHIR R5 definitions to an installed test EHR: install-r5.sh [DIR], as install.sh. Prints
# the folder with the definitions as its last line; validate-r5.cjs stands in the folder above.
# Does nothing, and needs no network, when they are there. Exit code 3: they cannot be fetched.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
directory=$(dirname "$("$here/install.sh" "$@" | tail -n 1)")
sha256=09f22107bef64313545a50d2c127d20f81173c499a395672fae089bc23e72fab
exec 9>"$directory/.lock"
flock 9

cmp -s "$here/validate-r5.cjs" "$directory/validate-r5.cjs" || cp "$here/validate-r5.cjs" "$directory/validate-r5.cjs"
if [ ! -e "$directory/r5/.complete" ]; then
  mkdir -p "$directory/r5"
  cd "$directory/r5"
  npm pack hl7.fhir.r5.core@5.0.0 --loglevel=error >/dev/null 2>&1 || { echo "cannot fetch hl7.fhir.r5.core" >&2; exit 3; }
  echo "$sha256  hl7.fhir.r5.core-5.0.0.tgz" | sha256sum -c --quiet >&2
  tar xzf hl7.fhir.r5.core-5.0.0.tgz --wildcards 'package/StructureDefinition-*.json'
  rm hl7.fhir.r5.core-5.0.0.tgz
  touch .complete
fi
echo "$directory/r5/package"
