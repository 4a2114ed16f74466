"""The endpoints, a file each, and the page on one FastAPI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.util import find_spec

import gradio as gr
from fastapi import FastAPI
from starlette.routing import Route

from app.api import card, classify, compare, corrections, explain, models, snippets
from app.api import classify_batch as many
from app.api import health as watch
from app.api.deps import AppState
from app.api.errors import explain_errors
from app.catalog import Catalog, watching
from app.corrections import Corrections
from app.gradio import route as gradio_route
from app.gradio import uploads as parking
from app.gradio.mount import PageFiles, build_ui, head
from app.guard import Guard, Rules
from app.metrics import Metrics
from inkwear.onnx.session import Device

PARTS = (classify, many, explain, compare, models, card, corrections, snippets, watch)

MOST_SESSIONS = 500
"""Of Gradio's, each of some 27 kB; a newcomer takes the place of whoever was here longest ago."""


@asynccontextmanager
async def _watch_the_folder(app: FastAPI) -> AsyncIterator[None]:
    """While the server runs, let exports that land in the folder appear, and uploads that nobody uses vanish."""
    with watching(app.state.inkwear.catalog), parking.sweeping():
        yield


def build_app(
    catalog: Catalog,
    default_device: Device = "auto",
    kept: Corrections | None = None,
    mcp: bool = False,
    rules: Rules | None = None,
) -> FastAPI:
    """Return the whole application: ``/`` the page, and what ``PARTS`` hold, behind the guard.

    Args:
        catalog: the models.
        default_device: where a request that names none is computed.
        kept: where corrections are kept; None while they are not.
        mcp: whether ``/gradio_api/mcp`` answers programs that speak the Model Context Protocol.
        rules: what the guard lets in; without them, requests under every name of the server.

    Raises:
        ValueError: ``mcp`` needs a package that is not installed.
    """
    if mcp and find_spec("mcp") is None:
        raise ValueError("--mcp needs a package that is not installed. Run: pip install 'gradio[mcp]'")
    # FastAPI's own pages of documentation fetch their scripts from elsewhere; /openapi.json stays.
    app = FastAPI(title="Inkwear", docs_url=None, redoc_url=None, lifespan=_watch_the_folder)
    app.state.inkwear = AppState(catalog, default_device, kept)
    app.state.metrics = Metrics()
    watch.publish(app.state.metrics, app.state.inkwear)
    explain_errors(app)
    rules = replace(rules or Rules(), mcp=mcp, uploads_fit=parking.uploads_fit)
    app.add_middleware(Guard, rules=rules, metrics=app.state.metrics)

    # Before FastAPI's own bookkeeping, which takes longer than a small network; the route in PARTS documents it.
    app.router.routes.insert(0, Route("/classify", classify.classify, methods=["POST"]))
    for part in PARTS:
        app.include_router(part.router)
    app.mount("/page", PageFiles())
    if mcp:
        gradio_route.keep_what_assistants_send()
    page = build_ui(gradio_route.route(app.state.inkwear))
    gradio_route.fetch_nothing(page)
    gradio_route.keep_little(page, MOST_SESSIONS)
    page.state_session_capacity = MOST_SESSIONS
    mounted = gr.mount_gradio_app(
        app,
        page,
        path="/",
        head=head(),
        footer_links=[],
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=mcp,
    )
    if mcp and not page.mcp_server:
        raise ValueError(f"--mcp: {page.mcp_error} Run: pip install 'gradio[mcp]'")
    return mounted
