"""``POST /explain``: the steps to an answer, and the ink that it rests on."""

import base64
import io
from typing import TYPE_CHECKING, Self

from fastapi import APIRouter
from PIL import Image
from pydantic import BaseModel

from app.api.deps import PictureRequestDep
from app.api.errors import documented
from app.api.openapi import FORM_WITH_A_PICTURE
from app.api.responses import NoteResponse, PredictionResponse, in_base64
from app.archives.pictures import MAX_PICTURE_BYTES
from app.middleware.limits import FORM, limits
from inkwear.preprocess.spec import Pixels

if TYPE_CHECKING:
    from inkwear.explain import Saliency, Step

router = APIRouter()


class StepResponse(BaseModel):
    """The picture after a step: ``original``, ``gray``, ``found``, ``framed`` or ``normalized``.

    ``width`` and ``height`` are the step's own; ``picture``, a PNG in base64, has at most 320 pixels on a side.
    """

    code: str
    notes: list[NoteResponse]
    width: int
    height: int
    picture: str
    numbers: dict[str, float] | None
    """The ``least``, ``mean`` and ``greatest`` number of ``normalized``, which draws 0 in the middle of the grays."""

    @classmethod
    def of(cls, step: "Step") -> Self:
        return cls(
            code=step.code,
            notes=[NoteResponse.of(note) for note in step.notes],
            width=step.width,
            height=step.height,
            picture=_png(step.picture),
            numbers=step.numbers,
        )


class SaliencyResponse(BaseModel):
    """The ink that an answer rests on, found by covering parts of the pixels with background (occlusion)."""

    class_id: int
    label: str
    values: list[list[float]]
    """28 rows of 28 numbers from -1 to 1: ink above 0 speaks for the label, ink below 0 against it."""
    nats: float
    """Fall of the label's log-odds where a value is 1."""
    patch: int
    stride: int
    pixels: str
    """The bytes of a square, 28×28 for most models, row by row, in base64: the picture that was covered."""

    @classmethod
    def of(cls, saliency: "Saliency", label: str, pixels: Pixels) -> Self:
        """Describe the saliency of one thing or digit.

        Args:
            saliency: how much of the answer rests on each pixel.
            label: the answer's class name.
            pixels: (S, S) uint8, what the network saw.
        """
        return cls(
            class_id=saliency.class_id,
            label=label,
            values=[[round(float(value), 3) for value in row] for row in saliency.values],
            nats=saliency.nats,
            patch=saliency.patch,
            stride=saliency.stride,
            pixels=in_base64(pixels),
        )


class ExplanationResponse(BaseModel):
    """An answer and the way to it; ``saliency`` has one entry for each digit of a number, and none for a blank one."""

    steps: list[StepResponse]
    saliency: list[SaliencyResponse]
    answer: PredictionResponse


@router.post("/explain", responses=documented(404, 409, 413, 422, 500), openapi_extra=FORM_WITH_A_PICTURE)
@limits("explain", max_bytes=MAX_PICTURE_BYTES, content_types=FORM, slot="work")
def explain_picture(request: PictureRequestDep) -> ExplanationResponse:
    """Explain an answer: `curl -F image=@five.png -F model=mnist-convnet localhost:7860/explain`."""
    from inkwear.explain import classified_images, explain  # OpenCV and ONNX Runtime take 0.2 s: not at the start

    explanation = explain(request.classifier, request.classifier.segment(request.picture))
    prediction = explanation.prediction
    return ExplanationResponse(
        steps=[StepResponse.of(step) for step in explanation.steps],
        saliency=[
            SaliencyResponse.of(found, prediction.class_names[found.class_id], pixels)
            for found, (pixels, _) in zip(explanation.saliency, classified_images(prediction), strict=True)
        ],
        answer=PredictionResponse.of(prediction, request.classifier, request.started),
    )


def _png(picture: Pixels) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()
