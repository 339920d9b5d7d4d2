#!/bin/sh
# Everything that needs a GPU, in eight minutes at most: sh benchmarks/scripts/gpu_check.sh [FOLDER]
# Each step leaves what it printed in FOLDER; what ran out of time has status 124 there. The exit
# status is 0 if all steps went well. PYTHON names the interpreter, SUBSETOPT_DATA the folder of mnist/.
set -u
cd "$(dirname "$0")/../.." || exit 1
python=${PYTHON:-python}
folder=${1:-gpu-check}
mkdir -p "$folder" || exit 1
failed=0

step() { # name, seconds, command
    name=$1
    limit=$2
    shift 2
    timeout "$limit" "$@" >"$folder/$name.txt" 2>&1
    status=$?
    echo "$name $status" | tee -a "$folder/status.txt"
    [ "$status" -eq 0 ] || failed=1
}

: >"$folder/status.txt"
step machine 30 "$python" -c '
import torch
print(torch.__version__, torch.version.cuda, torch.cuda.get_device_name())'
step tests 200 "$python" -m pytest -m cuda -q -rfEs --tb=short --durations=10 \
    -p no:cacheprovider tests/torch tests/sequencing tests/training
step overhead 150 "$python" -m benchmarks.scripts.training_overhead --json --rounds 10
step sequences 100 "$python" -m benchmarks.scripts.gpu_sequences --json --points 500000 --batches 10
tail -n 3 "$folder/tests.txt"
exit "$failed"
