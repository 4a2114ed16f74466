"""What every endpoint works with: the models, and the picture that came with a request."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, File, Form, Request, UploadFile
from PIL import Image

from app.catalog import Catalog
from app.corrections import Corrections
from inkwear.images.subprocess import open_picture
from inkwear.onnx.session import Device

if TYPE_CHECKING:
    from inkwear.classifier import Classifier


@dataclass(frozen=True)
class AppState:
    """What the server was started with.

    Attributes:
        catalog: the models.
        default_device: where a request that names none is computed.
        corrections: where they are kept; None while they are not.
    """

    catalog: Catalog
    default_device: Device = "auto"
    corrections: Corrections | None = None


def app_state(request: Request) -> AppState:
    """The state of the app that a request came to."""
    state: AppState = request.app.state.inkwear
    return state


@dataclass(frozen=True)
class Asked:
    """A picture, by which model it is to be read, and since when somebody waits (``time.perf_counter``)."""

    started: float
    picture: Image.Image
    model: str
    classifier: "Classifier"


def asked(
    state: Annotated[AppState, Depends(app_state)],
    image: Annotated[UploadFile, File(description="JPEG, PNG, WebP, GIF, BMP or TIFF")],
    model: Annotated[str | None, Form(description="a name from /models; the best one where none is given")] = None,
    device: Annotated[Device | None, Form()] = None,
) -> Asked:
    """Open what came as a form: the picture, the model's name, the device.

    Raises:
        ImageError: it is no picture that can be read.
        UnknownModelError: there is no such model.
        DeviceError: the device is not to be had.
    """
    started = time.perf_counter()
    picture = open_picture(image.file.read(), name=image.filename or "the picture")
    entry, classifier = state.catalog.choose(model, device or state.default_device)
    return Asked(started, picture, entry.name, classifier)


AppStateDep = Annotated[AppState, Depends(app_state)]
ThePicture = Annotated[Asked, Depends(asked)]
