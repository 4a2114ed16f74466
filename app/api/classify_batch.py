"""``POST /classify/many``: any number of pictures and archives, a line of JSON for each as soon as it is read."""

import logging
import time
from asyncio import wrap_future
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from app.api.classify import BINARY, CHOICES, chosen
from app.api.deps import app_state
from app.api.errors import RequestError, WhatFailed, documented, error_body
from app.api.executors import CORES, HEAVY, run_in
from app.api.responses import PredictionResponse
from app.api.uploads import Upload, receive
from app.archives.pictures import MEGABYTE, Found, pictures_in
from app.catalog import Entry
from app.guard import request_id
from inkwear.errors import DeviceError
from inkwear.images.subprocess import open_picture
from inkwear.images.thumbnail import thumbnail

if TYPE_CHECKING:
    from inkwear.classifier import Classifier

router = APIRouter(tags=["classify"])

log = logging.getLogger("inkwear")

MOST_BYTES = 4_000 * MEGABYTE
"""Of one request; it waits in a temporary file."""

THUMBNAIL = 96
"""Longest side of the little picture beside an answer, in pixels."""

AHEAD = 2 * CORES
"""How many pictures are in work at once; their answers keep their order."""


class Read(BaseModel):
    """A picture and its answer."""

    index: int
    name: str
    answer: PredictionResponse
    thumbnail: str
    """A WebP of at most 96 pixels on its longer side, in base64."""


class NotRead(BaseModel):
    """A picture that could not be read, and why."""

    index: int
    name: str
    error: WhatFailed


class Done(BaseModel):
    """The last line: how many lines there were before, and how many of them say why they failed."""

    done: bool
    count: int
    failed: int


MANY_PICTURES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["images"],
                    "properties": {
                        "images": {
                            "type": "array",
                            "items": BINARY,
                            "description": "pictures, and ZIP or TAR archives of them",
                        },
                        **CHOICES,
                    },
                }
            },
            "application/zip": {"schema": BINARY},
        },
    }
}


@router.post(
    "/classify/many",
    response_class=StreamingResponse,
    responses={200: {"model": Read | NotRead | Done}, **documented(404, 409, 413, 422, 500)},
    openapi_extra=MANY_PICTURES,
)
async def classify_many(request: Request) -> StreamingResponse:
    """Classify any number of pictures, and those in ZIP and TAR archives; a line of JSON each, in their order.

    `curl -N -F images=@five.png -F images=@scans.zip localhost:7860/classify/many`. A picture that cannot be read is a
    line with an error, and costs no other its answer. The last line counts them. Hidden files in an archive are left
    out. Whoever hangs up stops the work.
    """
    upload = await receive(request, MOST_BYTES, field="images")
    try:
        if not any(field == "images" for field, _ in upload.files):
            raise RequestError("images: Field required")
        entry, classifier = await chosen(app_state(request), upload)
    except BaseException:
        upload.store.close()
        raise
    return StreamingResponse(_lines(upload, entry, classifier), media_type="application/x-ndjson")


async def _lines(upload: Upload, entry: Entry, classifier: "Classifier") -> AsyncIterator[str]:
    """Read pictures a few ahead of the line that is sent; when the request ends, what has not begun never begins."""
    found = _all_pictures(upload)
    waiting: deque[Future[Read | NotRead]] = deque()
    count = failed = 0
    try:
        while True:
            while len(waiting) < AHEAD and (picture := await run_in(HEAVY, lambda: next(found, None))):
                waiting.append(HEAVY.submit(copy_context().run, read, count, picture, entry, classifier))
                count += 1
            if not waiting:
                break
            line = await wrap_future(waiting.popleft())
            failed += isinstance(line, NotRead)
            yield line.model_dump_json() + "\n"
        yield Done(done=True, count=count, failed=failed).model_dump_json() + "\n"
    finally:
        for future in waiting:
            future.cancel()
        upload.store.close()


def _all_pictures(upload: Upload) -> Iterator[Found]:
    for field, file in upload.files:
        if field == "images":
            yield from pictures_in(file.name, upload.opened(file))


def read(index: int, found: Found, entry: Entry, classifier: "Classifier") -> Read | NotRead:
    """Turn what was found into its line."""
    started = time.perf_counter()
    name = in_unicode(found.name)
    try:
        if found.error:
            raise found.error
        image = open_picture(found.data, name)
        [prediction] = classifier.predict([image])
        answer = PredictionResponse.of(prediction, entry.name, classifier, 1000 * (time.perf_counter() - started))
        return Read(index=index, name=name, answer=answer, thumbnail=thumbnail(image, THUMBNAIL))
    except ValueError as error:  # ImageError is one
        body = error_body(error)["error"]
        return NotRead(index=index, name=name, error=WhatFailed(code=body["code"], message=in_unicode(body["message"])))
    except DeviceError as error:  # CUDA has failed meanwhile
        return NotRead(index=index, name=name, error=WhatFailed(code="DeviceError", message=f"{name}: {error}"))
    except Exception as error:  # whatever it is, the pictures behind it are to be read
        log.exception("Picture %d of request %s could not be read.", index, request_id())
        said = WhatFailed(code=type(error).__name__, message=f"{name}: an error of ours; the server's log has more.")
        return NotRead(index=index, name=name, error=said)


def in_unicode(text: str) -> str:
    """A text with the names of entries in it, which may hold bytes that are no UTF-8: JSON cannot."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
