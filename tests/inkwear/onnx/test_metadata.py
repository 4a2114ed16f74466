import json
from dataclasses import replace

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


def test_whole_pictures_may_be_larger() -> None:
    spec = replace(METADATA.input, size=64, box=64, whole=True, stroke=None)
    square = Reference.of(np.zeros((64, 64), np.uint8), np.array([0.5, -1, 2], np.float32))
    whole = replace(METADATA, input=spec, reference=square)
    assert ModelMetadata.from_props(whole.to_props()) == whole
    for size in (27, 513):
        with pytest.raises(ValueError, match=rf"InputSpec.size is {size}; .* up to 512 with whole pictures"):
            replace(spec, size=size)


def test_older_files_do_not_name_the_size() -> None:
    props = METADATA.to_props()
    older = {name: value for name, value in json.loads(props["input"]).items() if name not in ("size", "whole")}
    assert ModelMetadata.from_props(props | {"input": json.dumps(older)}) == METADATA


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
        ({"reference": '{"pixels": "AAAAAA==", "logits": [1, 2, 3]}'}, "2×2 pixels for a network that reads 28×28"),
        (
            {"input": METADATA.to_props()["input"].replace('"size": 28', '"size": 64')},
            "no other without whole",
        ),
        ({"metrics": "[]"}, "does not fit"),
    ],
)
def test_what_does_not_fit_is_named(change: dict, reason: str) -> None:
    props = {name: value for name, value in (METADATA.to_props() | change).items() if value is not None}
    with pytest.raises(MetadataError, match=reason):
        ModelMetadata.from_props(props)
