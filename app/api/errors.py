"""What an endpoint answers when it cannot answer: a status, a code and a sentence."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from app.catalog import UnknownModelError
from app.corrections import CorrectionsError, CorrectionsOff, NoSuchCorrectionError
from app.runtime import DeviceError, ModelFileError
from exports.images import ImageError


class OtherSite(ValueError):  # noqa: N818, the name is the code of the answer
    """A page of another site asked for what is this one's alone."""


STATUS: dict[type[Exception], int] = {
    UnknownModelError: 404,
    DeviceError: 409,
    ImageError: 422,
    ModelFileError: 500,
    OtherSite: 403,
    CorrectionsOff: 403,
    NoSuchCorrectionError: 404,
    CorrectionsError: 500,
}
"""Of expected errors; every other ``ValueError`` is the request's fault: 422."""


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
