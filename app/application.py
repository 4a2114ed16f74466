"""The whole application: the endpoints and the page on one FastAPI, behind the middleware."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import Route

from app.api import card, classify, classify_batch, compare, corrections, explain, health, models, snippets
from app.api.deps import AppState
from app.api.errors import add_error_handlers
from app.catalog import Catalog, watching
from app.corrections import Corrections
from app.gradio import gate, uploads
from app.gradio.mount import PageFiles, mount_page
from app.metrics import Metrics
from app.middleware.limits import RouteLimits
from app.middleware.routes import READ, RouteTable
from app.middleware.stack import SecuritySettings, security_stack
from inkwear.onnx.session import Device

ENDPOINTS = (classify, classify_batch, explain, compare, models, card, corrections, snippets, health)
"""The modules of ``app.api`` with a ``router``."""


@asynccontextmanager
async def _while_running(app: FastAPI) -> AsyncIterator[None]:
    """Let exports that land in the folder appear, and uploads that nobody uses vanish."""
    with watching(app.state.inkwear.catalog), uploads.sweeping():
        yield


def build_app(
    catalog: Catalog,
    default_device: Device = "auto",
    kept: Corrections | None = None,
    mcp: bool = False,
    security: SecuritySettings | None = None,
) -> FastAPI:
    """Return the whole application: ``/`` the page, and what ``ENDPOINTS`` hold, behind the middleware.

    Args:
        catalog: the models.
        default_device: where a request that names none is computed.
        kept: where corrections are kept; None while they are not.
        mcp: whether ``/gradio_api/mcp`` answers programs that speak the Model Context Protocol.
        security: whom to let in; without it, everybody under every name of the server.

    Raises:
        ValueError: ``mcp`` needs a package that is not installed.
    """
    # FastAPI's own pages of documentation fetch their scripts from elsewhere; /openapi.json stays.
    app = FastAPI(title="Inkwear", docs_url=None, redoc_url=None, lifespan=_while_running)
    app.state.inkwear = AppState(catalog, default_device, kept)
    app.state.metrics = Metrics()
    health.publish(app.state.metrics, app.state.inkwear)
    add_error_handlers(app)
    routes = _add_routes(app, mcp)
    stack = [*security_stack(security or SecuritySettings(), routes, app.state.metrics), Middleware(gate.GradioGate)]
    app.user_middleware[:0] = stack
    mount_page(app, app.state.inkwear, mcp)
    return app


def _add_routes(app: FastAPI, mcp: bool) -> RouteTable:
    """Add the endpoints to an application, and return what they and Gradio take."""
    routes = RouteTable()
    # Before FastAPI's own bookkeeping, which takes longer than a small network; the router documents it.
    app.router.routes.insert(0, Route("/classify", classify.classify, methods=["POST"]))
    for module in ENDPOINTS:
        app.include_router(module.router)
        routes.add_endpoints(module.router.routes)
    app.mount("/page", PageFiles())
    routes.add("/page/{file:path}", READ, RouteLimits("static", literal=True))
    routes.add("/openapi.json", READ, RouteLimits("openapi"))
    gate.add_routes(routes, mcp)
    return routes
