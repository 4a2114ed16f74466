"""The same answer through Gradio's own API, for ``gradio_client`` and, when asked for, MCP."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, get_args

import gradio as gr
import gradio.processing_utils
from gradio.utils import LRUCache

from app.api.classify import answer
from app.api.deps import AppState
from app.api.errors import STATUS, RequestError
from app.gradio.uploads import upload_folder
from app.guard import refuse
from inkwear.errors import DeviceError, ModelFileError
from inkwear.onnx.session import Device

Route = Callable[[gr.FileData, str, str], dict[str, Any]]

log = logging.getLogger("inkwear")


def route(state: AppState) -> Route:
    """Return the function behind ``/gradio_api/call/classify``."""
    os.environ["GRADIO_TEMP_DIR"] = str(upload_folder())

    def classify(image: gr.FileData, model: str = "", device: str = "") -> dict[str, Any]:
        """Read the digit, the number or the piece of clothing in a picture.

        Args:
            image: JPEG, PNG, WebP, GIF, BMP or TIFF, uploaded.
            model: a name from /models; the best one where none is given.
            device: auto, cpu or cuda; what the server uses where none is given.

        Returns:
            What POST /classify answers.
        """
        started = time.perf_counter()
        try:
            path = uploaded(image)
            if device not in ("", *get_args(Device)):
                raise RequestError("device: Input should be 'auto', 'cpu' or 'cuda'")
            entry, classifier = state.catalog.choose(model or None, device or state.default_device)  # type: ignore[arg-type]
            os.utime(path.parent)  # it is in use: somebody may ask another model about it
            return answer(path.name, path.read_bytes(), entry, classifier, started).model_dump()
        except (DeviceError, ModelFileError, ValueError) as error:
            refuse(STATUS.get(type(error), 422), error)
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.exception("A call through Gradio failed.")
            raise gr.Error("An error of ours; the server's log has more.", print_exception=False) from error

    return classify


def keep_what_assistants_send() -> None:
    """Let pictures that come as ``data:`` over MCP lie where uploads lie; Gradio has a folder for all applications."""
    try:
        import gradio.mcp
    except ImportError:
        return  # Gradio says itself what is missing, and why
    gradio.mcp.DEFAULT_TEMP_DIR = str(upload_folder())


def fetch_nothing(blocks: gr.Blocks) -> None:
    """Keep Gradio from copying or downloading whatever a request names as its file, before ``uploaded`` looks at it.

    Mounted in another application, Gradio 6.31 checks no path (``processing_utils._check_allowed``) and fetches URLs.
    """

    async def as_it_is(path: Any) -> Any:
        return path

    for function in blocks.fns.values():
        for component in function.inputs:
            component.async_move_resource_to_block_cache = as_it_is  # type: ignore[method-assign, assignment]
    gradio.processing_utils.async_ssrf_protected_get = _never


def keep_little(blocks: gr.Blocks, most: int) -> None:
    """Bound what Gradio's queue keeps of sessions that are gone, and leave out its statistics, which nobody sees.

    Gradio 6.31 keeps an empty set of each session for ever and the messages of the last 2,000, and after each call it
    makes a table, with pandas, of the last 10,000 calls.

    Args:
        blocks: whose queue it is.
        most: sessions of which something is kept.
    """
    queue = blocks._queue
    queue.ANALYTICS_MAX_EVENTS = 1
    queue.compute_analytics_summary = lambda records: queue.cached_event_analytics_summary  # type: ignore[method-assign]
    queue.pending_messages_per_session.max_size = most
    queue.pending_event_ids_session = LRUCache(most)


async def _never(url: str) -> NoReturn:
    """Stands where Gradio would fetch an address that a request names."""
    raise RequestError("image: an uploaded file is expected; nothing is fetched from elsewhere.")


def uploaded(image: Any) -> Path:
    """The path of an uploaded file, and of no other: addresses are not fetched, the server's own files not opened.

    Raises:
        RequestError: it is none.
    """
    path = Path(str(image.get("path", "") if isinstance(image, dict) else getattr(image, "path", ""))).resolve()
    if not path.is_relative_to(upload_folder().resolve()) or not path.is_file():
        raise RequestError("image: an uploaded file is expected; nothing is fetched from elsewhere.")
    return path
