"""Limits how many requests are answered at once, in all and for one address."""

from collections import Counter
from dataclasses import dataclass, field

from starlette.types import Receive, Send

from app.metrics import Metrics
from app.middleware.context import HTTPMiddleware, RequestContext
from app.middleware.exceptions import RETRY_AFTER_A_SECOND, HTTPError

MAX_TAKEN = {"work": 256, "stream": 512}
"""Requests in work or waiting for it, and open event streams, of one process."""

SHARES = 2
"""Parts of the slots, one of which one address may take, so that others find some."""


@dataclass(eq=False)
class ConcurrencyMiddleware(HTTPMiddleware):
    """Gives a request the slot that its route asks for, or refuses it."""

    metrics: Metrics
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        if request.route.slot is None:
            await self.app(request.scope, receive, send)
            return
        client = request.scope.get("client")
        slot = request.route.slot, client[0] if client else ""
        self._check(*slot)
        self._count(slot, 1)
        try:
            await self.app(request.scope, receive, send)
        finally:
            self._count(slot, -1)

    def _check(self, kind: str, client: str) -> None:
        most, taken = MAX_TAKEN[kind], self.metrics.taken[kind]
        if taken >= most:
            message = f"{taken} requests are waiting already; try again in a second."
            raise HTTPError(503, "Busy", message, RETRY_AFTER_A_SECOND)
        if self.taken[kind, client] >= most // SHARES:
            message = f"{most // SHARES} requests of yours are waiting already."
            raise HTTPError(429, "TooManyRequests", message, RETRY_AFTER_A_SECOND)

    def _count(self, slot: tuple[str, str], change: int) -> None:
        self.metrics.taken[slot[0]] += change
        self.taken[slot] += change
        if not self.taken[slot]:
            del self.taken[slot]
