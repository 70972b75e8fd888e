#!/usr/bin/env bash
# Performance figures as JSON: ratios against a peer or a limit measured in the same run.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(cd "$1" && pwd)
node tests/bench/bench.mjs "$build" | tee "$build/bench.json"
"$build/bin/fedpet-federation-bench" | tee "$build/bench-federation.json"
"$build/bin/fedpet-imaging-bench" | tee "$build/bench-imaging.json"
"$build/bin/fedpet-fhir-bench" | tee "$build/bench-fhir.json"
