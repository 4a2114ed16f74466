"""``POST /compare``: every model with the same classes reads one picture."""

from typing import TYPE_CHECKING, Self

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.deps import AppStateDep, PictureRequestDep
from app.api.errors import documented, error_body
from app.api.openapi import FORM_WITH_A_PICTURE
from app.archives.pictures import MAX_PICTURE_BYTES
from app.middleware.limits import FORM, limits

if TYPE_CHECKING:
    from app.catalog import Entry
    from inkwear.comparison import Reading

router = APIRouter()


class ReadingResponse(BaseModel):
    """What one model says; if it failed, ``status`` is ``error`` and ``error`` holds a code and a message."""

    model: str
    status: str
    label: str | None
    text: str | None
    confidence: float | None
    probabilities: dict[str, float]
    milliseconds: float | None
    """Time of the network alone, for one image."""
    test_accuracy: float | None
    parameters: float | None
    bytes: int
    error: dict[str, str] | None

    @classmethod
    def of(cls, reading: "Reading[Entry]") -> Self:
        said, metrics = reading.prediction, reading.entry.metadata.metrics
        return cls(
            model=reading.entry.name,
            status=said.status if said else "error",
            label=said.label if said else None,
            text=said.text if said else None,
            confidence=said.confidence if said else None,
            probabilities=dict(zip(said.class_names, said.probabilities, strict=False)) if said else {},
            milliseconds=reading.milliseconds,
            test_accuracy=metrics.get("test_accuracy"),
            parameters=metrics.get("parameters"),
            bytes=reading.entry.bytes,
            error=error_body(reading.error)["error"] if reading.error else None,
        )


class ComparisonResponse(BaseModel):
    """Each model's answer, the best model first; the commonest label, and the share of answers that agree with it.

    ``text`` is what the best of these models read, signs and lines kept.
    """

    answers: list[ReadingResponse]
    label: str | None
    text: str | None
    agreement: float | None


@router.post("/compare", responses=documented(404, 409, 413, 422, 500), openapi_extra=FORM_WITH_A_PICTURE)
@limits("compare", max_bytes=MAX_PICTURE_BYTES, content_types=FORM, slot="work")
def compare_models(request: PictureRequestDep, state: AppStateDep) -> ComparisonResponse:
    """Let every model with the same classes read a picture; takes what `/classify` takes."""
    from inkwear.comparison import compare  # OpenCV and ONNX Runtime take 0.2 s: not at the start

    device = request.classifier.runtime.asked
    comparison = compare(
        request.picture,
        request.classifier.metadata,
        state.catalog.snapshot.ranked,
        lambda name: state.catalog.classifier(name, device),
    )
    return ComparisonResponse(
        answers=[ReadingResponse.of(reading) for reading in comparison.readings],
        label=comparison.label,
        text=comparison.text,
        agreement=comparison.agreement,
    )
