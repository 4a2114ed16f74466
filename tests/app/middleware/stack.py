"""Small applications behind the middleware."""

from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import Metrics
from app.middleware.limits import RouteLimits
from app.middleware.routes import RouteTable
from app.middleware.stack import SecuritySettings, security_stack


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    """The least that an application does: read the body, answer."""
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"{}"})


def behind(app: ASGIApp, metrics: Metrics | None = None, log_requests: bool = False, **limits: Any) -> Starlette:
    """An application that is asked at ``/classify`` and takes pictures of 1 kB, or what ``limits`` says."""
    routes = RouteTable()
    routes.add("/classify", ["GET", "POST"], RouteLimits("classify", **{"max_bytes": 1000} | limits))
    stack = security_stack(SecuritySettings(log_requests=log_requests), routes, metrics or Metrics())
    return Starlette(routes=[Mount("/", app)], middleware=stack)


async def ask(app: ASGIApp, receive: Receive, client: str = "127.0.0.1", **headers: str) -> int:
    """Ask for ``/classify`` without a server, and return the status; 0 where nothing is answered."""
    statuses = [0]

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {"type": "http", "method": "POST", "path": "/classify", "raw_path": b"/classify", "query_string": b""}
    named = [
        (name.replace("_", "-").encode(), value.encode()) for name, value in {"host": "localhost", **headers}.items()
    ]
    await app(scope | {"headers": named, "client": (client, 1)}, receive, send)
    return statuses[-1]


def counted(metrics: Metrics, status: int) -> float | None:
    """How many requests were answered with a status."""
    return metrics.registry.get_sample_value("inkwear_requests_total", {"route": "classify", "status": str(status)})
