"""The errors that endpoints answer with: a status, a code and a sentence."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.catalog import UnknownModelError
from app.corrections import CorrectionsOff, NoSuchCorrectionError
from inkwear.errors import CorrectionsError, DeviceError, ImageError, ModelFileError


class RequestError(ValueError):
    """A request is not what its endpoint takes; the message says what that is."""


class TooLargeError(ValueError):
    """A request has more parts than are accepted."""


class ErrorDetail(BaseModel):
    """``code`` is the kind of error, for programs; ``message`` says what was wrong and what to do, for people."""

    code: str
    message: str


class RequestErrorDetail(ErrorDetail):
    """What was wrong with a whole request; ``request_id`` is its name in the server's log."""

    request_id: str


class ErrorResponse(BaseModel):
    """An endpoint's error; the middleware adds the id."""

    error: RequestErrorDetail


STATUS: dict[type[Exception], int] = {
    UnknownModelError: 404,
    DeviceError: 409,
    TooLargeError: 413,
    ImageError: 422,
    ModelFileError: 500,
    CorrectionsOff: 403,
    NoSuchCorrectionError: 404,
    CorrectionsError: 500,
}
"""HTTP statuses of expected errors; every other ``ValueError`` is the request's fault: 422."""

EXAMPLES = {
    404: ("UnknownModelError", "There is no model 'mnist-lenett'. Did you mean 'mnist-lenet'? Known: mnist-lenet."),
    409: (
        "DeviceError",
        "CUDA is not available: no NVIDIA driver is installed. Install the driver of your NVIDIA GPU.",
    ),
    413: ("TooLargeError", "The request has more than the 200 MB that are accepted; send fewer or smaller pictures."),
    422: ("ImageError", "five.png: the file is empty; accepted are JPEG, PNG, WebP, GIF, BMP or TIFF."),
    500: ("ModelFileError", "mnist-lenet.onnx: ONNX Runtime cannot open it (Protobuf parsing failed)"),
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what /openapi.json says of errors with these statuses: the ``responses`` of a route."""
    return {
        status: {
            "model": ErrorResponse,
            "description": code,
            "content": {
                "application/json": {
                    "example": {"error": {"code": code, "message": message, "request_id": "9f86d081884c7d65"}}
                }
            },
        }
        for status, (code, message) in EXAMPLES.items()
        if status in statuses
    }


def add_error_handlers(app: FastAPI) -> None:
    """Let an application answer expected errors with their sentence, and with the kind of error as the code."""
    for error in (*STATUS, ValueError):
        app.add_exception_handler(error, _answer)
    app.add_exception_handler(RequestValidationError, _answer_fields)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse(error_body(error), status_code=STATUS.get(type(error), 422))


def error_body(error: Exception) -> dict[str, dict[str, str]]:
    """Return the body of an expected error."""
    return {"error": {"code": type(error).__name__, "message": str(error)}}


async def _answer_fields(request: Request, error: Exception) -> JSONResponse:
    """Answer with the fields that are missing or wrong."""
    assert isinstance(error, RequestValidationError)
    sentences = [f"{'.'.join(map(str, wrong['loc'][1:]))}: {wrong['msg']}" for wrong in error.errors()]
    return JSONResponse({"error": {"code": "RequestError", "message": "; ".join(sentences)}}, status_code=422)
