"""Run an Inkwear .onnx file with onnxruntime, numpy and pillow alone: python onnxruntime_alone.py FILE.onnx PICTURE.

The picture is one of the data set, or looks like one: 28×28 pixels, bright on black. A file whose ``input`` says
``whole`` reads a photograph as it is, in a square of ``size`` pixels.
"""

import base64
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

file, picture = sys.argv[1:]
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
about = {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}


def logits_of(pixels: np.ndarray) -> np.ndarray:
    """(N, S, S) uint8 -> (N, classes) float32."""
    images = (pixels.astype(np.float32) / 255 - about["input"]["mean"]) / about["input"]["std"]
    return session.run(["logits"], {"images": images[:, None].astype(np.float32)})[0]


size = about["input"].get("size", 28)

# The file carries a picture and the logits that it must give: so it checks this very program.
reference = np.frombuffer(base64.b64decode(about["reference"]["pixels"]), np.uint8).reshape(1, size, size)
difference = np.abs(logits_of(reference)[0] - about["reference"]["logits"]).max()
if not difference <= 1e-3:
    sys.exit(f"{file} reads its own reference picture otherwise than it states: a logit is off by {difference:g}")

pixels = np.asarray(Image.open(picture).convert("L"))
if pixels.shape != (size, size):
    sys.exit(f"{picture} is {pixels.shape[1]}×{pixels.shape[0]}; {size}×{size} is needed")
logits = logits_of(pixels[None])[0] / about["temperature"]
probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
best = int(probabilities.argmax())
sure = probabilities[best] >= about["reject_threshold"]
print(about["class_names"][best], f"{probabilities[best]:.4f}", "sure" if sure else "not sure")
