"""``GET /snippets``: programs that ask this server, ready to be copied; the tests run every one of them."""

import re
from pathlib import Path

from fastapi import APIRouter, Request

from app.middleware.limits import limits

router = APIRouter(tags=["help"])

SNIPPETS = Path(__file__).parent.parent / "page" / "snippets"

WRITTEN_FOR, MODEL = "http://127.0.0.1:7860", "mnist-sturdy"
"""The address and the model in the files, which the server's own take the place of."""


@router.get("/snippets")
@limits("snippets")
def snippets(request: Request) -> dict[str, str]:
    """Return programs that classify a picture, by file name, with this server's address and best model."""
    address = str(request.base_url).rstrip("/")
    if not re.fullmatch(r"https?://[\w.:\[\]-]+", address):
        address = WRITTEN_FOR
    best = request.app.state.inkwear.catalog.snapshot.best or MODEL
    return {
        path.name: path.read_text(encoding="utf-8").replace(WRITTEN_FOR, address).replace(MODEL, best)
        for path in sorted(SNIPPETS.iterdir())
    }
