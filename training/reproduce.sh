#!/usr/bin/env bash
# The literal commands behind every number in the README. On two CPU cores this takes about half an hour.
# INKWEAR_DATA names the folder of data sets (torchvision's layout); without it they are downloaded into data/.
# PYTHON names the interpreter; `make train` sets it.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}

# The four shipped exports. Nothing here was chosen by looking at the test set: each command reads it once, at its end.
$python -m training.train --dataset mnist --model convnet --epochs 20 --lr 0.003 --batch-size 128 --seed 0 --device cpu
$python -m training.train --dataset mnist --model lenet --epochs 30 --lr 0.005 --batch-size 128 --seed 0 --device cpu
$python -m training.train --dataset fashion_mnist --model convnet --epochs 30 --lr 0.005 --batch-size 128 --seed 0 --device cpu
$python -m training.train --dataset fashion_mnist --model lenet --epochs 60 --lr 0.005 --batch-size 128 --seed 0 --device cpu

$python -m training.export models/checkpoints/{mnist,fashion_mnist}-{convnet,lenet}/best.pt
$python -m training.evaluate exports/*.onnx
