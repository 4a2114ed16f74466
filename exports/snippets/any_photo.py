"""Read any photo or drawing of one thing with an Inkwear .onnx file: python any_photo.py FILE.onnx PICTURE.

Beside this program lie the modules of exports/ that the README names; besides onnxruntime, numpy and pillow it needs
opencv-python-headless.
"""

import sys

import numpy as np
import onnxruntime

from inkwear.images.decode import open_image
from inkwear.onnx.metadata import ModelMetadata
from inkwear.preprocess.steps import frame, normalize, to_colors, unsqueeze

file, picture = sys.argv[1:]
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
about = ModelMetadata.from_props(session.get_modelmeta().custom_metadata_map)

colours, notes = to_colors(open_image(picture))
framed = frame(colours, about.input)
print(*notes, *framed.notes, sep="\n")
if framed.blank:
    sys.exit("There is nothing to read.")

logits = session.run(["logits"], {"images": unsqueeze(normalize(framed.pixels, about.input))})[0][0]
scaled = (logits - logits.max()) / about.temperature
probabilities = np.exp(scaled) / np.exp(scaled).sum()
best = int(probabilities.argmax())
sure = probabilities[best] >= about.reject_threshold
print(about.class_names[best], f"{probabilities[best]:.4f}", "sure" if sure else "not sure")
