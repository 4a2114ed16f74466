"""The endpoints, a file each, and the page on one FastAPI application."""

import gradio as gr
from fastapi import FastAPI

from app.api import card, classify, compare, corrections, explain, models
from app.api.desk import Desk
from app.api.errors import explain_errors
from app.catalog import Catalog
from app.corrections import Corrections
from app.runtime import Device
from app.ui import PageFiles, build_ui, head

ROUTERS = tuple(part.router for part in (classify, explain, compare, models, card, corrections))


def build_app(catalog: Catalog, default_device: Device = "auto", kept: Corrections | None = None) -> FastAPI:
    """Return the whole application: ``/`` the page, ``/healthz``, and what ``ROUTERS`` hold."""
    # FastAPI's own pages of documentation fetch their scripts from elsewhere; /openapi.json stays.
    app = FastAPI(title="Inkwear", docs_url=None, redoc_url=None)
    app.state.desk = Desk(catalog, default_device, kept)
    explain_errors(app)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the server answers."""
        return {"status": "ok"}

    for router in ROUTERS:
        app.include_router(router)
    app.mount("/page", PageFiles())
    return gr.mount_gradio_app(
        app,
        build_ui(),
        path="/",
        head=head(),
        footer_links=[],
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
    )
