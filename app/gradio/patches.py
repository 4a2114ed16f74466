"""What Gradio 6.31 is kept from doing, where it has no option for it."""

from typing import Any, NoReturn

import gradio as gr
import gradio.processing_utils
from gradio.utils import LRUCache

from app.api.errors import RequestError
from app.gradio.uploads import NOT_AN_UPLOAD, upload_folder


async def _unchanged(path: Any) -> Any:
    return path


async def _never(url: str) -> NoReturn:
    raise RequestError(NOT_AN_UPLOAD)


def fetch_nothing(blocks: gr.Blocks) -> None:
    """Keep Gradio from copying or downloading whatever a request names as its file, before ``uploaded`` looks at it.

    Mounted in another application, it checks no path (``processing_utils._check_allowed``) and fetches URLs.
    """
    for function in blocks.fns.values():
        for component in function.inputs:
            component.async_move_resource_to_block_cache = _unchanged  # type: ignore[method-assign, assignment]
    gradio.processing_utils.async_ssrf_protected_get = _never


def forget_old_sessions(blocks: gr.Blocks, most: int) -> None:
    """Bound what Gradio's queue keeps of sessions that are gone, and leave out its statistics, which nobody sees.

    It keeps an empty set of each session for ever and the messages of the last 2,000, and after each call it makes a
    table, with pandas, of the last 10,000 calls.
    """
    queue = blocks._queue
    queue.ANALYTICS_MAX_EVENTS = 1
    queue.compute_analytics_summary = lambda records: queue.cached_event_analytics_summary  # type: ignore[method-assign]
    queue.pending_messages_per_session.max_size = most
    queue.pending_event_ids_session = LRUCache(most)
    blocks.state_session_capacity = most


def keep_uploads_of_mcp_here() -> None:
    """Let pictures that come as ``data:`` over MCP lie where uploads lie; Gradio has a folder for all applications."""
    try:
        import gradio.mcp
    except ImportError:
        return  # Gradio says itself what is missing, and why
    gradio.mcp.DEFAULT_TEMP_DIR = str(upload_folder())
