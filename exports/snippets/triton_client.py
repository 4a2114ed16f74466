"""Ask a Triton server with an Inkwear model: python triton_client.py http://localhost:8000 MODEL PICTURE.

It needs numpy and pillow. What the file says of itself, the server tells as parameters of the model's configuration.
The picture is one of the data set, or looks like one: 28×28 pixels, bright on black.
"""

import json
import sys
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image

server, model, picture = sys.argv[1:]
with urlopen(f"{server}/v2/models/{model}/config") as response:
    parameters = json.load(response)["parameters"]
about = {name: json.loads(value["string_value"]) for name, value in parameters.items()}

pixels = np.asarray(Image.open(picture).convert("L"), np.float32)
images = (pixels / 255 - about["input"]["mean"]) / about["input"]["std"]
body = {
    "inputs": [{"name": "images", "datatype": "FP32", "shape": [1, 1, *images.shape], "data": images.ravel().tolist()}],
    "outputs": [{"name": "logits"}],
}
request = Request(f"{server}/v2/models/{model}/infer", json.dumps(body).encode(), {"Content-Type": "application/json"})
with urlopen(request) as response:
    logits = np.array(json.load(response)["outputs"][0]["data"]) / about["temperature"]

probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
best = int(probabilities.argmax())
sure = probabilities[best] >= about["reject_threshold"]
print(about["class_names"][best], f"{probabilities[best]:.4f}", "sure" if sure else "not sure")
