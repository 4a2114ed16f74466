"""Classifiers that many tests of the library share."""

import pytest

from inkwear.classifier import Classifier
from tests.conftest import EXPORTS, some_exports


@pytest.fixture(scope="package")
def classifier() -> Classifier:
    return Classifier(EXPORTS / "mnist-convnet.onnx", "cpu")


@pytest.fixture(scope="package")
def sturdy() -> Classifier:
    """The network that the page offers first: it was trained on digits that were cut in the wrong place."""
    return Classifier(EXPORTS / "mnist-sturdy.onnx", "cpu")


@pytest.fixture(scope="package")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """The same network in a folder without a reader of lines."""
    folder = some_exports(tmp_path_factory.mktemp("alone"), ["mnist-sturdy"])
    return Classifier(folder / "mnist-sturdy.onnx", "cpu")
