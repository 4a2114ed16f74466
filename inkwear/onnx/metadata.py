"""What an exported file says of itself: a typed, versioned dataclass <-> the ONNX ``metadata_props``."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

import numpy as np

from inkwear.preprocess.spec import SIZE, InputSpec, Pixels

SCHEMA_VERSION = 1

MOST_CLASSES, LONGEST_NAME = 1_000, 200

_NOT_IN_NAMES = r"[<>\x00-\x1f\x7f-\x9f\u202a-\u202e]"
"""Markup, control characters and what turns the direction of writing."""


class MetadataError(ValueError):
    """The metadata of a file is missing, of a newer version, or not what it should be; the message says which."""


@dataclass(frozen=True)
class Reference:
    """A picture and the logits it must give, so that any consumer can check its own way of running the file.

    Attributes:
        pixels: 28×28 bytes row by row in base64, as ``frame`` gives them: before ``normalize``.
        logits: (classes,) as PyTorch computed them, to be met within 1e-3.
    """

    pixels: str
    logits: tuple[float, ...]

    @classmethod
    def of(cls, image: Pixels, logits: "np.typing.NDArray[np.float32]") -> "Reference":
        return cls(base64.b64encode(image.tobytes()).decode(), tuple(float(value) for value in logits))

    def image(self) -> Pixels:
        """Return the picture as (28, 28) uint8."""
        return np.frombuffer(base64.b64decode(self.pixels), np.uint8).reshape(SIZE, SIZE)


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
        """Read ``metadata_props`` back; keys that are not ours are left alone.

        Raises:
            MetadataError: not an Inkwear file, a newer schema, a missing field, or a value that does not fit.
        """
        if "schema_version" not in props:
            raise MetadataError(
                "it carries no Inkwear metadata, so its mean, std and class names are unknown; "
                "export it with `python -m training.export`"
            )
        try:
            values = {
                field.name: _of_json(props[field.name])
                for field in fields(cls)
                if field.name in props or field.default is MISSING
            }
        except KeyError as error:
            raise MetadataError(f"its metadata lacks the key {error}") from error
        except (ValueError, RecursionError) as error:  # no JSON, a number of thousands of digits, lists in lists in …
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
        if len(names) > MOST_CLASSES or len(set(names)) < len(names):
            raise MetadataError(f"it has {len(names):,} class_names; up to {MOST_CLASSES:,} different ones are needed")
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
            values["reference"].image()
            if len(values["reference"].logits) != len(names):
                raise ValueError(f"{len(values['reference'].logits)} reference logits for {len(names)} classes")
            if not isinstance(values["recipe"], dict):
                raise ValueError(f"the recipe is {_short(values['recipe'])}, and a mapping is needed")
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise MetadataError(f"its metadata does not fit: {_short(error, str)}") from error
        return cls(**values)


def _of_json(text: str) -> Any:
    """Read a value; NaN and Infinity, which JSON does not have and Python reads, are none."""

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no number")

    return json.loads(text, parse_constant=refuse)


def _check_words(words: Any) -> None:
    """Hold what people will read against what can be shown anywhere.

    Raises:
        MetadataError: it is no text, too long, or has markup or control characters in it.
    """
    if not isinstance(words, str) or len(words) > LONGEST_NAME or re.search(_NOT_IN_NAMES, words):
        raise MetadataError(
            f"it calls something {_short(words)}; names of at most {LONGEST_NAME} characters without <, > and control "
            "characters are needed"
        )


def _short(value: Any, show: Callable[[Any], str] = repr) -> str:
    shown = show(value)
    return shown if len(shown) <= 120 else f"{shown[:117]}…"


def _within(value: Any, least: float, greatest: float) -> float:
    if not least <= float(value) <= greatest:
        raise ValueError(f"{value} is not from {least:g} to {greatest:g}")
    return float(value)
