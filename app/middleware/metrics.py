"""Counts requests by route and outcome."""

import time
from dataclasses import dataclass

from starlette.types import Receive, Send

from app.metrics import Metrics
from app.middleware.context import HTTPMiddleware, RequestContext


@dataclass(eq=False)
class MetricsMiddleware(HTTPMiddleware):
    """Adds each request to the metrics when it ends."""

    metrics: Metrics

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        try:
            await self.app(request.scope, receive, send)
        finally:
            self.metrics.add(request.route.name, request.outcome, time.perf_counter() - request.started)
