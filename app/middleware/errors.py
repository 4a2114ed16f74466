"""Answers every error in one form: JSON for programs, a small page for a person who has typed an address."""

import asyncio
import json
import logging
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import Template
from starlette.types import Message, Receive, Send

from app.middleware.context import HTTPMiddleware, RequestContext
from app.middleware.exceptions import RETRY_AFTER_A_SECOND, HTTPError
from app.middleware.routes import NOTHING_HERE

MAX_ERROR_BYTES = 256_000
"""Bytes of an application's error that are looked at."""

DRAIN_SECONDS = 2.0
"""Seconds in which the rest of a refused body is thrown away, so that the client comes to read the answer."""

CODES = {400: "BadRequest", 404: "NotFound", 405: "MethodNotAllowed", 413: "TooLargeError", 503: "Busy"}
"""Codes of errors that Starlette and Gradio raise, by their status."""

KEPT_HEADERS = {b"allow", b"retry-after"}
"""Headers that an application's error keeps."""

PAGE = Path(__file__).with_name("error.html")

log = logging.getLogger("inkwear")


@dataclass
class HeldResponse:
    """An application's error, held until it is whole."""

    start: Message | None = None
    body: bytearray = field(default_factory=bytearray)


class ErrorsMiddleware(HTTPMiddleware):
    """Turns exceptions, and errors that the application answers, into the one form."""

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        held = HeldResponse()

        async def hold_errors(message: Message) -> None:
            if message["type"] == "http.response.start" and (request.error or message["status"] >= 400):
                held.start = message
            elif held.start is None:
                await send(message)
            elif len(held.body) < MAX_ERROR_BYTES:
                held.body += message.get("body", b"")

        try:
            await self.app(request.scope, receive, hold_errors)
        except HTTPError as error:
            request.error = error
        except asyncio.CancelledError:  # the server stops, and has waited for as long as it does
            request.error = HTTPError(503, "Busy", "The server is being stopped.", RETRY_AFTER_A_SECOND)
        except Exception:
            if not request.error and not request.disconnected:
                log.exception("Request %s (%s) failed.", request.id, request.route.name)
                request.error = HTTPError(500, "InternalError", "An error of ours; the server's log has more.")
        if request.error:
            request.error.__traceback__ = None  # its frames hold the body, and the request itself
        if not request.status and not request.disconnected:
            request.error = request.error or _understood(held, request.route.name)
            await _answer(request, request.error, receive, send)


def _understood(held: HeldResponse, route: str) -> HTTPError:
    """Return what the application has said as an error in our form."""
    if held.start is None:
        return HTTPError(500, "InternalError", "An error of ours; nothing was answered.")
    status = held.start["status"]
    code = CODES.get(status, "InternalError" if status >= 500 else "RequestError")
    message = ""
    try:
        said = json.loads(held.body)
        error = said.get("error") or said.get("detail")
        if isinstance(error, dict):
            code, message = error["code"], error["message"]
        else:
            message = _in_a_sentence(str(error or ""), route)
    except (ValueError, AttributeError, KeyError):
        pass
    if not message:
        message = NOTHING_HERE if status == 404 else f"{route}: the request cannot be understood."
    return HTTPError(status, code, message, [each for each in held.start["headers"] if each[0] in KEPT_HEADERS])


def _in_a_sentence(said: str, route: str) -> str:
    """Return what Starlette and Gradio say in passing, with what it is about; nothing where they say nothing."""
    if said in ("", "Not Found"):
        return ""
    return f"The form cannot be read ({said.rstrip('.')})." if "multipart" in said else f"{route}: {said}"


async def _answer(request: RequestContext, error: HTTPError, receive: Receive, send: Send) -> None:
    """Send an error; what has not been read of the body is thrown away for a while, then the connection ends."""
    body, content_type = _as_page(error, request.id) if request.wants_page else _as_json(error, request.id)
    unread = request.has_body and not request.body_ended
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *error.headers,
        *([(b"connection", b"close")] if unread else []),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": unread})
    if unread:
        await _drain(receive)
        await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return


def _as_json(error: HTTPError, request_id: str) -> tuple[bytes, bytes]:
    body = {"error": {"code": error.code, "message": error.message, "request_id": request_id}}
    return json.dumps(body, ensure_ascii=False).encode(errors="replace"), b"application/json"


def _as_page(error: HTTPError, request_id: str) -> tuple[bytes, bytes]:
    page = _template().render(error=error, request_id=request_id)
    return page.encode(errors="replace"), b"text/html; charset=utf-8"


@cache
def _template() -> Template:
    return Template(PAGE.read_text("utf-8"), autoescape=True)
