import json

import numpy as np
import pytest

from inkwear.errors import MetadataError
from inkwear.onnx.metadata import ModelMetadata, Reference
from inkwear.preprocess.steps import InputSpec

METADATA = ModelMetadata(
    architecture="lenet",
    dataset="mnist",
    title="MNIST digits",
    class_names=("zero", "eins", "二"),
    input=InputSpec(
        mean=0.1, std=0.3, box=20, centering="mass", full_range=True, stroke=(1.9, 2.7), even_lighting=True
    ),
    metrics={"test_accuracy": 0.99, "parameters": 3.0},
    recipe={"seed": 0, "versions": {"torch": "2"}},
    reference=Reference.of(np.arange(784, dtype=np.uint8).reshape(28, 28), np.array([0.5, -1, 2], np.float32)),
)


def test_what_is_written_is_read_back() -> None:
    props = METADATA.to_props()
    assert all(json.loads(value) is not None for value in props.values())
    assert ModelMetadata.from_props(props | {"somebody's own": "key"}) == METADATA
    assert METADATA.reference.image()[1, 0] == 28


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema_version": None}, "no Inkwear metadata"),
        ({"schema_version": "2"}, "of version 2, this Inkwear reads 1"),
        ({"class_names": None}, "lacks the key 'class_names'"),
        ({"class_names": "{"}, "not JSON"),
        ({"class_names": '"0123"'}, "a list of strings"),
        ({"output": '"probabilities"'}, "only 'logits'"),
        ({"input": '{"mean": 0}'}, "does not fit"),
        ({"input": METADATA.to_props()["input"].replace('"std": 0.3', '"std": 0')}, "InputSpec.std is 0"),
        ({"reference": '{"pixels": "AAAA", "logits": [1]}'}, "does not fit"),
        ({"metrics": "[]"}, "does not fit"),
    ],
)
def test_what_does_not_fit_is_named(change: dict, reason: str) -> None:
    props = {name: value for name, value in (METADATA.to_props() | change).items() if value is not None}
    with pytest.raises(MetadataError, match=reason):
        ModelMetadata.from_props(props)
