"""The request that is being answered, as the middleware and the endpoints know it."""

import re
import secrets
import time
from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.middleware.exceptions import HTTPError
from app.middleware.limits import UNKNOWN, RouteLimits

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

CLIENT_LEFT = 499
"""The status of a request whose client did not wait for the answer, as nginx logs it."""

POLICY_VIOLATION = 1008
"""The code with which a WebSocket is closed (RFC 6455)."""


@dataclass(slots=True, eq=False)
class RequestContext:
    """One request from its first byte to the last of its answer.

    Attributes:
        scope: ASGI's.
        headers: the last of each name.
        id: the client's, if it sent a valid one.
        started: when it arrived (``time.perf_counter``).
        route: what its route takes.
        error: the answer, whatever the application says.
        received: bytes of its body so far.
        body_ended: whether all of its body has been read.
        disconnected: whether the client has left.
        status: of the response; 0 before its start.
    """

    scope: Scope
    headers: dict[bytes, bytes]
    id: str
    started: float
    route: RouteLimits = UNKNOWN
    error: HTTPError | None = None
    received: int = 0
    body_ended: bool = False
    disconnected: bool = False
    status: int = 0

    @classmethod
    def of(cls, scope: Scope) -> "RequestContext":
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        return cls(scope, headers, request_id, time.perf_counter())

    @property
    def has_body(self) -> bool:
        """Whether its headers announce a body."""
        return self.headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in self.headers

    @property
    def outcome(self) -> int:
        """The status of the response, or 499 if the client left before it."""
        return CLIENT_LEFT if self.disconnected and not self.status else self.status

    @property
    def wants_page(self) -> bool:
        """Whether a person has opened this address in a browser."""
        return self.scope["method"] == "GET" and b"text/html" in self.headers.get(b"accept", b"")


_current: ContextVar[RequestContext | None] = ContextVar("request", default=None)


def current_request() -> RequestContext | None:
    """Return the request that is being answered; None outside of one."""
    return _current.get()


def request_id() -> str:
    """Return the id of the request that is being answered; empty outside of one."""
    request = _current.get()
    return request.id if request else ""


@dataclass(eq=False)
class HTTPMiddleware:
    """A middleware for requests; the server's start and end pass through it."""

    app: ASGIApp

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if request := _current.get():
            return self._handle(request, receive, send)
        return self.app(scope, receive, send)

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        """Answer a request, or let ``self.app`` answer it."""
        raise NotImplementedError


@dataclass(eq=False)
class RequestContextMiddleware:
    """Creates a request's context, and records its status and whether the client left; refuses WebSockets."""

    app: ASGIApp

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            return self._answer(RequestContext.of(scope), receive, send)
        if scope["type"] == "lifespan":
            return self.app(scope, receive, send)
        return send({"type": "websocket.close", "code": POLICY_VIOLATION})

    async def _answer(self, request: RequestContext, receive: Receive, send: Send) -> None:
        async def recording_receive() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                request.disconnected = True
            return message

        async def recording_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
            await send(message)

        token = _current.set(request)
        try:
            await self.app(request.scope, recording_receive, recording_send)
        finally:
            _current.reset(token)
