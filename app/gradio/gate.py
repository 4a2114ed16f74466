"""Which of Gradio's routes exist here, and what Gradio may see of their requests."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from app.archives.pictures import MAX_PICTURE_BYTES, MEGABYTE
from app.gradio.uploads import NOT_AN_UPLOAD, has_room
from app.middleware.context import HTTPMiddleware, RequestContext
from app.middleware.exceptions import RETRY_AFTER_A_SECOND, HTTPError
from app.middleware.limits import FORM, RouteLimits
from app.middleware.routes import PARAMETERS, READ, RouteTable

MAX_CALL_BYTES = 64_000
"""Bytes of a call of Gradio's API: names and a path."""

MAX_MCP_BYTES = 30 * MEGABYTE
"""Bytes of a call over MCP, which may hold a picture of 20 MB in base64."""

MAX_PATH = 1_000
"""Characters of the path of an uploaded file."""

MAX_NAME = 200
"""Characters of a model's name or a device."""

BELIEVED_HEADERS = {b"x-gradio-server", b"x-forwarded-host"}
"""Headers from which Gradio would take its own address."""

TOKEN = PARAMETERS["token"]


@dataclass(frozen=True)
class GradioLimits(RouteLimits):
    """What one of Gradio's routes takes.

    Attributes:
        query: what the query has to be; without it, Gradio sees none.
        clean: turns the JSON of a body into what Gradio may see of it; raises ``HTTPError``.
    """

    query: re.Pattern[bytes] | None = None
    clean: Callable[[Any], Any] | None = None


# ------------------------------------------------------------------------------------------------------------- bodies


def _unprocessable(message: str) -> HTTPError:
    return HTTPError(422, "RequestError", message)


def _file(payload: Any) -> dict[str, Any]:
    """Return where an upload lies, and no address."""
    path = payload.get("path") if isinstance(payload, dict) else None
    if not isinstance(path, str) or len(path) > MAX_PATH or re.search(r"://|^data:|\0", path):
        raise _unprocessable(NOT_AN_UPLOAD)
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def _data(payload: Any) -> list[Any]:
    """Return the arguments of ``classify``: an uploaded file, a model's name, a device."""
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, list) or not 1 <= len(data) <= 3:
        raise _unprocessable("data: a list is expected: the uploaded file, a model's name, a device.")
    for what, value in zip(("model", "device"), data[1:], strict=False):
        if value is not None and (not isinstance(value, str) or len(value) > MAX_NAME):
            raise _unprocessable(f"{what}: a name is expected.")
    return [_file(data[0]), *(value or "" for value in [*data[1:], "", ""][:2])]


