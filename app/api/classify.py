"""``POST /classify``: reads one picture."""

import time
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from app.api.deps import AppStateDep, app_state
from app.api.errors import documented
from app.api.executors import HEAVY, LIGHT, MAX_LIGHT_BYTES, is_instant, run_in
from app.api.openapi import ONE_PICTURE
from app.api.responses import PredictionResponse
from app.api.uploads import Upload, receive
from app.archives.pictures import MAX_PICTURE_BYTES
from app.middleware.limits import PICTURE, limits
from inkwear.images.subprocess import is_large, open_picture

if TYPE_CHECKING:
    from inkwear.auto import Auto
    from inkwear.classifier import Classifier

router = APIRouter(tags=["classify"])


@router.post(
    "/classify",
    response_model=PredictionResponse,
    responses=documented(404, 409, 413, 422, 500),
    openapi_extra=ONE_PICTURE,
)
@limits("classify", max_bytes=MAX_PICTURE_BYTES, content_types=PICTURE, slot="work", in_memory=True)
async def classify(request: Request) -> Response:
    """Classify one picture, sent as a form or as it is.

    `curl -F image=@five.png -F model=mnist-convnet localhost:7860/classify`, or
    `curl -H 'Content-Type: image/png' --data-binary @five.png 'localhost:7860/classify?model=mnist-convnet'`.
    Without a model the best one answers, and says so; `auto` asks the best ones of all sets, and the surest answers.
    """
    started = time.perf_counter()
    upload = await receive(request)
    name, data = upload.picture()
    draft = upload.draft
    classifier = await choose(app_state(request), upload)

    def work() -> str:
        return answer(name, data, classifier, started, draft).model_dump_json()

    if is_instant(data, classifier):
        body: str | None = work()
    else:
        body = await run_in(LIGHT, lambda: None if is_large(data) else work()) if len(data) <= MAX_LIGHT_BYTES else None
        body = body or await run_in(HEAVY, work)
    return Response(body, media_type="application/json")


async def choose(state: AppStateDep, upload: Upload) -> "Classifier | Auto":
    """Return the model asked for; a file that is not open yet is opened in a thread.

    Raises: as ``Catalog.choose``, and ``RequestError``.
    """
    model, device = upload.model, upload.device or state.default_device
    if all(device in entry.opened_on for entry in state.catalog.asked(model)):
        return state.catalog.reader(model, device)
    return await run_in(HEAVY, lambda: state.catalog.reader(model, device))


def answer(
    name: str, data: bytes, classifier: "Classifier | Auto", started: float, draft: bool = False
) -> PredictionResponse:
    """Read a picture.

    Args:
        name: of the picture, for errors.
        data: a file's bytes.
        classifier: the model asked for, or several.
        started: when the request came (``time.perf_counter``).
        draft: whether the picture is not finished yet.

    Raises:
        ImageError: it cannot be read.
    """
    [prediction] = classifier.predict([open_picture(data, name)], draft)
    return PredictionResponse.of(prediction, classifier.member(prediction), started)
