"""The metadata of an exported file: a typed, versioned dataclass, stored in the ``metadata_props`` of ONNX."""

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

import numpy as np

from inkwear.errors import MetadataError
from inkwear.preprocess.spec import InputSpec, Pixels

SCHEMA_VERSION = 1

MAX_CLASSES, MAX_NAME_LENGTH = 1_000, 200
"""Classes of a model, and characters of a class name or title."""

_NOT_IN_NAMES = r"[<>\x00-\x1f\x7f-\x9f\u202a-\u202e]"
"""Markup, control characters, and characters that change the direction of writing."""


@dataclass(frozen=True)
class Reference:
    """A picture and its logits, with which any consumer can check how it runs the file.

    Attributes:
        pixels: the bytes of a square, row by row in base64, after ``frame`` and before ``normalize``.
        logits: (classes,) as PyTorch computed them, reproduced within 1e-3.
    """

    pixels: str
    logits: tuple[float, ...]

    @classmethod
    def of(cls, image: Pixels, logits: "np.typing.NDArray[np.float32]") -> "Reference":
        return cls(base64.b64encode(image.tobytes()).decode(), tuple(float(value) for value in logits))

    def image(self) -> Pixels:
        """Return the picture as (S, S) uint8."""
        pixels = np.frombuffer(base64.b64decode(self.pixels), np.uint8)
        side = math.isqrt(len(pixels))
        return pixels.reshape(side, side)


@dataclass(frozen=True)
class ModelMetadata:
    """All that a consumer must know and the graph does not say.

    Attributes:
        architecture, dataset: by name, such as ``lenet`` and ``mnist``; for people, nothing depends on them.
        title: of the data set, for people.
        class_names: in the order of the logits.
        input: how a picture becomes what the network reads.
        output: what comes out; ``logits`` is the only kind there is.
        metrics: ``test_accuracy`` and ``validation_accuracy`` as fractions, ``parameters`` as a count; where measured,
            ``real_accuracy`` on simulated pictures of validation images.
        recipe: the options, seed and versions that trained it, and the command that repeats it.
        reference: for a consumer's check of itself.
        temperature: what the logits are divided by before softmax, so that a confidence is how often it is right.
        reject_threshold: confidence below which an answer is "not sure"; 0 where none was chosen.
    """

    architecture: str
    dataset: str
    title: str
    class_names: tuple[str, ...]
    input: InputSpec
    metrics: Mapping[str, float]
    recipe: Mapping[str, Any]
    reference: Reference
    temperature: float = 1.0
    reject_threshold: float = 0.0
    output: str = "logits"
    schema_version: int = SCHEMA_VERSION

    def to_props(self) -> dict[str, str]:
        """Return ``metadata_props``: a JSON value for each field."""
        return {name: json.dumps(value, ensure_ascii=False) for name, value in asdict(self).items()}

    @classmethod
    def from_props(cls, props: Mapping[str, str]) -> "ModelMetadata":
        """Read ``metadata_props``; unknown keys are ignored.

        Raises:
            MetadataError: it is no file of Inkwear's, has a newer schema, or a field is missing or invalid.
        """
        if "schema_version" not in props:
            raise MetadataError(
                "it carries no Inkwear metadata, so its mean, std and class names are unknown; "
                "export it with `python -m training.export`"
            )
        try:
            values = {
                field.name: _parse(props[field.name])
                for field in fields(cls)
                if field.name in props or field.default is MISSING
            }
        except KeyError as error:
            raise MetadataError(f"its metadata lacks the key {error}") from error
        except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, and deeply nested lists
            raise MetadataError(f"its metadata is not JSON ({error})") from error
        if values["schema_version"] != SCHEMA_VERSION:
            raise MetadataError(
                f"its metadata is of version {_short(values['schema_version'])}, "
                f"this Inkwear reads {SCHEMA_VERSION}; update it"
            )
        return cls._checked(values)

    @classmethod
    def _checked(cls, values: dict[str, Any]) -> "ModelMetadata":
        names = values["class_names"]
        if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
            raise MetadataError(f"its class_names are {_short(names)}; a list of strings is needed")
        if len(names) > MAX_CLASSES or len(set(names)) < len(names):
            raise MetadataError(f"it has {len(names):,} class_names; up to {MAX_CLASSES:,} different ones are needed")
        for name in (*names, *(values[key] for key in ("architecture", "dataset", "title"))):
            _check_words(name)
        if values.get("output", "logits") != "logits":
            raise MetadataError(f"its output is {_short(values['output'])}; only 'logits' can be read")
        try:
            reference = values["reference"]
            values |= {
                "class_names": tuple(names),
                "input": InputSpec(**values["input"]),
                "reference": Reference(
                    reference["pixels"], tuple(_within(value, -1e6, 1e6) for value in reference["logits"])
                ),
                "metrics": {
                    name: _within(value, 0, 1 if name.endswith("accuracy") else 1e12)
                    for name, value in values["metrics"].items()
                },
                "temperature": _within(values.get("temperature", 1.0), 1e-3, 1e3),
                "reject_threshold": _within(values.get("reject_threshold", 0.0), 0.0, 1.0),
            }
            side, size = len(values["reference"].image()), values["input"].size
            if side != size:
                raise ValueError(f"a reference picture of {side}×{side} pixels for a network that reads {size}×{size}")
            if len(values["reference"].logits) != len(names):
                raise ValueError(f"{len(values['reference'].logits)} reference logits for {len(names)} classes")
            if not isinstance(values["recipe"], dict):
                raise ValueError(f"the recipe is {_short(values['recipe'])}, and a mapping is needed")
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise MetadataError(f"its metadata does not fit: {_short(error, str)}") from error
        return cls(**values)


def _parse(text: str) -> Any:
    """Parse strict JSON: without NaN and Infinity, which Python accepts."""

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no number")

    return json.loads(text, parse_constant=refuse)


def _check_words(words: Any) -> None:
    """Check that a text can be shown anywhere.

    Raises:
        MetadataError: it is not a text, too long, or contains markup or control characters.
    """
    if not isinstance(words, str) or len(words) > MAX_NAME_LENGTH or re.search(_NOT_IN_NAMES, words):
        raise MetadataError(
            f"it calls something {_short(words)}; names of at most {MAX_NAME_LENGTH} characters without <, > and "
            "control characters are needed"
        )


def _short(value: Any, show: Callable[[Any], str] = repr) -> str:
    shown = show(value)
    return shown if len(shown) <= 120 else f"{shown[:117]}…"


def _within(value: Any, minimum: float, maximum: float) -> float:
    if not minimum <= float(value) <= maximum:
        raise ValueError(f"{value} is not from {minimum:g} to {maximum:g}")
    return float(value)
