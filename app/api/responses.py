"""Predictions as JSON.

``model_construct`` leaves out the validation, which takes longer than a small network and which our values do not need.
"""

import base64
import time
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel

from inkwear.preprocess.notes import Note
from inkwear.preprocess.spec import Pixels

if TYPE_CHECKING:
    from inkwear.classifier import Classifier
    from inkwear.prediction import Prediction


class NoteResponse(BaseModel):
    """One step of the preprocessing."""

    code: str
    text: str
    values: dict[str, str | int]

    @classmethod
    def of(cls, note: Note) -> Self:
        return cls.model_construct(code=note.code, text=str(note), values=dict(note.values))


class DeviceResponse(BaseModel):
    """Where an answer was computed; ``reason`` says why that is not CUDA, ``remedy`` what would change it."""

    asked: str
    used: str
    provider: str
    code: str | None
    reason: str | None
    remedy: str | None

    @classmethod
    def of(cls, classifier: "Classifier") -> Self:
        runtime, fallback = classifier.runtime, classifier.runtime.fallback_reason
        return cls.model_construct(
            asked=runtime.asked,
            used=runtime.device,
            provider=runtime.provider,
            code=fallback.code if fallback else None,
            reason=fallback.reason if fallback else None,
            remedy=fallback.remedy if fallback else None,
        )


class DigitResponse(BaseModel):
    """One digit of a number; ``box`` is left, top, right, bottom in pixels of the upright picture."""

    label: str
    confidence: float
    box: tuple[int, int, int, int]
    pixels: str
    """The bytes of a square, 28×28 for most models, row by row, in base64: what the network saw."""


class PredictionResponse(BaseModel):
    """What the model says of a picture: ``ok``, ``unsure`` of the likeliest label, or ``blank``.

    A blank one has no label and no probabilities, a number no probabilities.
    """

    status: str
    label: str | None
    text: str | None
    """All that was read of a number, with separators, signs and line breaks; otherwise the label."""
    class_id: int | None
    confidence: float | None
    probabilities: dict[str, float]
    notes: list[NoteResponse]
    pixels: str
    """The bytes of a square, 28×28 for most models, row by row, in base64: what the network saw of the picture."""
    digits: list[DigitResponse]
    """Digits of a number, line by line and from left to right; empty where the picture shows one thing."""
    reader: str | None
    """What read the digits of a number: ``model``, ``line reader`` or ``both``."""
    model: str
    digest: str
    """SHA-256 of the model file that answered; /models lists it too while the file is there."""
    device: DeviceResponse
    milliseconds: float

    @classmethod
    def of(cls, prediction: "Prediction", classifier: "Classifier", started: float) -> Self:
        """Return a prediction as JSON.

        Args:
            prediction: what is answered.
            classifier: the model that answers.
            started: when the request came (``time.perf_counter``).
        """
        return cls.model_construct(
            status=prediction.status,
            label=prediction.label,
            text=prediction.text,
            class_id=prediction.class_id,
            confidence=prediction.confidence,
            probabilities=dict(zip(prediction.class_names, prediction.probabilities, strict=False)),
            notes=[NoteResponse.of(note) for note in prediction.notes],
            pixels=in_base64(prediction.pixels),
            digits=[
                DigitResponse.model_construct(
                    label=digit.label, confidence=digit.confidence, box=digit.box, pixels=in_base64(digit.pixels)
                )
                for digit in prediction.digits
            ],
            reader=prediction.reader,
            model=classifier.name,
            digest=classifier.digest,
            device=DeviceResponse.of(classifier),
            milliseconds=1000 * (time.perf_counter() - started),
        )


def in_base64(pixels: Pixels) -> str:
    """Encode the bytes of an array, row by row."""
    return base64.b64encode(pixels.tobytes()).decode()
