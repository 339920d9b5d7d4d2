#!/bin/sh
# Training under a budget on a GPU: sh benchmarks/scripts/gpu_training.sh [FOLDER] [EPOCHS]
# ResNet-18 on CIFAR-10, or on the subset where only that is in SUBSETOPT_DATA: what is drawn before
# anything is loaded (unif_sgd, stratified, matched), within batches (uniform, prob) and by losses
# (obftf), wall-clock against full training. PYTHON names the interpreter; TASK and DEVICE are
# for a trial: TASK=cifar10:train=96:test=32 DEVICE=cpu.
# What was killed goes on when it is started again with the same folder.
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
folder=${1:-gpu-training}
epochs=${2:-30}
device=${DEVICE:-cuda}
resume=
[ -d "$folder/runs" ] && resume=--resume
# shellcheck disable=SC2086
"$python" -m subsetopt train "${TASK:-cifar10}" --device "$device" --precision bfloat16 \
    --epochs "$epochs" --evaluate-every "$epochs" --budget 0.1,0.2,0.5 --seeds 0,1,2 \
    --rule full,unif_sgd,stratified,matched,uniform,prob,obftf \
    --out "$folder" $resume --markdown | tee "$folder.md"
"$python" -m subsetopt report "$folder" >/dev/null
