"""The page: Gradio's frame around a studio of our own. Wiring only; what it shows lies in ``app/page``."""

import json
from collections.abc import Callable
from pathlib import Path

import gradio as gr
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from gradio.events import api
from starlette.types import Scope

from app.batch.output.formats import FORMULA_START

PAGE = Path(__file__).parents[1] / "page"

EXAMPLES = {"five": "5", "number": "4", "eight": "8", "dress": "Dress", "trouser": "Trouser", "boot": "Ankle boot"}
"""Pictures in ``page/examples``, and a class of the set that each belongs to."""

START = "import(new URL('page/js/main.js', document.baseURI)).then(({ start }) => start(element, props));"


class PageFiles(StaticFiles):
    """The page's modules and pictures: kept by browsers, but asked for again whether they are still the same."""

    def __init__(self) -> None:
        super().__init__(directory=PAGE)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def head() -> str:
    """Return what goes into the page's <head>: the styles, as they are, and which modules will be wanted.

    Gradio's ``css=`` would prefix each style.
    """
    modules = "".join(
        f'<link rel="modulepreload" href="page/js/{path.name}">' for path in sorted((PAGE / "js").glob("*.js"))
    )
    return f"{modules}<style>{(PAGE / 'studio.css').read_text(encoding='utf-8')}</style>"


def build_ui(classify: Callable[..., object]) -> gr.Blocks:
    """Build the page: its modules ask ``/models`` what there is and ``/classify`` for every answer.

    Args:
        classify: what ``gradio_client`` and MCP call; nothing of it is to be seen on the page.
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
