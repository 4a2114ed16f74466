"""The page: Gradio's frame around a studio of our own. Wiring only; what it shows lies in ``app/page``."""

import json
from collections.abc import Callable
from pathlib import Path

import gradio as gr
from gradio.events import api

PAGE = Path(__file__).parent / "page"


def head() -> str:
    """Return what goes into the page's <head>: the styles, as they are; Gradio's ``css=`` would prefix each."""
    return f"<style>{(PAGE / 'studio.css').read_text(encoding='utf-8')}</style>"


def build_ui(classify: Callable[..., object]) -> gr.Blocks:
    """Build the page: the studio asks ``/models`` what there is and ``/classify`` for every answer.

    Args:
        classify: what ``gradio_client`` and MCP call; nothing of it is to be seen on the page.
    """
    with gr.Blocks(title="Inkwear", fill_width=True, analytics_enabled=False) as blocks:
        gr.HTML(
            html_template=(PAGE / "studio.html").read_text(encoding="utf-8"),
            js_on_load=(PAGE / "studio.js").read_text(encoding="utf-8"),
            words=json.loads((PAGE / "words.json").read_text(encoding="utf-8")),
            apply_default_css=False,
            elem_id="inkwear",
        )
        api(classify, api_name="classify", queue=False)
    return blocks
