#!/bin/sh
# Training under a budget on a GPU: sh benchmarks/scripts/gpu_training.sh [FOLDER] [EPOCHS]
# ResNet-18 on CIFAR-10, or on the subset where only that is in SUBSETOPT_DATA, by the rules of the
# budgeted comparison and by OBFTF, wall-clock against full training. PYTHON names the interpreter.
# What was killed goes on when it is started again with the same folder.
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
folder=${1:-gpu-training}
epochs=${2:-30}
resume=
[ -d "$folder/runs" ] && resume=--resume
# shellcheck disable=SC2086
"$python" -m subsetopt train cifar10 --device cuda --precision bfloat16 --epochs "$epochs" \
    --evaluate-every "$epochs" --select-from pool --budget 0.2,0.3,0.5 --seeds 0,1,2 \
    --rule full,unif_sgd,p_sgd,c_sgd,osgd,obftf,vector:features=labels,sb \
    --out "$folder" $resume --markdown | tee "$folder.md"
"$python" -m subsetopt report "$folder" >/dev/null
