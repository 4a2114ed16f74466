"""What an endpoint answers when it cannot answer: a status, a code and a sentence."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.catalog import UnknownModelError
from app.corrections import CorrectionsOff, NoSuchCorrectionError
from inkwear.errors import CorrectionsError, DeviceError, ImageError, ModelFileError


class RequestError(ValueError):
    """The request is not what the endpoint takes; the message says what it takes."""


class TooLargeError(ValueError):
    """The request has more bytes than are accepted."""


class WhatFailed(BaseModel):
    """``code`` is the kind of error, for programs; ``message`` says what was wrong and what to do, for people."""

    code: str
    message: str


class RequestFailed(WhatFailed):
    """The same of a whole request; ``request_id`` is what the server's log calls it."""

    request_id: str


class ErrorResponse(BaseModel):
    """The answer of every endpoint that cannot answer; the guard adds the id."""

    error: RequestFailed


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
"""Of expected errors; every other ``ValueError`` is the request's fault: 422."""


IN_WORDS = {
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
    """What /openapi.json says of these errors: ``responses`` of a route."""
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
        for status, (code, message) in IN_WORDS.items()
        if status in statuses
    }


def explain_errors(app: FastAPI) -> None:
    """Answer expected errors with their sentence and the kind of error as a code."""
    for error in (*STATUS, ValueError):
        app.add_exception_handler(error, _explain)
    app.add_exception_handler(RequestValidationError, _explain_fields)


async def _explain(request: Request, error: Exception) -> JSONResponse:
    status = STATUS.get(type(error), 422)
    return JSONResponse(error_body(error), status_code=status)


def error_body(error: Exception) -> dict[str, dict[str, str]]:
    """What is said of an expected error."""
    return {"error": {"code": type(error).__name__, "message": str(error)}}


async def _explain_fields(request: Request, error: Exception) -> JSONResponse:
    """Say in the same form which fields are missing or not what they should be."""
    assert isinstance(error, RequestValidationError)
    sentences = [f"{'.'.join(map(str, wrong['loc'][1:]))}: {wrong['msg']}" for wrong in error.errors()]
    return JSONResponse({"error": {"code": "RequestError", "message": "; ".join(sentences)}}, status_code=422)
