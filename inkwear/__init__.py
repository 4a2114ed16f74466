"""Inkwear's library: reads digits and clothing with exported ONNX files, without torch and without a web server.

from inkwear import Classifier, open_image

[prediction] = Classifier("exports/mnist-inkwear_s.onnx").predict([open_image("five.png")])
print(prediction.label, prediction.confidence, prediction.status)
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["Auto", "Classifier", "Digit", "InputSpec", "ModelMetadata", "Prediction", "open_image"]

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # ONNX Runtime reads it when it is imported

if TYPE_CHECKING:
    from inkwear.auto import Auto
    from inkwear.classifier import Classifier
    from inkwear.images.decode import open_image
    from inkwear.onnx.metadata import ModelMetadata
    from inkwear.prediction import Digit, Prediction
    from inkwear.preprocess.spec import InputSpec
else:
    _MODULES = {
        "Auto": "inkwear.auto",
        "Classifier": "inkwear.classifier",
        "Digit": "inkwear.prediction",
        "InputSpec": "inkwear.preprocess.spec",
        "ModelMetadata": "inkwear.onnx.metadata",
        "Prediction": "inkwear.prediction",
        "open_image": "inkwear.images.decode",
    }
    """The module of each public name, imported on first use: OpenCV and ONNX Runtime take a third of a second."""

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module 'inkwear' has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)
