"""``GET /models``: the models that can answer now."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.api.deps import AppStateDep
from app.catalog import Entry
from app.middleware.limits import limits

router = APIRouter(tags=["models"])


class ModelResponse(BaseModel):
    """A model; ``digest`` is the SHA-256 of its file, accuracies are fractions."""

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


class ModelsResponse(BaseModel):
    """The models of the folder, the best first.

    A name in both ``refused`` and ``models`` is answered by the version that was loaded before. ``default_model``
    answers where a request names none; ``auto`` lists the models that this name asks. ``revision`` changes whenever
    anything in the folder does.
    """

    revision: str
    models: list[ModelResponse]
    refused: dict[str, str]
    folder: str
    auto: list[str]
    default_model: str | None
    default_device: str


@router.get("/models", response_model=ModelsResponse, responses={304: {"description": "nothing has changed"}})
@limits("models")
def models(state: AppStateDep, request: Request) -> Response:
    """List the models of the exports folder, and why other files in it were refused.

    The response has an ETag: send it as If-None-Match to get 304 until something has changed.
    """
    snapshot = state.catalog.snapshot
    headers = {"ETag": f'"{snapshot.revision}"', "Cache-Control": "no-cache"}
    if snapshot.revision in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    listed = {
        "revision": snapshot.revision,
        "models": [summary(entry) for entry in snapshot.ranked],
        "refused": {name: refusal.reason for name, refusal in snapshot.refusals.items()},
        "folder": state.catalog.folder.name,
        "auto": [entry.name for entry in snapshot.auto],
        "default_model": snapshot.best,
        "default_device": state.default_device,
    }
    return JSONResponse(listed, headers=headers)


def summary(entry: Entry) -> dict[str, Any]:
    """Return what the list says of a model, the fields of ``ModelResponse``."""
    metadata = entry.metadata
    measured = ("test_accuracy", "validation_accuracy", "real_accuracy", "parameters")
    return {
        "name": entry.name,
        **{name: getattr(metadata, name) for name in ("title", "architecture", "dataset", "class_names")},
        **{name: metadata.metrics.get(name) for name in measured},
        "bytes": entry.bytes,
        "digest": entry.digest,
    }
