# Part of run.sh: our radiomic features beside those of PyRadiomics and MIRP, on a synthetic lesion of
# 50 ml and on real ones. Time is measured in the same run, one thread each.

radiomics_config() {  # NAME: the settings of radiomics_peers.py
  local texture='"discretisation": {"method": "fixedBinSize", "binSize": 0.25}'
  local ibsi='"resegmentation": {"range": [0, null]},
    "intensityVolumeHistogram": {"method": "fixedBinSize", "binSize": 0.1}'
  case $1 in
    pyradiomics) echo "{\"convention\": \"pyradiomics\", \"interpolation\": {\"spacingMm\": 2}, $texture,
      \"families\": [\"morphology\", \"statistics\", \"intensityHistogram\", \"glcm\", \"glrlm\",
        \"glszm\", \"ngtdm\", \"ngldm\"], \"aggregations\": [\"3D_avg\"]}" ;;
    ibsi-3d) echo "{\"interpolation\": {\"spacingMm\": 2}, $texture, $ibsi}" ;;
    ibsi-2d) echo "{$texture, $ibsi,
      \"aggregations\": [\"2D_avg\", \"2D_comb\", \"2_5D_avg\", \"2_5D_comb\"]}" ;;
  esac
}

# radiomics_case NAME: measures image.* with mask.* in its folder
radiomics_case() {
  local name=$1 case=$work/radiomics/$1 config
  for config in pyradiomics ibsi-3d ibsi-2d; do
    radiomics_config "$config" > "$case/config-$config.txt"
    "$fedpet" radiomics --image "$case"/image.* --mask "$case"/mask.* --json --timing \
      --config "$case/config-$config.txt" > "$case/$config.json" 2> "$work/radiomics.log" || {
      say "FAILED  $name: fedpet radiomics: $(tail -n 1 "$work/radiomics.log")"
      return
    }
  done
  radiomics_cases+=("$name=$case")
}

make_radiomics_cases() {
  local crop
  radiomics_cases=()
  mkdir -p "$work/radiomics/lesion"
  python3 "$here/radiomics_lesion.py" "$work/radiomics/lesion"
  radiomics_case lesion
  for crop in STS_002 STS_003; do
    if [ ! -d "$data/ibsi-sts-crops/$crop" ]; then
      say "skipped $crop: no reference data (FEDPET_TEST_DATA)"
      continue
    fi
    mkdir -p "$work/radiomics/$crop"
    ln -s "$(cd "$data/ibsi-sts-crops/$crop/nifti" && pwd)/PET_image.nii.gz" \
      "$work/radiomics/$crop/image.nii.gz"
    ln -s "$(cd "$data/ibsi-sts-crops/$crop/nifti" && pwd)/PET_mask.nii.gz" \
      "$work/radiomics/$crop/mask.nii.gz"
    radiomics_case "$crop"
  done
}

pyradiomics_peer() {
  local name=PyRadiomics venv log=$work/pip.log
  python_with "$name" "$here/pyradiomics-requirements.txt" || return 0
  if ! "$venv/bin/python" -c 'import radiomics' 2> /dev/null; then
    timeout 900 "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
      --no-build-isolation pyradiomics==3.0.1 > "$log" 2>&1 ||
      { not_run "$name" "it could not be built (a C compiler and Python's headers are needed):" "$log"
        return 0; }
  fi
  run_peer "$name" env OMP_NUM_THREADS=1 "$venv/bin/python" "$here/radiomics_peers.py" pyradiomics \
    "${radiomics_cases[@]}"
}

mirp_peer() {
  local name=MIRP venv
  python_with "$name" "$here/mirp-requirements.txt" || return 0
  run_peer "$name" "$venv/bin/python" "$here/radiomics_peers.py" mirp "${radiomics_cases[@]}"
}

radiomics_peers() {
  local radiomics_cases
  make_radiomics_cases
  [ "${#radiomics_cases[@]}" -gt 0 ] || return 0
  pyradiomics_peer
  mirp_peer
}
