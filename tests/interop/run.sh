#!/usr/bin/env bash
# Compares our results with what others make of them: pydicom and highdicom (PyPI) read the SR and
# the SEG, the HAPI FHIR validator (Maven Central) judges the FHIR bundles, Opacus (PyPI) counts what
# noise costs, neuroCombat (PyPI) estimates ComBat, and Flower (PyPI) trains the same model on the
# same table.
# usage: run.sh BUILD_FOLDER
#
# A peer is installed once, into FEDPET_CACHE (default: fedpet in the user's cache folder). One that
# cannot be installed is "not run", which is no failure; one that ran and disagrees is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
fedpet=$build/bin/fedpet
data=${FEDPET_TEST_DATA:-$root/../shared/data}
cache=${FEDPET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fedpet}/interop
work=$build/interop
rm -rf "$work"
mkdir -p "$cache" "$work"
exec 9> "$cache/lock"
flock 9  # two runs at once would install into the same folder
results=$work/results.txt
: > "$results"

say() { printf '%s\n' "$*" | tee -a "$results"; }

# --- what is compared ---------------------------------------------------------------------------

cases=()
# add_case NAME FOLDER_WITH_THE_SERIES EXIT_CODE_EXPECTED [OPTION_OF_ASSESS...]
add_case() {
  local name=$1 case=$work/$1 code=0
  mkdir -p "$case"
  ln -s "$2" "$case/PT"
  "$fedpet" assess "$2" --out "$case" "${@:4}" > "$case/assess.log" 2>&1 || code=$?
  if [ "$code" != "$3" ]; then
    say "FAILED  $name: fedpet assess ended with $code, expected $3: $(tail -n 1 "$case/assess.log")"
    return
  fi
  code=0
  "$fedpet" suv "$2" --json > "$case/suv.json" || code=$?
  echo "$code" > "$case/suv.exit"
  cases+=("$name=$case")
}

make_cases() {
  "$fedpet" phantom --out "$work/phantom-source" --seed 1 > /dev/null
  add_case phantom "$work/phantom-source/PT" 0

  # Without a model every prediction is refused, and so a NUM item without a value.
  add_case phantom-without-model "$work/phantom-source/PT" 0 --no-model

  cp -r "$work/phantom-source/PT" "$work/weightless-source"
  find "$work/weightless-source" -name '*.dcm' -exec \
    dcmodify --no-backup --erase-all '(0010,1030)' {} + 2> /dev/null
  add_case weightless "$work/weightless-source" 3

  if [ -d "$data/sts-001-ge-wb/PT" ]; then
    add_case sts-001-ge-wb "$(cd "$data/sts-001-ge-wb/PT" && pwd)" 0
  else
    say "skipped sts-001-ge-wb: no reference data (FEDPET_TEST_DATA)"
  fi
}

# --- the peers ----------------------------------------------------------------------------------

# not_run PEER WHY [LOG]
not_run() {
  say "skipped $1: not run, $2"
  [ ! -s "${3:-}" ] || tail -n 3 "$3" | sed 's/^/          /'
}

# folder_for NAME FILE...: a folder of the cache that belongs to just this content of the files
folder_for() {
  local name=$1
  shift
  printf '%s/%s-%s\n' "$cache" "$name" "$(cat "$@" | sha256sum | cut -c 1-12)"
}

# run_peer NAME COMMAND...: a peer prints its own lines; one that dies is a failure
run_peer() {
  local name=$1 code=0
  shift
  "$@" 2> "$work/peer.log" | tee -a "$results" || code=$?
  [ "$code" = 0 ] && return
  say "FAILED  $name: it ended with $code"
  tail -n 5 "$work/peer.log" | sed 's/^/          /'
}

