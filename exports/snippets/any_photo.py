"""Read any photo or drawing with an Inkwear .onnx file: python any_photo.py FILE.onnx PICTURE.

It needs the package inkwear: pip install . in a clone of this repository.
"""

import sys

from inkwear import Classifier, open_image

file, picture = sys.argv[1:]
[prediction] = Classifier(file).predict([open_image(picture)])
print(*prediction.notes, sep="\n")
if prediction.status == "blank":
    sys.exit("There is nothing to read.")
print(prediction.label, f"{prediction.confidence:.4f}", "sure" if prediction.status == "ok" else "not sure")
