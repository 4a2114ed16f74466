"""Logs a line for each request, without anything that a person has sent."""

import logging
import time
from typing import Any

from starlette.types import Receive, Send

from app.middleware.context import HTTPMiddleware, RequestContext
from app.middleware.limits import UNKNOWN

log = logging.getLogger("inkwear.requests")


class AccessLogMiddleware(HTTPMiddleware):
    """Logs route, outcome, time and size; no address, no query, no names of files."""

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        try:
            await self.app(request.scope, receive, send)
        finally:
            log.info("%(method)s %(route)s %(status)d %(milliseconds).1f ms %(request_id)s", _line(request))


def _line(request: RequestContext) -> dict[str, Any]:
    line = {
        "request_id": request.id,
        "method": request.scope["method"] if request.route is not UNKNOWN else "-",
        "route": request.route.name,
        "status": request.outcome,
        "milliseconds": round(1000 * (time.perf_counter() - request.started), 1),
        "bytes": request.received,
    }
    return line | ({"code": request.error.code} if request.error else {})
