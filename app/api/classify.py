"""``POST /classify``: one picture, one answer."""

import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from app.api.deps import AppStateDep, app_state
from app.api.errors import RequestError, documented
from app.api.executors import HEAVY, LARGEST_LIGHT, LIGHT, is_instant, run_in
from app.api.responses import PredictionResponse
from app.api.uploads import Upload, receive
from app.catalog import Entry
from inkwear.images.decode import FORMATS_IN_WORDS
from inkwear.images.subprocess import is_large, open_picture

if TYPE_CHECKING:
    from inkwear.classifier import Classifier

router = APIRouter(tags=["classify"])

CHOICES: dict[str, dict[str, Any]] = {
    "model": {"type": "string", "description": "a name from /models; the best one where none is given"},
    "device": {"type": "string", "enum": ["auto", "cpu", "cuda"], "description": "what the server uses, if not given"},
}
"""Fields of the form; of the query where the body is the picture itself."""

GLIMPSE: dict[str, dict[str, Any]] = {
    "glimpse": {
        "type": "boolean",
        "description": "of a drawing whose pen is still down: digits that touch are not looked for",
    }
}

BINARY = {"type": "string", "format": "binary"}

ONE_PICTURE: dict[str, Any] = {
    "parameters": [
        *(
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in (CHOICES | GLIMPSE).items()
        ),
        {
            "name": "name",
            "in": "query",
            "required": False,
            "schema": {"type": "string", "description": "what errors call the picture, where the body is the picture"},
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": BINARY | {"description": FORMATS_IN_WORDS}, **CHOICES, **GLIMPSE},
                }
            },
            "image/*": {"schema": BINARY},
            "application/octet-stream": {"schema": BINARY},
        },
    },
}
"""What /openapi.json says of a request with one picture."""


@router.post(
    "/classify",
    response_model=PredictionResponse,
    responses=documented(404, 409, 413, 422, 500),
    openapi_extra=ONE_PICTURE,
)
async def classify(request: Request) -> Response:
    """Classify one picture, sent as a form or as it is.

    `curl -F image=@five.png -F model=mnist-convnet localhost:7860/classify`, or
    `curl -H 'Content-Type: image/png' --data-binary @five.png 'localhost:7860/classify?model=mnist-convnet'`.
    Without a model the best one answers, and says so.
    """
    started = time.perf_counter()
    upload = await receive(request)
    name, data = the_picture(upload)
    draft = upload.draft
    entry, classifier = await chosen(app_state(request), upload)

    def work() -> str:
        return answer(name, data, entry, classifier, started, draft).model_dump_json()

    if is_instant(data, classifier):
        body: str | None = work()
    else:
        body = await run_in(LIGHT, lambda: None if is_large(data) else work()) if len(data) <= LARGEST_LIGHT else None
        body = body or await run_in(HEAVY, work)
    return Response(body, media_type="application/json")


def the_picture(upload: Upload) -> tuple[str, bytes]:
    """Name and bytes of the one picture of a request.

    Raises:
        RequestError: there is none.
    """
    with upload.store:
        for field, file in upload.files:
            if field == "image":
                return file.name, upload.bytes_of(file)
    raise RequestError("image: Field required")


async def chosen(state: AppStateDep, upload: Upload) -> "tuple[Entry, Classifier]":
    """The model asked for; a file that nobody has asked for yet is opened in a thread.

    Raises: as ``Catalog.choose``, and ``RequestError``.
    """
    model, device = upload.model, upload.device or state.default_device
    if device in state.catalog.find(model).opened_on:
        return state.catalog.choose(model, device)
    return await run_in(HEAVY, lambda: state.catalog.choose(model, device))


def answer(
    name: str, data: bytes, entry: Entry, classifier: "Classifier", started: float, draft: bool = False
) -> PredictionResponse:
    """Read a picture.

    Raises:
        ImageError: it cannot be read.
    """
    [prediction] = classifier.predict([open_picture(data, name)], draft)
    return PredictionResponse.of(prediction, entry.name, classifier, 1000 * (time.perf_counter() - started))
