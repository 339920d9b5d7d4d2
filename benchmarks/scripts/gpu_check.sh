#!/bin/sh
# Everything that needs a GPU, in 14 minutes at most: sh benchmarks/scripts/gpu_check.sh [FOLDER]
# What is worth most comes first. Each step leaves what it printed in FOLDER; what ran out of time has
# status 124 there. The exit status is 0 if all steps went well. PYTHON names the interpreter,
# SUBSETOPT_DATA the folder of mnist/ and CIFAR-10, EPOCHS those of full training.
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
step training 360 sh benchmarks/scripts/gpu_training.sh "$folder/training" "${EPOCHS:-10}"
step tests 200 "$python" -m pytest -m cuda -q -rfEs --tb=short --durations=10 \
    -p no:cacheprovider tests/torch tests/sequencing tests/training
step overhead 120 "$python" -m benchmarks.scripts.training_overhead --json --rounds 10
step sequences 90 "$python" -m benchmarks.scripts.gpu_sequences --json --points 1000000 --batches 10
step coreset 60 "$python" -m benchmarks.scripts.coresets --cases 1000000:1000:512:embeddings --no-lowest
tail -n 3 "$folder/tests.txt"
exit "$failed"
