"""Puts the page at ``/``: Gradio's frame around a studio of our own, which lies in ``app/page``."""

import json
from importlib.util import find_spec
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from gradio.events import api
from starlette.types import Scope

from app.api.deps import AppState
from app.batch.output.formats import FORMULA_START
from app.gradio.patches import fetch_nothing, forget_old_sessions, keep_uploads_of_mcp_here
from app.gradio.route import Classify, classify_route

PAGE = Path(__file__).parents[1] / "page"

EXAMPLES = {
    **{"five": "5", "number": "4", "eight": "8"},
    **{"tshirt": "T-shirt/top", "trouser": "Trouser", "pullover": "Pullover"},
}
"""Pictures in ``page/examples``, and a class of the set that each belongs to."""

START = "import(new URL('page/js/main.js', document.baseURI)).then(({ start }) => start(element, props));"

MAX_SESSIONS = 500
"""Sessions of Gradio that are remembered, each of some 27 kB; a new one takes the place of the oldest."""

MCP_IS_MISSING = "Run: pip install 'gradio[mcp]'"


class PageFiles(StaticFiles):
    """The page's modules and pictures: kept by browsers, but asked for again whether they are still the same."""

    def __init__(self) -> None:
        super().__init__(directory=PAGE)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount_page(app: FastAPI, state: AppState, mcp: bool = False) -> None:
    """Put the page and Gradio's API behind an application's own routes.

    Args:
        app: where to.
        state: what answers.
        mcp: whether ``/gradio_api/mcp`` answers programs that speak the Model Context Protocol.

    Raises:
        ValueError: ``mcp`` needs a package that is not installed.
    """
    if mcp:
        if find_spec("mcp") is None:
            raise ValueError(f"--mcp needs a package that is not installed. {MCP_IS_MISSING}")
        keep_uploads_of_mcp_here()
    page = build_ui(classify_route(state))
    fetch_nothing(page)
    forget_old_sessions(page, MAX_SESSIONS)
    gr.mount_gradio_app(
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
        raise ValueError(f"--mcp: {page.mcp_error} {MCP_IS_MISSING}")


def mounted_apps(app: FastAPI) -> list[gr.routes.App]:
    """Return the applications of Gradio within another."""
    mounted = [getattr(route, "app", None) for route in app.routes]
    return [found for found in mounted if isinstance(found, gr.routes.App)]


def head() -> str:
    """Return what goes into the page's <head>: the styles, as they are, and which modules will be wanted.

    Gradio's ``css=`` would prefix each style.
    """
    modules = "".join(
        f'<link rel="modulepreload" href="page/js/{path.name}">' for path in sorted((PAGE / "js").glob("*.js"))
    )
    return f"{modules}<style>{(PAGE / 'studio.css').read_text(encoding='utf-8')}</style>"


def build_ui(classify: Classify) -> gr.Blocks:
    """Build the page: its modules ask ``/models`` what there is and ``/classify`` for every answer.

    Nothing of ``classify``, which ``gradio_client`` and MCP call, is to be seen on it.
    """
    with gr.Blocks(title="Inkwear", fill_width=True, analytics_enabled=False) as blocks:
        gr.HTML(
            html_template=_studio(),
            js_on_load=START,
            formula_start=FORMULA_START,
            words=json.loads((PAGE / "words.json").read_text(encoding="utf-8")),
            apply_default_css=False,
            elem_id="inkwear",
        )
        api(classify, api_name="classify", queue=False)
    return blocks


def _studio() -> str:
    """The page's HTML, with a button for each example."""
    buttons = "".join(
        f'<button type="button" data-example="{name}" data-of="{of}">'
        f'<img src="page/examples/{name}.png" alt="" width="200" height="200" loading="lazy"></button>'
        for name, of in EXAMPLES.items()
    )
    studio = (PAGE / "studio.html").read_text(encoding="utf-8")
    return studio.replace("<!-- filled by app/gradio/mount.py -->", buttons)
