"""Decides which model files may be loaded.

Files listed in ``SHA256SUMS`` are trusted. Any other is first loaded in a child process with limits of time and memory
(``inkwear.onnx.sandbox_worker``): it checks the structure of the file, opens it and reads its reference picture.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from inkwear.errors import ChecksumError, ModelFileError, ProtobufError
from inkwear.onnx.checksums import HOW_TO_MEND, is_listed
from inkwear.onnx.props import load_props

MAX_BYTES = 400_000_000
"""Bytes of a model file; AlexNet in float32 has 187 million."""

MAX_CPU_SECONDS, MAX_WALL_SECONDS = 10, 60
"""Seconds of a processor that a child process may take, and by the clock on a busy machine; AlexNet takes two."""

HOW_TO_REPLACE = "Remove it, or export it again with python -m training.export"

_PACKAGE_PARENT = Path(__file__).parents[2]
"""The checkout, or the site-packages folder: where the child process finds this package."""

_verdicts: dict[str, str] = {}
"""Why a file is refused, by its digest; empty if it is not."""

_one_at_a_time = threading.Lock()


def read_trusted(path: Path) -> bytes:
    """Read a model file that may be loaded.

    Raises:
        ModelFileError: it cannot be read, differs from the listed file, or did not pass the sandbox.
    """
    data = _read(path)
    digest = hashlib.sha256(data).hexdigest()
    try:
        load_props(io.BytesIO(data))
        if is_listed(path.name, digest, path.parent):
            return data
    except ProtobufError as error:
        raise ModelFileError(f"{path}: {error}. {HOW_TO_MEND}.") from error
    except ChecksumError as error:
        raise ModelFileError(f"{path}: {error}.") from error
    if reason := refusal(data, digest):
        raise ModelFileError(f"{path}: {reason}. {HOW_TO_REPLACE}.")
    return data


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise ModelFileError(f"{path}: it is not a file.")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise ModelFileError(f"{path}: it has {size:,} bytes; models of up to {MAX_BYTES:,} are opened.")
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}).") from error


def refusal(data: bytes, digest: str) -> str:
    """Load a foreign file in a child process, once; return why it is refused, or an empty string."""
    with _one_at_a_time:  # a folder full of them shall not take all processors
        if digest not in _verdicts:
            _verdicts[digest] = _load_in_child(data)
        return _verdicts[digest]


def _load_in_child(data: bytes) -> str:
    child = subprocess.Popen(
        [sys.executable, "-m", "inkwear.onnx.sandbox_worker"],
        cwd=_PACKAGE_PARENT,
        env=os.environ | {"ORT_DISABLE_TELEMETRY": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the app, which ends it
    )
    try:
        answer, _ = child.communicate(data, timeout=MAX_WALL_SECONDS)
    except subprocess.TimeoutExpired:
        return f"examined as a foreign file, it was not done after {MAX_WALL_SECONDS} seconds"
    finally:
        child.kill()
        child.communicate()
    try:
        return f"examined as a foreign file: {reason}" if (reason := json.loads(answer)["refused"]) else ""
    except (ValueError, KeyError, TypeError):
        return (
            "examined as a foreign file, it ended the process that opened it "
            f"(exit code {child.returncode}): it takes too much memory or time, or is damaged"
        )
