"""``classify`` through Gradio's own API, for ``gradio_client`` and, when asked for, MCP."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from app.api.classify import answer
from app.api.deps import AppState
from app.api.errors import STATUS, RequestError
from app.api.uploads import parse_device
from app.gradio.uploads import NOT_AN_UPLOAD, upload_folder
from app.middleware.context import current_request
from app.middleware.exceptions import HTTPError
from inkwear.errors import DeviceError, ModelFileError

Classify = Callable[[gr.FileData, str, str], dict[str, Any]]

log = logging.getLogger("inkwear")


def classify_route(state: AppState) -> Classify:
    """Return the function behind ``/gradio_api/call/classify``."""
    os.environ["GRADIO_TEMP_DIR"] = str(upload_folder())

    def classify(image: gr.FileData, model: str = "", device: str = "") -> dict[str, Any]:
        """Read the digit, the number or the piece of clothing in a picture.

        Args:
            image: JPEG, PNG, WebP, GIF, BMP or TIFF, uploaded.
            model: a name from /models; the best one where none is given; auto asks several.
            device: auto, cpu or cuda; what the server uses where none is given.

        Returns:
            What POST /classify answers.
        """
        started = time.perf_counter()
        try:
            path = uploaded(image)
            classifier = state.catalog.reader(model or None, parse_device(device) or state.default_device)
            os.utime(path.parent)  # it is in use: somebody may ask another model about it
            return answer(path.name, path.read_bytes(), classifier, started).model_dump()
        except (DeviceError, ModelFileError, ValueError) as error:
            _answer_instead(HTTPError(STATUS.get(type(error), 422), type(error).__name__, str(error)))
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.exception("A call through Gradio failed.")
            raise gr.Error("An error of ours; the server's log has more.", print_exception=False) from error

    return classify


def _answer_instead(error: HTTPError) -> None:
    """Say why a call has failed, which Gradio answers with a bare 500; calls in its queue hear it as an event."""
    request = current_request()
    if request and request.scope["path"].startswith("/gradio_api/run/"):
        request.error = error


def uploaded(image: Any) -> Path:
    """Return the path of an uploaded file, and of no other: nothing is fetched, no file of the server's is opened.

    Raises:
        RequestError: it is none.
    """
    path = Path(str(image.get("path", "") if isinstance(image, dict) else getattr(image, "path", ""))).resolve()
    if not path.is_relative_to(upload_folder().resolve()) or not path.is_file():
        raise RequestError(NOT_AN_UPLOAD)
    return path
