#!/usr/bin/env bash
# opencv-dnn-averages-padding-when-the-producer-is-called-pytorch: the name of the program that wrote an ONNX file
# decides what OpenCV's AveragePool answers.
#
# Seen on 29 November 2026 with opencv-python-headless 4.14.0.94 and 5.0.0.93, onnx 1.23.2, NumPy 2.4.6,
# Python 3.11.7, Debian 12 (x86-64).
# Expected: the attribute count_include_pad alone says whether the zeros of the padding are averaged, and 0 is its
#   default (https://onnx.ai/onnx/operators/onnx__AveragePool.html); producer_name is a label.
# Found: OpenCV 4.14 never reads the attribute. It averages the padding if producer_name is "pytorch" and otherwise
#   does not. OpenCV 5.0 reads the attribute, but its default still hangs on that name. There is no warning, and only
#   the border of the picture is wrong, so that the answers of a network change by little.
#   The picture is 3 x 3 ones, kernel 3 x 3, padding 1; the number is the corner: 4 ones over 4 or over 9.
# Output:
#   4.14.0 producer=pytorch  count_include_pad=absent reference=1.000 opencv=0.444
#   4.14.0 producer=pytorch  count_include_pad=0      reference=1.000 opencv=0.444
#   4.14.0 producer=pytorch  count_include_pad=1      reference=0.444 opencv=0.444
#   4.14.0 producer=somebody count_include_pad=absent reference=1.000 opencv=1.000
#   4.14.0 producer=somebody count_include_pad=0      reference=1.000 opencv=1.000
#   4.14.0 producer=somebody count_include_pad=1      reference=0.444 opencv=1.000
#   5.0.0  producer=pytorch  count_include_pad=absent reference=1.000 opencv=0.444
#   5.0.0  producer=pytorch  count_include_pad=0      reference=1.000 opencv=1.000
#   5.0.0  producer=pytorch  count_include_pad=1      reference=0.444 opencv=0.444
#   5.0.0  producer=somebody count_include_pad=absent reference=1.000 opencv=1.000
#   5.0.0  producer=somebody count_include_pad=0      reference=1.000 opencv=1.000
#   5.0.0  producer=somebody count_include_pad=1      reference=0.444 opencv=0.444
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > pool.py <<'PYTHON'
import cv2
import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

ones = np.ones((1, 1, 3, 3), np.float32)
for producer in ("pytorch", "somebody"):
    for attributes in ({}, {"count_include_pad": 0}, {"count_include_pad": 1}):
        node = helper.make_node(
            "AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1], **attributes
        )
        values = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, 3, 3]) for name in "xy"]
        graph = helper.make_graph([node], "pool", values[:1], values[1:])
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8, producer_name=producer)
        onnx.checker.check_model(model, full_check=True)
        reference = ReferenceEvaluator(model).run(None, {"x": ones})[0]
        net = cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))
        net.setInput(ones)
        answer = net.forward()
        setting = attributes.get("count_include_pad", "absent")
        print(
            f"{cv2.__version__:6} producer={producer:8} count_include_pad={setting!s:6}",
            f"reference={reference[0, 0, 0, 0]:.3f} opencv={answer[0, 0, 0, 0]:.3f}",
        )
PYTHON

for opencv in 4.14.0.94 5.0.0.93; do
    python3 -m venv --clear venv
    venv/bin/pip install --quiet --disable-pip-version-check \
        "opencv-python-headless==$opencv" onnx==1.23.2 numpy==2.4.6
    venv/bin/python pool.py >> found
done
cat found
sed -n '/^# Output:/,/^set/s/^#   //p' "$script" | diff - found >&2 || {
    echo "$(basename "$script"): the program answers otherwise now: correct or remove this finding." >&2
    exit 1
}
