#!/usr/bin/env bash
# onnxruntime-answers-0-for-31-when-weights-are-dequantized-in-blocks: ONNX Runtime rounds the activations of a model in
# which only the weights are quantized.
#
# Seen on 29 November 2026 with onnxruntime 1.32.0, onnx 1.23.2, NumPy 2.4.6, Python 3.11.7, Debian 12 (x86-64, AVX-512
# with VNNI).
# Expected: DequantizeLinear with a block_size gives float32 weights and MatMul multiplies float32 by float32
#   (https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html); nothing in the graph quantizes x.
# Found: at the default optimization level the two nodes become com.microsoft.MatMulNBits of accuracy level 4, which
#   rounds each block of x to 8 bits. One large activation, even one whose weight is 0, thus erases the other 31 of its
#   block. Ordinary activations cost 0.3 to 1 % of the largest answer instead of a ten-millionth, which passes for the
#   error of the weights. ORT_ENABLE_BASIC is exact; so is session.qdq_matmulnbits_accuracy_level = 1, whose default of
#   4 a comment in the C header onnxruntime_session_options_config_keys.h states.
#   Here x is 1000 and 31 ones; the weights are 0 for the 1000 and 1 for each 1, so that the sum is 31.
# Output:
#   4-bit weights  reference=31 basic=31 default=0 level_1=31
#   8-bit weights  reference=31 basic=31 default=0 level_1=31
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

venv/bin/python > found <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

BLOCK = 32
x = np.ones((1, BLOCK), np.float32)
x[0, 0] = 1000


def model_of(kind):
    quantized = helper.make_tensor("quantized", kind, [BLOCK, 1], [0] + [1] * (BLOCK - 1))
    scale = numpy_helper.from_array(np.ones((1, 1), np.float32), "scale")
    nodes = [
        helper.make_node("DequantizeLinear", ["quantized", "scale"], ["weights"], axis=0, block_size=BLOCK),
        helper.make_node("MatMul", ["x", "weights"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", BLOCK])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])]
    graph = helper.make_graph(nodes, "sum", inputs, outputs, [quantized, scale])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def answer(model, level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL, **entries):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    for name, value in entries.items():
        options.add_session_config_entry(f"session.{name}", value)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0].item()


for bits, kind in ((4, TensorProto.INT4), (8, TensorProto.INT8)):
    model = model_of(kind)
    print(
        f"{bits}-bit weights ",
        f"reference={ReferenceEvaluator(model).run(None, {'x': x})[0].item():.0f}",
        f"basic={answer(model, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC):.0f}",
        f"default={answer(model):.0f}",
        f"level_1={answer(model, qdq_matmulnbits_accuracy_level='1'):.0f}",
    )
PYTHON

cat found
sed -n '/^# Output:/,/^set/s/^#   //p' "$script" | diff - found >&2 || {
    echo "$(basename "$script"): the program answers otherwise now: correct or remove this finding." >&2
    exit 1
}
