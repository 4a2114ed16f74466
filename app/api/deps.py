"""What endpoints work with: the state of the application, and the picture that came with a request."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image

from app.api.uploads import receive
from app.catalog import Catalog
from app.corrections import Corrections
from inkwear.images.subprocess import open_picture
from inkwear.onnx.session import Device

if TYPE_CHECKING:
    from inkwear.auto import Auto
    from inkwear.classifier import Classifier


@dataclass(frozen=True)
class AppState:
    """What the server was started with; ``corrections`` is None while none are kept."""

    catalog: Catalog
    default_device: Device = "auto"
    corrections: Corrections | None = None


def app_state(request: Request) -> AppState:
    """Return the state of the application that a request came to."""
    state: AppState = request.app.state.inkwear
    return state


AppStateDep = Annotated[AppState, Depends(app_state)]


@dataclass(frozen=True)
class PictureRequest:
    """A picture, the model that reads it, and when they were asked for (``time.perf_counter``).

    Where ``auto`` was asked for, it is the model that is surest.
    """

    started: float
    picture: Image.Image
    classifier: "Classifier"


async def picture_request(request: Request, state: AppStateDep) -> PictureRequest:
    """Open the picture and the model that a form names.

    Raises:
        ImageError: it is no picture that can be read.
        UnknownModelError: there is no such model.
        DeviceError: the device is not to be had.
    """
    started = time.perf_counter()
    upload = await receive(request)
    name, data = upload.picture()
    device = upload.device or state.default_device

    def open_both() -> PictureRequest:
        picture = open_picture(data, name)
        reader = state.catalog.reader(upload.model, device)
        return PictureRequest(started, picture, surest(reader, picture))

    return await run_in_threadpool(open_both)


def surest(reader: "Classifier | Auto", picture: Image.Image) -> "Classifier":
    """Return the classifier that answers: the surest where there are several."""
    if len(reader.classifiers) == 1:
        return reader.classifiers[0]
    [prediction] = reader.predict([picture])
    return reader.member(prediction)


PictureRequestDep = Annotated[PictureRequest, Depends(picture_request)]
