"""``GET /models``: what can be asked, now."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.api.deps import AppStateDep
from app.catalog import Entry
from app.middleware.limits import limits

router = APIRouter(tags=["models"])


class ModelCard(BaseModel):
    """What a list says of a model; ``digest`` is the SHA-256 of its file, accuracies are fractions."""

    name: str
    title: str
    architecture: str
    dataset: str
    class_names: list[str]
    test_accuracy: float | None
    validation_accuracy: float | None
    real_accuracy: float | None
    parameters: float | None
    bytes: int
    digest: str


class Models(BaseModel):
    """The models of the folder.

    A name in ``refused`` and in ``models`` too is answered by what was loaded before. ``default_model`` answers where
    a request names none. ``revision`` is another whenever anything in the folder is.
    """

    revision: str
    models: list[ModelCard]
    refused: dict[str, str]
    folder: str
    default_model: str | None
    default_device: str


@router.get("/models", response_model=Models, responses={304: {"description": "nothing has changed"}})
@limits("models")
def models(state: AppStateDep, request: Request) -> Response:
    """List the models of the exports folder, and why other files in it were refused.

    The answer has an ETag: send it as If-None-Match to hear 304 until something has changed.
    """
    shelf = state.catalog.shelf
    headers = {"ETag": f'"{shelf.revision}"', "Cache-Control": "no-cache"}
    if shelf.revision in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    listed = {
        "revision": shelf.revision,
        "models": [card(entry) for entry in shelf.entries.values()],
        "refused": {name: refusal.reason for name, refusal in shelf.refusals.items()},
        "folder": state.catalog.folder.name,
        "default_model": shelf.best,
        "default_device": state.default_device,
    }
    return JSONResponse(listed, headers=headers)


def card(entry: Entry) -> dict[str, Any]:
    """What a list says of a model."""
    metadata = entry.metadata
    return {
        "name": entry.name,
        "title": metadata.title,
        "architecture": metadata.architecture,
        "dataset": metadata.dataset,
        "class_names": metadata.class_names,
        "test_accuracy": metadata.metrics.get("test_accuracy"),
        "validation_accuracy": metadata.metrics.get("validation_accuracy"),
        "real_accuracy": metadata.metrics.get("real_accuracy"),
        "parameters": metadata.metrics.get("parameters"),
        "bytes": entry.bytes,
        "digest": entry.digest,
    }
