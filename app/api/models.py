"""``GET /models``: what can be asked."""

from typing import Any

from fastapi import APIRouter

from app.api.desk import TheDesk
from app.catalog import Entry

router = APIRouter()


@router.get("/models")
def models(desk: TheDesk) -> dict[str, Any]:
    """List the models of the exports folder, and why other files in it were refused."""
    return {
        "models": [card(entry) for entry in desk.catalog.entries.values()],
        "refused": desk.catalog.refused,
        "folder": desk.catalog.folder.name,
        "default_device": desk.default_device,
    }


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
    }
