"""Checks the size, the type and the speed of a request's body against the limits of its route."""

import asyncio
import time
from dataclasses import dataclass

from starlette.types import Message, Receive, Send

from app.archives.pictures import MEGABYTE
from app.metrics import Metrics
from app.middleware.context import HTTPMiddleware, RequestContext
from app.middleware.exceptions import RETRY_AFTER_A_SECOND, HTTPError
from app.middleware.limits import FORM

MAX_PAUSE_SECONDS = 10.0
"""Seconds that may pass between two pieces of a body."""

MAX_BODY_SECONDS, MIN_BYTES_PER_SECOND = 60.0, 20_000
"""Seconds a request body may take, plus one for each 20 kB."""

MAX_HELD_BYTES = 400 * MEGABYTE
"""Bytes of bodies in the memory of one process."""


@dataclass(eq=False)
class BodyMiddleware(HTTPMiddleware):
    """Refuses a body by its headers where possible, and otherwise as it is read."""

    metrics: Metrics

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        _check_length(request)
        _check_type(request)
        if request.body_ended:
            await self.app(request.scope, receive, send)
            return
        try:
            await self.app(request.scope, self._limited(request, receive), send)
        finally:
            if request.route.in_memory:
                self.metrics.held -= request.received

    def _limited(self, request: RequestContext, receive: Receive) -> Receive:
        async def limited_receive() -> Message:
            message = await (receive() if request.body_ended else _in_time(request, receive))
            if message["type"] != "http.disconnect":
                request.body_ended = not message.get("more_body", False)
                self._count(request, len(message.get("body", b"")))
            return message

        return limited_receive

    def _count(self, request: RequestContext, size: int) -> None:
        limits, metrics = request.route, self.metrics
        request.received += size
        if limits.in_memory:
            metrics.held += size
        if request.received > limits.max_bytes:
            raise _remembered(request, _too_large(limits.max_bytes))
        if limits.in_memory and metrics.held > MAX_HELD_BYTES and metrics.held > request.received:
            error = HTTPError(503, "Busy", "Too much is being sent at once; try again.", RETRY_AFTER_A_SECOND)
            raise _remembered(request, error)


def _check_length(request: RequestContext) -> None:
    length, most = request.headers.get(b"content-length", b"0"), request.route.max_bytes
    request.body_ended = not request.has_body
    if int(length) > most:
        raise _too_large(most)
    if request.has_body and not most:
        raise _too_large(0)


def _check_type(request: RequestContext) -> None:
    accepted = request.route.content_types
    given = request.headers.get(b"content-type", b"").decode("latin-1").strip().lower()
    may_lack = "image/" in accepted or (request.body_ended and accepted == FORM)
    if not accepted or given.startswith(accepted) or (not given and may_lack):
        return
    kinds = ", ".join(f"{each}*" if each.endswith("/") else each for each in accepted)
    raise HTTPError(415, "UnsupportedMediaType", f"Content-Type: {given[:100]!r} is not taken here, but {kinds}.")


async def _in_time(request: RequestContext, receive: Receive) -> Message:
    left = request.started + MAX_BODY_SECONDS + request.received / MIN_BYTES_PER_SECOND - time.perf_counter()
    try:
        async with asyncio.timeout(max(0, min(MAX_PAUSE_SECONDS, left))):
            return await receive()
    except TimeoutError:
        message = "The rest of the request has not come in time; send it again."
        raise _remembered(request, HTTPError(408, "RequestTimeout", message)) from None


def _remembered(request: RequestContext, error: HTTPError) -> HTTPError:
    """Note an error that whoever reads the body may turn into one of its own."""
    request.error = error
    return error


def _too_large(most: int) -> HTTPError:
    accepted = f"{most / MEGABYTE:g} MB are" if most else "no body is"
    return HTTPError(413, "TooLargeError", f"The request has more than is accepted; {accepted} accepted here.")
