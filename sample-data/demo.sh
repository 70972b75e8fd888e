#!/usr/bin/env bash
# The main job, end to end: a PET study goes into a real Orthanc by C-STORE and comes back as SR,
# SEG, FHIR resources and a page. Everything runs from a temporary folder and ends with this script.
#   STUDY=dir      send this study instead of a synthetic one
#   SEED=n         another synthetic patient
#   DEMO_EXIT=1    end when the results are shown, instead of staying up until Ctrl-C
#   DEMO_KEEP=dir  keep a copy of the results there
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "$1" && pwd)
fedpet=$build/bin/fedpet
real_series=${FEDPET_TEST_DATA:-../shared/data}/sts-001-ge-wb/PT
patient_system=urn:oid:1.2.826.0.1.3680043.10.1338.1

work=$(mktemp -d "${TMPDIR:-/tmp}/fedpet-demo.XXXXXX")
pids=()
finish() {
  status=$?
  trap - EXIT INT TERM
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait
  if [ "$status" != 0 ]; then
    echo "The demo failed; its logs are in $work" >&2
    tail -n 20 "$work"/*.log >&2 || true
    exit "$status"
  fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 0' INT TERM

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() { echo "$*" >&2; exit 1; }

free_ports() {  # all at once, so that they differ
  node -e '
    const net = require("net"), servers = [];
    for (let i = 0; i < +process.argv[1]; i++)
      servers.push(net.createServer().listen(0, "127.0.0.1"));
    Promise.all(servers.map(s => new Promise(r => s.once("listening", r)))).then(() => {
      console.log(servers.map(s => s.address().port).join(" "));
      servers.forEach(s => s.close());
    });' "$1"
}

wait_for() {  # wait_for SECONDS DESCRIPTION COMMAND...
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "Gave up waiting for $what"
    sleep 0.2
  done
}

get() { curl -fsS "$orthanc$1"; }

# ---- the studies --------------------------------------------------------------------------------
step "1. The study"
studies=()
if [ -n "${STUDY:-}" ]; then
  [ -d "$STUDY" ] || fail "STUDY=$STUDY is not a folder"
  studies+=("$STUDY")
  echo "Yours: $STUDY"
else
  "$fedpet" phantom --out "$work/phantom" --seed "${SEED:-1}" --follow-up response
  studies+=("$work/phantom/PT" "$work/phantom/follow-up/PT")
  echo "The same synthetic patient before treatment and eight weeks later."
fi
if [ -d "$real_series" ]; then
  studies+=("$real_series")
  echo "And a real whole-body FDG-PET (soft-tissue sarcoma, The Cancer Imaging Archive)."
fi

# ---- the servers --------------------------------------------------------------------------------
step "2. A test EHR and Debian's Orthanc with DICOMweb and fedpet"
read -r http_port dicom_port ehr_port <<< "$(free_ports 3)"
patients=()  # each once: two studies may be of one patient
while read -r id; do patients+=(--patient "$patient_system|$id"); done < <(
  find "${studies[@]}" -type f -print0 | xargs -0 -n 200 dcmdump -q -s +P PatientID 2>/dev/null |
    sed -n 's/.*\[\(.*\)\].*/\1/p' | sort -u)
tests/support/ehr/install.sh "$build/ehr" > "$work/ehr-install.log" 2>&1
node "$build/ehr/ehr.cjs" --port "$ehr_port" "${patients[@]}" > "$work/ehr.log" 2>&1 &
pids+=($!)
ehr=http://127.0.0.1:$ehr_port/fhir
wait_for 30 "the test EHR" curl -fsS "$ehr/metadata"

dicomweb=$(dpkg -L orthanc-dicomweb | grep -m1 'libOrthancDicomWeb\.so$')
orthanc=http://127.0.0.1:$http_port
mkdir "$work/orthanc"
cat > "$work/orthanc.json" <<JSON
{
  "Name": "fedpet demo",
  "StorageDirectory": "$work/orthanc", "IndexDirectory": "$work/orthanc",
  "HttpPort": $http_port, "DicomPort": $dicom_port, "DicomAet": "ORTHANC",
  "RemoteAccessAllowed": false, "AuthenticationEnabled": false,
  "StableAge": 2, "TcpNoDelay": true,
  "DicomWeb": { "Root": "/dicom-web/" },
  "Plugins": [ "$dicomweb", "$build/bin/libOrthancFedPet.so" ],
  "FedPet": {
    "Fhir": { "BaseUrl": "$ehr", "PatientIdentifierSystem": "$patient_system" }
  }
}
JSON
TCP_NODELAY=1 Orthanc "$work/orthanc.json" > "$work/orthanc.log" 2>&1 &
pids+=($!)
wait_for 30 "Orthanc" get /system
wait_for 30 "the fedpet plugin" get /fedpet/status
echo "Orthanc: $orthanc/app/explorer.html    EHR: $ehr"

# ---- send, wait, show ---------------------------------------------------------------------------
send() {
  TCP_NODELAY=1 dcmsend --no-halt --no-uid-checks +sd +r 127.0.0.1 "$dicom_port" -aec ORTHANC "$1" \
    > "$work/dcmsend.log" 2>&1 || fail "C-STORE failed: $(tail -n 3 "$work/dcmsend.log")"
}

# Jobs newer than the one given, oldest first, as JSON lines.
jobs_after() { get /fedpet/jobs | jq -c --argjson last "$1" '[.jobs[] | select(.id > $last)] | sort_by(.id)[]'; }
newest_job() { get /fedpet/jobs | jq '[.jobs[].id] | max // 0'; }

wait_for_jobs() {  # until there is a job after number $1, and none of them is open
  local deadline=$((SECONDS + 180)) jobs=
  until [ -n "$jobs" ] && ! grep -qE '"state":"(waiting|running)"' <<< "$jobs"; do
    [ $SECONDS -lt $deadline ] || fail "The assessment did not end"
    if [ -t 1 ] && [ -n "$jobs" ]; then
      printf '\r\033[K  %s' "$(jq -r '"\(.state) \(.stage // "") \(.percent // 0) %"' <<< "$jobs" | tail -n 1)"
    fi
    sleep 0.3
    jobs=$(jobs_after "$1")
  done
  if [ -t 1 ]; then printf '\r\033[K'; fi
}

show() {  # show ORTHANC_SERIES_ID
  local id=$1 json=$work/assessment-$1.json study uid
  get "/fedpet/assessments/$id" > "$json"
  "$fedpet" show "$json"
  study=$(jq -r .series.study.studyInstanceUid "$json")
  step "Where the results are"
  for kind in SR SEG PDF MIP; do
    uid=$(jq -r ".identity.$(echo $kind | tr A-Z a-z)SopInstanceUid" "$json")
    found=$(curl -fsS "$orthanc/dicom-web/studies/$study/instances?SOPInstanceUID=$uid" |
      jq -r '.[0]["00081190"].Value[0] // "none"')
    printf '  %-22s %s\n' "DICOM $kind (WADO-RS)" "$found"
  done
  wait_for 30 "the EHR's answer" outbox_empty
  get /fedpet/outbox | jq -r --arg sr "$(jq -r .identity.srSopInstanceUid "$json")" \
    '.messages[] | select(.key == $sr) | "  FHIR delivery          \(.state)\(if (.reason // "") != "" then ": " + .reason else "" end)"'
  get /fedpet/outbox | jq -e --arg sr "$(jq -r .identity.srSopInstanceUid "$json")" \
    '[.messages[] | select(.key == $sr and .state != "Delivered")] == []' > /dev/null ||
    fail "The EHR did not take the result"
  for type in DiagnosticReport RiskAssessment Observation ImagingStudy Device Provenance; do
    count=$(curl -fsS "$ehr/$type?_count=200" | jq '.entry | length')
    printf '  %-22s %s  (%s)\n' "FHIR $type" "$ehr/$type" "$count in the EHR"
  done
  printf '  %-22s %s\n' "Page" "$orthanc/fedpet/app/index.html#/series/$id"
  if [ -n "${DEMO_KEEP:-}" ]; then mkdir -p "$DEMO_KEEP"; cp "$json" "$DEMO_KEEP/"; fi
}

outbox_empty() {
  get /fedpet/outbox | jq -e '[.messages[] | select(.state | IN("Pending", "Delivering"))] | length == 0'
}

number=3
for study in "${studies[@]}"; do
  step "$number. Sending $study by C-STORE, then waiting for the assessment"
  last=$(newest_job)
  send "$study"
  wait_for_jobs "$last"
  while read -r job; do
    jq -r '"Job \(.id): \(.state)\(if .reason then " (" + .reason.code + ": " + .reason.text + ")" else "" end)"' <<< "$job"
    [ "$(jq -r .state <<< "$job")" != done ] || show "$(jq -r .orthancSeriesId <<< "$job")"
  done < <(jobs_after "$last")
  number=$((number + 1))
done

[ -z "${DEMO_EXIT:-}" ] || exit 0
step "The servers stay up; open the page in a browser. Ctrl-C ends everything."
while kill -0 "${pids[1]}" 2>/dev/null; do sleep 1; done
fail "Orthanc has stopped"