def _token(payload: dict[str, Any], key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or not re.fullmatch(TOKEN, value):
        raise _unprocessable(f"{key}: up to 64 letters, digits, - and _ are expected.")
    return value


def _the_one_function(payload: dict[str, Any]) -> int:
    if payload.get("fn_index") not in (0, None) or isinstance(payload.get("fn_index"), bool | float):
        raise HTTPError(404, "NotFound", "fn_index: there is no such function; /gradio_api/info lists what there is.")
    return 0


def clean_call(payload: Any) -> dict[str, Any]:
    """Return what counts of a call by name."""
    return {"data": _data(payload)}


def clean_join(payload: Any) -> dict[str, Any]:
    """Return what counts of a call that joins the queue."""
    data = _data(payload)
    return {"data": data, "fn_index": _the_one_function(payload), "session_hash": _token(payload, "session_hash")}


def clean_cancel(payload: Any) -> dict[str, Any]:
    """Return what counts of a call that is given up."""
    if not isinstance(payload, dict):
        raise _unprocessable("session_hash, fn_index and event_id are expected.")
    index = _the_one_function(payload)
    return {key: _token(payload, key) for key in ("session_hash", "event_id")} | {"fn_index": index}


def clean_reset(payload: Any) -> dict[str, Any]:
    """Return what counts of what older clients send after a call."""
    if not isinstance(payload, dict):
        raise _unprocessable("event_id is expected.")
    return {"event_id": _token(payload, "event_id")}


# ------------------------------------------------------------------------------------------------------------- routes


PAGE = GradioLimits("page", literal=True, inline_scripts=True)
STATIC = GradioLimits("static", literal=True)
CONFIG = GradioLimits("gradio config")
CALL = GradioLimits("gradio call", MAX_CALL_BYTES, ("application/json",), clean=clean_call)
LISTEN = GradioLimits("gradio listen", slot="stream")
UPLOAD = GradioLimits(
    "gradio upload",
    MAX_PICTURE_BYTES,
    FORM,
    slot="work",
    query=re.compile(rf"(?:upload_id={TOKEN})?".encode()),
)

FILES = ("/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt", "/assets/{file:path}", "/static/{file:path}")

ROUTES: tuple[tuple[str, tuple[str, ...], GradioLimits], ...] = (
    ("/", READ, PAGE),
    *((address, READ, STATIC) for address in FILES),
    ("/config", READ, CONFIG),
    ("/gradio_api/info", ("GET",), CONFIG),
    ("/gradio_api/upload", ("POST",), UPLOAD),
    ("/gradio_api/run/classify", ("POST",), replace(CALL, slot="work")),
    ("/gradio_api/call/classify", ("POST",), replace(CALL, slot="work")),
    ("/gradio_api/queue/join", ("POST",), replace(CALL, slot="work", clean=clean_join)),
    ("/gradio_api/cancel", ("POST",), replace(CALL, clean=clean_cancel)),
    ("/gradio_api/reset", ("POST",), replace(CALL, clean=clean_reset)),
    ("/gradio_api/queue/data", ("GET",), replace(LISTEN, query=re.compile(rf"session_hash={TOKEN}".encode()))),
    ("/gradio_api/call/classify/{event:token}", ("GET",), LISTEN),
    ("/gradio_api/heartbeat/{session:token}", ("GET",), LISTEN),
)
"""Address, methods and limits of what the page, ``gradio_client`` and browsers use; the rest of Gradio is not there."""

MCP_LISTEN = GradioLimits("mcp", slot="stream", query=re.compile(rb".*", re.DOTALL))
MCP_CALL = replace(MCP_LISTEN, max_bytes=MAX_MCP_BYTES, content_types=("application/json",), in_memory=True)


def add_routes(table: RouteTable, mcp: bool = False) -> None:
    """Let in what Gradio answers here, with MCP's routes where they are asked for."""
    for address, methods, limits in ROUTES:
        table.add(address, methods, limits)
    if mcp:
        for name in ("", "/sse", "/http", "/schema", "/messages"):
            for address in (f"/gradio_api/mcp{name}", f"/gradio_api/mcp{name}/"):
                table.add(address, ("GET", "DELETE"), MCP_LISTEN)
                table.add(address, ("POST",), MCP_CALL)


# --------------------------------------------------------------------------------------------------------- middleware


class GradioGate(HTTPMiddleware):
    """Lets Gradio see the headers, the query and the body that it needs, and no more."""

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        limits = request.route
        if not isinstance(limits, GradioLimits):
            await self.app(request.scope, receive, send)
            return
        if limits.query and not limits.query.fullmatch(request.scope["query_string"]):
            raise HTTPError(400, "BadRequest", f"The address has to end in ?{limits.query.pattern.decode()}.")
        if limits is UPLOAD and not has_room():
            message = "There is no room for another upload now; try again in a minute."
            raise HTTPError(503, "Busy", message, RETRY_AFTER_A_SECOND)
        cleaned = await _cleaned(limits.clean, receive) if limits.clean else receive
        await self.app(_visible(request.scope, limits), cleaned, send)


def _visible(scope: Scope, limits: GradioLimits) -> Scope:
    """Return a request without the headers and parameters that Gradio believes, though strangers send them."""
    headers = [header for header in scope["headers"] if header[0] not in BELIEVED_HEADERS]
    return dict(scope, headers=headers, query_string=scope["query_string"] if limits.query else b"")


async def _cleaned(clean: Callable[[Any], Any], receive: Receive) -> Receive:
    """Read a small JSON body, and pass on what of it is expected."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return receive
        body += message.get("body", b"")
        more = message.get("more_body", False)
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPError(400, "BadRequest", "The body is not JSON.") from None
    try:
        text = json.dumps(clean(parsed), ensure_ascii=False).encode()
    except ValueError:
        raise HTTPError(400, "BadRequest", "The body holds letters that are none (lone surrogates).") from None
    first: list[Message] = [{"type": "http.request", "body": text, "more_body": False}]

    async def cleaned_receive() -> Message:
        return first.pop() if first else await receive()

    return cleaned_receive
