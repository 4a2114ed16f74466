"""Classifiers that many tests of the library share."""

import pytest

from inkwear.classifier import Classifier
from tests.conftest import EXPORTS


@pytest.fixture(scope="package")
def classifier() -> Classifier:
    return Classifier(EXPORTS / "mnist-convnet.onnx", "cpu")


@pytest.fixture(scope="package")
def sturdy() -> Classifier:
    """The network that the page offers first: it was trained on digits that were cut in the wrong place."""
    return Classifier(EXPORTS / "mnist-sturdy.onnx", "cpu")
