"""``GET /models/{name}/card`` and ``/drawing.svg``: what is known of a network, from its file and its report."""

from dataclasses import asdict
from typing import Any, Self

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel

from app.api.deps import AppStateDep
from app.catalog import Entry
from app.drawing import draw
from app.middleware.limits import limits
from inkwear.errors import ReportError
from inkwear.report import read_report

router = APIRouter()


class Problem(BaseModel):
    """Why there is no report: ``missing``, ``damaged`` or ``other_file``, and a sentence."""

    code: str
    text: str


class LayerResponse(BaseModel):
    """One layer or function; ``shape`` and ``macs`` are for one image, ``inputs`` the names of the layers it reads."""

    name: str
    kind: str
    detail: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    inputs: tuple[str, ...]


class CardResponse(BaseModel):
    """What is known of a network; the fields from its report are ``null`` without one, and ``note`` says why."""

    name: str
    title: str
    architecture: str
    dataset: str
    class_names: tuple[str, ...]
    bytes: int
    sha256: str
    input: dict[str, Any]
    """How a picture becomes what the network reads."""
    metrics: dict[str, float]
    recipe: dict[str, Any]
    temperature: float
    reject_threshold: float
    layers: list[LayerResponse] | None = None
    """The layers in the order of computing."""
    macs: int | None = None
    curves: list[dict[str, float]] | None = None
    """For each epoch: epoch, train_loss, train_accuracy, validation_loss, validation_accuracy, lr, seconds."""
    confusion: list[list[int]] | None = None
    """How often each class (row) of the test set was read as each (column)."""
    class_accuracy: list[float] | None = None
    confidence: dict[str, float] | None = None
    """On the test set, as fractions: calibration_error, unsure, accuracy_when_sure."""
    drawing: str | None = None
    """SVG of the layers, in the color of the text around it."""
    note: Problem | None = None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        stated = asdict(entry.metadata)
        shown = {name: stated[name] for name in cls.model_fields if name in stated}
        return cls(name=entry.name, bytes=entry.bytes, sha256=entry.digest, **shown, **_reported(entry))


def _reported(entry: Entry) -> dict[str, Any]:
    """Return the fields that come from a model's report, or why there is none."""
    try:
        report = read_report(entry.path)
    except ReportError as error:
        return {"note": Problem(code=error.code, text=str(error))}
    accuracy = [row[index] / max(sum(row), 1) for index, row in enumerate(report.confusion)]
    return {
        "layers": [LayerResponse(**asdict(layer)) for layer in report.layers] or None,
        "macs": sum(layer.macs for layer in report.layers) if report.layers else None,
        "curves": [dict(epoch) for epoch in report.curves] or None,
        "confusion": [list(row) for row in report.confusion] or None,
        "class_accuracy": accuracy or None,
        "confidence": dict(report.confidence) or None,
        "drawing": draw(report.layers, entry.name) if report.layers else None,
    }


@router.get("/models/{name}/card")
@limits("card")
def card(name: str, state: AppStateDep) -> CardResponse:
    """Tell all that is known of a model: recipe, layers, curves, confusions on the test set."""
    return CardResponse.of(state.catalog.find(name))


@router.get("/models/{name}/drawing.svg", response_class=Response)
@limits("card")
def drawing(name: str, state: AppStateDep) -> Response:
    """Draw a model's layers as an SVG with colors of its own, light or dark."""
    try:
        layers = read_report(state.catalog.find(name).path).layers
    except ReportError as error:
        raise HTTPException(404, str(error)) from error
    if not layers:
        raise HTTPException(404, f"The report of {name} holds no layers.")
    return Response(draw(layers, name, standalone=True), media_type="image/svg+xml")
