"""``POST /explain``: the steps that lead to an answer, and the ink it rests on."""

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
    from inkwear.explain import Explanation, Step

router = APIRouter()


class StepResponse(BaseModel):
    """The picture after a step: ``original``, ``gray``, ``found``, ``framed`` or ``normalized``.

    ``width`` and ``height`` are those of the step; ``picture``, a PNG in base64, has at most 320 pixels on a side.
    """

    code: str
    notes: list[NoteResponse]
    width: int
    height: int
    picture: str
    numbers: dict[str, float] | None
    """``least``, ``mean`` and ``greatest`` of ``normalized``, where 0 is drawn as the middle gray."""

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
    """The ink that an answer rests on, found by covering patches of the 28×28 pixels with background."""

    class_id: int
    label: str
    values: list[list[float]]
    """28 rows of 28 numbers from -1 to 1: above 0 the ink speaks for the label, below 0 against it."""
    nats: float
    """Fall of the label's log-odds, in nats, where a value is 1."""
    patch: int
    stride: int
    pixels: str
    """28×28 bytes, row by row, in base64: the image whose pixels were covered."""


class ExplanationResponse(BaseModel):
    """An answer and the way to it; ``saliency`` has an entry for each digit, and none where the picture is blank."""

    steps: list[StepResponse]
    saliency: list[SaliencyResponse]
    answer: PredictionResponse


@router.post("/explain", responses=documented(404, 409, 413, 422, 500), openapi_extra=FORM_WITH_A_PICTURE)
@limits("explain", max_bytes=MAX_PICTURE_BYTES, content_types=FORM, slot="work")
def explain_picture(request: PictureRequestDep) -> ExplanationResponse:
    """Explain an answer: `curl -F image=@five.png -F model=mnist-convnet localhost:7860/explain`."""
    from inkwear.explain import classified_images, explain  # load OpenCV and ONNX Runtime: when they are needed

    explanation = explain(request.classifier, request.classifier.segment(request.picture))
    return ExplanationResponse(
        steps=[StepResponse.of(step) for step in explanation.steps],
        saliency=_saliency(explanation, [pixels for pixels, _ in classified_images(explanation.prediction)]),
        answer=PredictionResponse.of(explanation.prediction, request.model, request.classifier, request.started),
    )


def _saliency(explanation: "Explanation", images: list[Pixels]) -> list[SaliencyResponse]:
    names = explanation.prediction.class_names
    return [
        SaliencyResponse(
            class_id=found.class_id,
            label=names[found.class_id],
            values=[[round(float(value), 3) for value in row] for row in found.values],
            nats=found.nats,
            patch=found.patch,
            stride=found.stride,
            pixels=in_base64(pixels),
        )
        for found, pixels in zip(explanation.saliency, images, strict=True)
    ]


def _png(picture: Pixels) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()
