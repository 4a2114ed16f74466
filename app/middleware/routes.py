"""Finds the route of a request; only addresses whose endpoints declare their limits exist."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Send

from app.middleware.context import HTTPMiddleware, RequestContext
from app.middleware.exceptions import HTTPError
from app.middleware.limits import RouteLimits

NOTHING_HERE = "There is nothing at this address; /openapi.json lists what there is."

READ = ("GET", "HEAD")

SEGMENT = r"[A-Za-z0-9_@+~-][A-Za-z0-9_@+~.-]*"

PARAMETERS = {
    None: r"[^/\\%\x00-\x1f\x7f]{1,200}",
    "path": rf"{SEGMENT}(?:/{SEGMENT})*",
    "token": r"[A-Za-z0-9_-]{1,64}",
}
"""What ``{name}``, ``{name:path}`` and ``{name:token}`` of an address match.

A name is looked up in a list and opens no path. No segment of a path begins with a dot, none is empty, nothing is
encoded.
"""

Methods = dict[str, RouteLimits]
"""The limits of an address by HTTP method."""


class RouteTable:
    """The limits of every address that is answered."""

    def __init__(self) -> None:
        self.exact: dict[str, Methods] = defaultdict(dict)
        self.patterns: dict[re.Pattern[str], Methods] = defaultdict(dict)

    def add(self, address: str, methods: Iterable[str], limits: RouteLimits) -> None:
        """Let requests in.

        Args:
            address: a path, with parameters as in ``/models/{name}/card``.
            methods: HTTP's.
            limits: what they may carry.
        """
        known = self.patterns[_pattern(address)] if "{" in address else self.exact[address]
        known |= dict.fromkeys(methods, limits)

    def add_endpoints(self, routes: Iterable[BaseRoute]) -> None:
        """Let in requests to endpoints, within the limits that they declare.

        Raises:
            TypeError: an endpoint declares nothing.
        """
        for route in routes:
            assert isinstance(route, Route)  # FastAPI's are
            declared = getattr(route.endpoint, "route_limits", None)
            if declared is None:
                raise TypeError(f"{route.path}: its endpoint declares no limits. Put @limits(…) below its route.")
            self.add(route.path, route.methods or (), declared)

    def find(self, path: str) -> Methods:
        """Return the limits of a path by method; none where there is nothing."""
        known = self.exact.get(path)
        return known or next((known for pattern, known in self.patterns.items() if pattern.fullmatch(path)), {})

    @property
    def public(self) -> frozenset[str]:
        """Addresses that need no password."""
        return frozenset(
            address for address, known in self.exact.items() if any(limits.public for limits in known.values())
        )


def _pattern(address: str) -> re.Pattern[str]:
    literals_and_kinds = re.split(r"\{\w+(?::(\w+))?\}", address)
    return re.compile("".join(PARAMETERS[p] if i % 2 else re.escape(p) for i, p in enumerate(literals_and_kinds)))


@dataclass(eq=False)
class RoutesMiddleware(HTTPMiddleware):
    """Finds the route of a request, and refuses what has none."""

    routes: RouteTable

    async def _handle(self, request: RequestContext, receive: Receive, send: Send) -> None:
        scope = request.scope
        methods = self.routes.find(scope["path"])
        encoded = b"%" in scope.get("raw_path", b"")
        if not methods or (encoded and any(limits.literal for limits in methods.values())):
            raise HTTPError(404, "NotFound", NOTHING_HERE)
        if scope["method"] not in methods:
            allowed = ", ".join(sorted(methods))
            message = f"This address answers to {allowed}."
            raise HTTPError(405, "MethodNotAllowed", message, [(b"allow", allowed.encode())])
        request.route = methods[scope["method"]]
        await self.app(scope, receive, send)
