"""What the endpoints answer: a prediction as JSON.

Our own values need no validation: ``model_construct`` leaves it out, which a small network would notice.
"""

import base64
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
    """Where the answer was computed; ``reason`` says why that is not CUDA, ``remedy`` what would change it."""

    asked: str
    used: str
    provider: str
    code: str | None
    reason: str | None
    remedy: str | None

    @classmethod
    def of(cls, classifier: "Classifier") -> Self:
        runtime, obstacle = classifier.runtime, classifier.runtime.fallback_reason
        return cls.model_construct(
            asked=runtime.asked,
            used=runtime.device,
            provider=runtime.provider,
            code=obstacle.code if obstacle else None,
            reason=obstacle.reason if obstacle else None,
            remedy=obstacle.remedy if obstacle else None,
        )


class DigitResponse(BaseModel):
    """One digit of a number; ``box`` is left, top, right, bottom in pixels of the upright picture."""

    label: str
    confidence: float
    box: tuple[int, int, int, int]
    pixels: str
    """28×28 bytes, row by row, in base64: what the network saw."""


class PredictionResponse(BaseModel):
    """What the model says of a picture: ``ok``, ``unsure`` of the likeliest label, or ``blank``.

    A blank one has no label and no probabilities, a number no probabilities.
    """

    status: str
    label: str | None
    class_id: int | None
    confidence: float | None
    probabilities: dict[str, float]
    notes: list[NoteResponse]
    pixels: str
    """28×28 bytes, row by row, in base64: what the network saw of the whole picture."""
    digits: list[DigitResponse]
    """Of a number, line by line and from left to right; empty where it is one thing."""
    model: str
    digest: str
    """SHA-256 of the model file that answered; /models lists the same while that file lies there."""
    device: DeviceResponse
    milliseconds: float

    @classmethod
    def of(
        cls, prediction: "Prediction", model: str, classifier: "Classifier", milliseconds: float
    ) -> "PredictionResponse":
        return cls.model_construct(
            status=prediction.status,
            label=prediction.label,
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
            model=model,
            digest=classifier.digest,
            device=DeviceResponse.of(classifier),
            milliseconds=milliseconds,
        )


def in_base64(pixels: Pixels) -> str:
    """The bytes of an array, row by row."""
    return base64.b64encode(pixels.tobytes()).decode()
