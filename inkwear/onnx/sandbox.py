"""Which model files may be opened: those that are listed beside, and others once a child process has lived with them.

A file that ``SHA256SUMS`` lists was put in place by ``training.publish.export`` or by somebody who vouched for it, and is held
against its digests. Every other is foreign, however well it is sealed, since anybody can seal: a process of its own,
with limits of time and memory, looks at what it is made of, opens it and lets it read its own reference picture
(``inkwear.onnx.sandbox_worker``). Only what that process comes back from is opened here.
"""

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from inkwear.onnx.checksums import HOW_TO_MEND, SealError, has_seal, is_listed
from inkwear.onnx.props import PropsError
from inkwear.onnx.session import ModelFileError

LARGEST = 400_000_000
"""Bytes of a model file; AlexNet in float32 has 187 million."""

SECONDS, SECONDS_BY_THE_CLOCK = 10, 60
"""What an examination may take of a processor, and where the machine has other things to do; AlexNet takes two."""

HOW_TO_REPLACE = "Remove it, or export it again with python -m training.export"

ROOT = Path(__file__).parents[2]

_verdicts: dict[str, str] = {}
"""By the digest of what was examined: why it is refused, empty where it is not."""

_one_at_a_time = threading.Lock()


def read_trusted(path: Path) -> bytes:
    """Read a model file that may be opened.

    Raises:
        ModelFileError: it cannot be read, is not what its digests say, or did not pass the examination.
    """
    data = _read(path)
    digest = hashlib.sha256(data).hexdigest()
    try:
        has_seal(data)
        if is_listed(path.name, digest, path.parent):
            return data
    except SealError as error:
        raise ModelFileError(f"{path}: {error}.") from error
    except PropsError as error:
        raise ModelFileError(f"{path}: {error}. {HOW_TO_MEND}.") from error
    if refused := examine(data, digest):
        raise ModelFileError(f"{path}: {refused}. {HOW_TO_REPLACE}.")
    return data


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise ModelFileError(f"{path}: it is not a file.")
        if (size := path.stat().st_size) > LARGEST:
            raise ModelFileError(f"{path}: it has {size:,} bytes; models of up to {LARGEST:,} are opened.")
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}).") from error


def examine(data: bytes, digest: str) -> str:
    """Let a child process look at a foreign file; return why it is refused, or nothing. Each is examined once."""
    with _one_at_a_time:  # a folder full of them shall not take all processors
        if digest not in _verdicts:
            _verdicts[digest] = _examine(data)
        return _verdicts[digest]


def _examine(data: bytes) -> str:
    child = subprocess.Popen(
        [sys.executable, "-m", "inkwear.onnx.sandbox_worker"],
        cwd=ROOT,
        env=os.environ | {"ORT_DISABLE_TELEMETRY": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the app, which ends it
    )
    try:
        answer, _ = child.communicate(data, timeout=SECONDS_BY_THE_CLOCK)
    except subprocess.TimeoutExpired:
        return f"examined as a foreign file, it was not done after {SECONDS_BY_THE_CLOCK} seconds"
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
