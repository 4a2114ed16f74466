"""One picture to Inkwear, with Python alone."""

import json
from pathlib import Path
from urllib.request import Request, urlopen

request = Request(
    "http://127.0.0.1:7860/classify?model=mnist-sturdy",
    data=Path("five.png").read_bytes(),
    headers={"Content-Type": "image/png"},
)
with urlopen(request) as response:
    answer = json.load(response)
print(answer["status"], answer["label"], answer["confidence"])
