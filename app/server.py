"""The page and its endpoints on one port: FastAPI, with Gradio mounted in it."""

import asyncio
import base64
import logging
import os
import signal
import socket
import time
from types import FrameType
from typing import Annotated, Any

import gradio as gr
import uvicorn
from fastapi import FastAPI, File, Form, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.catalog import Catalog, Entry, UnknownModelError
from app.classifier import Classifier, Prediction
from app.runtime import Device, DeviceError, ModelFileError
from app.ui import build_ui, head
from exports.images import ImageError, open_image
from exports.spec import Pixels

SECONDS_TO_FINISH = 4
"""How long running requests are waited for after SIGTERM or Ctrl-C."""

STATUS = {UnknownModelError: 404, DeviceError: 409, ImageError: 422, ModelFileError: 500}

log = logging.getLogger("inkwear")


class NoteAnswer(BaseModel):
    """One step of the preprocessing."""

    code: str
    text: str
    values: dict[str, str | int]


class DeviceAnswer(BaseModel):
    """Where the answer was computed; ``reason`` says why that is not CUDA, ``remedy`` what would change it."""

    asked: str
    used: str
    provider: str
    code: str | None
    reason: str | None
    remedy: str | None


class DigitAnswer(BaseModel):
    """One digit of a number; ``box`` is left, top, right, bottom in pixels of the upright picture."""

    label: str
    confidence: float
    box: tuple[int, int, int, int]
    pixels: str
    """28×28 bytes, row by row, in base64: what the network saw."""


class Answer(BaseModel):
    """What the model says of a picture: ``ok``, ``unsure`` of the likeliest label, or ``blank``.

    A blank one has no label and no probabilities, a number no probabilities.
    """

    status: str
    label: str | None
    class_id: int | None
    confidence: float | None
    probabilities: dict[str, float]
    notes: list[NoteAnswer]
    pixels: str
    """28×28 bytes, row by row, in base64: what the network saw of the whole picture."""
    digits: list[DigitAnswer]
    """Of a number, line by line and from left to right; empty where it is one thing."""
    model: str
    device: DeviceAnswer
    milliseconds: float


def build_app(catalog: Catalog, default_device: Device = "auto") -> FastAPI:
    """Return the whole application: ``/`` the page, ``/classify``, ``/models`` and ``/healthz``."""
    # FastAPI's own pages of documentation fetch their scripts from elsewhere; /openapi.json stays.
    app = FastAPI(title="Inkwear", docs_url=None, redoc_url=None)
    for error in (*STATUS, ValueError):
        app.add_exception_handler(error, _explain)
    app.add_exception_handler(RequestValidationError, _explain_fields)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the server answers."""
        return {"status": "ok"}

    @app.get("/models")
    def models() -> dict[str, Any]:
        """List the models of the exports folder, and why other files in it were refused."""
        return {
            "models": [_model_card(entry) for entry in catalog.entries.values()],
            "refused": catalog.refused,
            "folder": catalog.folder.name,
            "default_device": default_device,
        }

    @app.post("/classify")
    def classify(
        image: Annotated[UploadFile, File(description="JPEG, PNG, WebP, GIF, BMP or TIFF")],
        model: Annotated[str, Form(description="a name from /models")],
        device: Annotated[Device | None, Form()] = None,
    ) -> Answer:
        """Classify one picture: `curl -F image=@five.png -F model=mnist-convnet localhost:7860/classify`."""
        started = time.perf_counter()
        picture = open_image(image.file.read(), name=image.filename or "the picture")
        classifier = catalog.classifier(model, device or default_device)
        [prediction] = classifier.predict([picture])
        return _answer(prediction, model, classifier, 1000 * (time.perf_counter() - started))

    return gr.mount_gradio_app(
        app,
        build_ui(),
        path="/",
        head=head(),
        footer_links=[],
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
    )


def _model_card(entry: Entry) -> dict[str, Any]:
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


def _answer(prediction: Prediction, model: str, classifier: Classifier, milliseconds: float) -> Answer:
    runtime = classifier.runtime
    obstacle = runtime.obstacle
    return Answer(
        status=prediction.status,
        label=prediction.label,
        class_id=prediction.class_id,
        confidence=prediction.confidence,
        probabilities=dict(zip(prediction.class_names, prediction.probabilities, strict=False)),
        notes=[NoteAnswer(code=note.code, text=str(note), values=dict(note.values)) for note in prediction.notes],
        pixels=_in_base64(prediction.pixels),
        digits=[
            DigitAnswer(label=digit.label, confidence=digit.confidence, box=digit.box, pixels=_in_base64(digit.pixels))
            for digit in prediction.digits
        ],
        model=model,
        device=DeviceAnswer(
            asked=runtime.asked,
            used=runtime.device,
            provider=runtime.provider,
            code=obstacle.code if obstacle else None,
            reason=obstacle.reason if obstacle else None,
            remedy=obstacle.remedy if obstacle else None,
        ),
        milliseconds=milliseconds,
    )


def _in_base64(pixels: Pixels) -> str:
    return base64.b64encode(pixels.tobytes()).decode()


async def _explain(request: Request, error: Exception) -> JSONResponse:
    """Answer an expected error with its sentence and the kind of error as a code."""
    status = STATUS.get(type(error), 422)
    return JSONResponse({"error": {"code": type(error).__name__, "message": str(error)}}, status_code=status)


async def _explain_fields(request: Request, error: Exception) -> JSONResponse:
    """Say in the same form which fields are missing or not what they should be."""
    assert isinstance(error, RequestValidationError)
    sentences = [f"{'.'.join(map(str, wrong['loc'][1:]))}: {wrong['msg']}" for wrong in error.errors()]
    return JSONResponse({"error": {"code": "RequestError", "message": "; ".join(sentences)}}, status_code=422)


def listen(host: str, port: int) -> socket.socket:
    """Open the address to serve on; port 0 takes any free one.

    Raises:
        ValueError: it cannot be had.
    """
    try:
        address = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
        raise ValueError(f"--host {host} --port {port} cannot be opened ({reason}). Choose another.") from error
    # Connections inherit this. asyncio sets it only where a socket names its protocol, which create_server does not;
    # without it every answer waits some 45 ms for the client's delayed acknowledgement (RFC 896 meets RFC 1122).
    address.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return address


class Server(uvicorn.Server):
    """Uvicorn that also ends Gradio's open event streams, so that it can stop while pages are open."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=SECONDS_TO_FINISH))
        mounted = [getattr(route, "app", None) for route in app.routes]
        self._stop_events = [gradio.stop_event for gradio in mounted if isinstance(gradio, gr.routes.App)]
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        for host, port, *_ in (opened.getsockname() for opened in sockets or ()):
            log.warning("Inkwear is at http://%s:%d (Ctrl-C stops it)", f"[{host}]" if ":" in host else host, port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Finish what is running, then leave with exit code 0; uvicorn's own handler would raise the signal again."""
        self.force_exit = self.should_exit and sig == signal.SIGINT  # a second Ctrl-C does not wait
        self.should_exit = True
        for event in self._stop_events:
            if self._loop:
                self._loop.call_soon_threadsafe(event.set)
