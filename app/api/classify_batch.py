"""``POST /classify/many``: any number of pictures and archives, answered by a line of JSON each as they are read."""

import logging
import time
from asyncio import wrap_future
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from app.api.classify import choose
from app.api.deps import app_state
from app.api.errors import ErrorDetail, RequestError, documented
from app.api.executors import CORES, HEAVY, run_in
from app.api.openapi import MANY_PICTURES
from app.api.responses import PredictionResponse
from app.api.uploads import Upload, receive
from app.archives.pictures import MEGABYTE, Found, pictures_in
from app.middleware.context import request_id
from app.middleware.limits import PICTURE, limits
from inkwear.errors import DeviceError
from inkwear.images.subprocess import open_picture

if TYPE_CHECKING:
    from inkwear.auto import Auto
    from inkwear.classifier import Classifier

router = APIRouter(tags=["classify"])

log = logging.getLogger("inkwear")

MAX_BATCH_BYTES = 4_000 * MEGABYTE
"""Bytes of one request, which waits in a temporary file."""

ZIP = ("application/zip", "application/x-zip-compressed")

THUMBNAIL_SIDE = 96
"""Pixels of the longer side of the small picture beside an answer."""

MAX_AHEAD = 2 * CORES
"""Pictures in work at once; their answers keep their order."""


class AnswerLine(BaseModel):
    """A picture and its answer."""

    index: int
    name: str
    answer: PredictionResponse
    thumbnail: str
    """A WebP of at most 96 pixels on its longer side, in base64."""


class ErrorLine(BaseModel):
    """A picture that could not be read, and why."""

    index: int
    name: str
    error: ErrorDetail


class LastLine(BaseModel):
    """The end: how many lines came before, and how many of them hold an error."""

    done: bool
    count: int
    failed: int


@router.post(
    "/classify/many",
    response_class=StreamingResponse,
    responses={200: {"model": AnswerLine | ErrorLine | LastLine}, **documented(404, 409, 413, 422, 500)},
    openapi_extra=MANY_PICTURES,
)
@limits("classify many", max_bytes=MAX_BATCH_BYTES, content_types=(*PICTURE, *ZIP), slot="work")
async def classify_many(request: Request) -> StreamingResponse:
    """Classify any number of pictures, and those in ZIP and TAR archives; a line of JSON each, in their order.

    `curl -N -F images=@five.png -F images=@scans.zip localhost:7860/classify/many`. A picture that cannot be read is a
    line with an error, and costs no other its answer. The last line counts them. Hidden files in an archive are left
    out. Whoever hangs up stops the work.
    """
    upload = await receive(request, field="images")
    try:
        if not any(field == "images" for field, _ in upload.files):
            raise RequestError("images: Field required")
        classifier = await choose(app_state(request), upload)
    except BaseException:
        upload.store.close()
        raise
    return StreamingResponse(_lines(upload, classifier), media_type="application/x-ndjson")


async def _lines(upload: Upload, classifier: "Classifier | Auto") -> AsyncIterator[str]:
    """Read a few pictures ahead of the line that is sent; when the request ends, waiting ones are not begun."""
    found = _all_pictures(upload)
    waiting: deque[Future[AnswerLine | ErrorLine]] = deque()
    count = failed = 0
    try:
        while True:
            while len(waiting) < MAX_AHEAD and (picture := await run_in(HEAVY, lambda: next(found, None))):
                waiting.append(HEAVY.submit(copy_context().run, _line_of, count, picture, classifier))
                count += 1
            if not waiting:
                break
            line = await wrap_future(waiting.popleft())
            failed += isinstance(line, ErrorLine)
            yield line.model_dump_json() + "\n"
        yield LastLine(done=True, count=count, failed=failed).model_dump_json() + "\n"
    finally:
        for future in waiting:
            future.cancel()
        upload.store.close()


def _all_pictures(upload: Upload) -> Iterator[Found]:
    for field, file in upload.files:
        if field == "images":
            yield from pictures_in(file.name, upload.open(file))


def _line_of(index: int, found: Found, classifier: "Classifier | Auto") -> AnswerLine | ErrorLine:
    """Read a picture and return its line."""
    from inkwear.images.thumbnail import thumbnail  # OpenCV takes 0.1 s: not at the start

    started = time.perf_counter()
    name = in_unicode(found.name)
    try:
        if found.error:
            raise found.error
        image = open_picture(found.data, name)
        [prediction] = classifier.predict([image])
        answer = PredictionResponse.of(prediction, classifier.member(prediction), started)
        return AnswerLine(index=index, name=name, answer=answer, thumbnail=thumbnail(image, THUMBNAIL_SIDE))
    except ValueError as error:  # ImageError is one
        code, message = type(error).__name__, str(error)
    except DeviceError as error:  # CUDA has failed since the request began
        code, message = "DeviceError", f"{name}: {error}"
    except Exception as error:  # the pictures after it are read whatever it is
        log.exception("Picture %d of request %s could not be read.", index, request_id())
        code, message = type(error).__name__, f"{name}: an error of ours; the server's log has more."
    return ErrorLine(index=index, name=name, error=ErrorDetail(code=code, message=in_unicode(message)))


def in_unicode(text: str) -> str:
    """Replace what is no UTF-8, as in names of entries, which JSON cannot hold."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