# python_with NAME REQUIREMENTS: sets `venv` to an environment that has them
python_with() {
  local name=$1 requirements=$2 log=$work/pip.log version
  # Debian's own Python where there is one, for its version is known and its venv package installed.
  local python=/usr/bin/python3
  [ -x "$python" ] || python=$(command -v python3) || { not_run "$name" "there is no python3"; return 1; }
  version=$("$python" --version)
  venv=$(folder_for "$(basename "$requirements" .txt)" "$requirements" <(echo "$version"))
  [ ! -e "$venv/complete" ] || return 0
  echo "Installing $name into the cache"
  rm -rf "$venv"
  "$python" -m venv "$venv" > "$log" 2>&1 ||
    { not_run "$name" "no virtual environment could be made:" "$log"; return 1; }
  timeout 900 "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --only-binary :all: -r "$requirements" > "$log" 2>&1 ||
    { not_run "$name" "pip could not install them:" "$log"; return 1; }
  touch "$venv/complete"
}

dicom_peers() {
  local name="pydicom and highdicom" venv
  python_with "$name" "$here/requirements.txt" || return 0
  run_peer "$name" "$venv/bin/python" "$here/dicom_peers.py" --fedpet "$fedpet" \
    --peers "$data/peers" "${cases[@]}"
}

privacy_peer() {
  local name="Opacus' accountant" venv
  python_with "$name" "$here/privacy-requirements.txt" || return 0
  run_peer "$name" "$venv/bin/python" "$here/privacy_peer.py" "$fedpet"
}

combat_peer() {
  local name=neuroCombat venv log=$work/pip.log
  python_with "$name" "$here/combat-requirements.txt" || return 0
  if ! "$venv/bin/python" -c 'import neuroCombat' 2> /dev/null; then
    timeout 900 "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
      --no-build-isolation neuroCombat==0.2.12 > "$log" 2>&1 ||
      { not_run "$name" "it could not be built:" "$log"; return 0; }
  fi
  mkdir -p "$work/combat"
  run_peer "$name" "$venv/bin/python" "$here/combat_peer.py" "$fedpet" "$work/combat"
}

flower_peer() {
  local name="Flower" venv table=$work/flower.csv masking options
  python_with "$name" "$here/flower-requirements.txt" || return 0
  "$venv/bin/python" "$here/flower_peer.py" table "$table"
  for masking in none ring64; do
    options=()
    [ "$masking" = none ] || options=(--secure)
    "$fedpet" federate --csv "$table" --site-column site --endpoint binary:y --features '*' \
      --split-column split --rounds 20 --no-baselines --bootstrap 0 --json "${options[@]}" \
      > "$work/flower-$masking.json" 2> "$work/federate.log" || {
      say "FAILED  $name: fedpet federate failed: $(tail -n 1 "$work/federate.log")"
      return
    }
  done
  run_peer "$name" "$venv/bin/python" "$here/flower_peer.py" compare "$table" \
    "$work"/flower-{none,ring64}.json
}

fhir_peer() {
  local name="HAPI FHIR" log=$work/mvn.log
  command -v javac > /dev/null || { not_run "$name" "there is no Java compiler"; return; }
  local jars
  jars=$(folder_for hapi "$here/pom.xml")
  if [ ! -e "$jars/complete" ]; then
    command -v mvn > /dev/null || { not_run "$name" "there is no mvn to fetch it"; return; }
    echo "Fetching $name into the cache"
    rm -rf "$jars"
    timeout 900 mvn --batch-mode --quiet -f "$here/pom.xml" dependency:copy-dependencies \
      -Dmaven.repo.local="$cache/maven" -DincludeScope=runtime -DoutputDirectory="$jars" \
      > "$log" 2>&1 || { not_run "$name" "mvn could not fetch it:" "$log"; return; }
    rm -rf "$cache/maven"  # the jars are all that is needed
    touch "$jars/complete"
  fi
  local bundles=() entry
  for entry in "${cases[@]}"; do bundles+=("$entry/fhir.json"); done
  run_peer "$name" java -Xmx1g -cp "$jars/*" --source 17 "$here/FhirPeer.java" "${bundles[@]}"
}

. "$here/radiomics.sh"

count() { grep -c "^$1" "$results" || true; }

make_cases
dicom_peers
fhir_peer
privacy_peer
combat_peer
flower_peer
radiomics_peers
failed=$(count FAILED)
echo "$(count passed) passed, $failed failed, $(count skipped) skipped"
[ "$failed" = 0 ]
