"""Counts requests by route and outcome."""

import time

from starlette.types import ASGIApp, Receive, Send

from app.metrics import Metrics
from app.middleware.context import HTTPMiddleware, RequestContext


class MetricsMiddleware(HTTPMiddleware):
    """Adds each request to the metrics when it ends."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        super().__init__(app)
        self.metrics = metrics

    async def handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        try:
            await self.app(request.scope, receive, send)
        finally:
            self.metrics.add(request.route.name, request.outcome, time.perf_counter() - request.started)
