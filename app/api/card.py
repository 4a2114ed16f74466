"""``GET /models/{name}/card`` and ``/drawing.svg``: a network's own card."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel

from app.api.deps import AppStateDep
from app.card import Card, card_of
from app.drawing import draw
from app.middleware.limits import limits

router = APIRouter()


class Problem(BaseModel):
    """Why there is no report: ``missing``, ``damaged`` or ``other_file``, and a sentence."""

    code: str
    text: str


class LayerAnswer(BaseModel):
    """One layer or function; ``shape`` and ``macs`` are for one image, ``inputs`` the names of what it reads."""

    name: str
    kind: str
    detail: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    inputs: tuple[str, ...]


class CardAnswer(BaseModel):
    """What is known of a network; ``null`` where nothing is."""

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
    layers: list[LayerAnswer] | None
    macs: int | None
    curves: list[dict[str, float]] | None
    """For each epoch: epoch, train_loss, train_accuracy, validation_loss, validation_accuracy, lr, seconds."""
    confusion: list[list[int]] | None
    """How often each class (row) of the test set was read as each (column)."""
    class_accuracy: list[float] | None
    confidence: dict[str, float] | None
    """On the test set, as fractions: calibration_error, unsure, accuracy_when_sure."""
    drawing: str | None
    """SVG of the layers, in the colour of the text around it."""
    note: Problem | None

    @classmethod
    def of(cls, card: Card) -> "CardAnswer":
        entry, metadata = card.entry, card.entry.metadata
        return cls(
            name=entry.name,
            title=metadata.title,
            architecture=metadata.architecture,
            dataset=metadata.dataset,
            class_names=metadata.class_names,
            bytes=entry.bytes,
            sha256=card.sha256,
            input=asdict(metadata.input),
            metrics=dict(metadata.metrics),
            recipe=dict(metadata.recipe),
            temperature=metadata.temperature,
            reject_threshold=metadata.reject_threshold,
            layers=[LayerAnswer(**asdict(layer)) for layer in card.layers] if card.layers else None,
            macs=sum(layer.macs for layer in card.layers) if card.layers else None,
            curves=[dict(epoch) for epoch in card.curves] if card.curves else None,
            confusion=[list(row) for row in card.confusion] if card.confusion else None,
            class_accuracy=list(card.class_accuracy) if card.class_accuracy else None,
            confidence=dict(card.confidence) if card.confidence else None,
            drawing=card.drawing,
            note=Problem(code=card.problem.code, text=str(card.problem)) if card.problem else None,
        )


@router.get("/models/{name}/card")
@limits("card")
def card(name: str, state: AppStateDep) -> CardAnswer:
    """Tell all that is known of a model: recipe, layers, curves, confusions on the test set."""
    return CardAnswer.of(card_of(state.catalog.find(name)))


@router.get("/models/{name}/drawing.svg", response_class=Response)
@limits("card")
def drawing(name: str, state: AppStateDep) -> Response:
    """Draw a model's layers as an SVG with colours of its own, light or dark."""
    known = card_of(state.catalog.find(name))
    if known.layers is None:
        raise HTTPException(404, str(known.problem or f"The report of {name} holds no layers."))
    return Response(draw(known.layers, name, standalone=True), media_type="image/svg+xml")
