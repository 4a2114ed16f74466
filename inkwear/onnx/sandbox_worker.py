"""The child process of ``inkwear.onnx.sandbox``: loads a foreign model from standard input and says why it is refused.

It limits its own processor time, memory and files first. Where the system has no such limits (Windows), only the clock
of the parent counts.
"""

import importlib
import importlib.util
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from inkwear.errors import ForeignModelError, MetadataError, ModelFileError, ProtobufError
from inkwear.onnx.allowlist import check_structure
from inkwear.onnx.metadata import ModelMetadata
from inkwear.onnx.props import load_props
from inkwear.onnx.sandbox import MAX_CPU_SECONDS

MAX_MEMORY = 1_500_000_000
"""Bytes that a model may take beyond Python and ONNX Runtime; AlexNet takes 350 million."""

BATCH = 8
"""Pictures that it has to read at once."""

SAMPLE = Path("the file")
"""The name of the model in messages; the parent knows the real one."""


def main() -> None:
    """Print one line of JSON: ``refused`` is a reason, or null."""
    _limit("RLIMIT_CPU", MAX_CPU_SECONDS)
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_CORE", 0)
    with suppress(OSError):  # where memory runs out, let it be this process that ends
        Path("/proc/self/oom_score_adj").write_text("1000")
    print(json.dumps({"refused": refusal(sys.stdin.buffer.read())}))


def refusal(data: bytes) -> str | None:
    """Load a model and return why it is refused; None if it is not."""
    try:
        check_structure(data)
        props = load_props(io.BytesIO(data))
        _check_with_onnx(data)
        if "kind" in props:
            _run_line_reader(data)
        else:
            ModelMetadata.from_props(props)
            _run_classifier(data)
    except (ForeignModelError, ProtobufError, MetadataError) as error:
        return str(error)
    except MemoryError:
        return "it takes too much memory"
    return None


def _check_with_onnx(data: bytes) -> None:
    """Run the checker of ``onnx`` where that is installed; the app does not need it."""
    if importlib.util.find_spec("onnx") is None:
        return
    onnx: Any = importlib.import_module("onnx")
    _limit_memory()
    try:
        onnx.checker.check_model(data, full_check=True)
    except Exception as error:  # ValidationError, InferenceError, and protobuf's DecodeError
        raise ForeignModelError(f"ONNX's checker says: {_first_line(error)}") from error


def _run_classifier(data: bytes) -> None:
    """Let a classifier read its reference picture, alone and in a batch."""
    from inkwear.classifier import REFERENCE_TOLERANCE, Classifier  # OpenCV: 0.2 s, which a refused structure saves

    with _naming_failures("it cannot read its reference picture"):
        classifier = Classifier(SAMPLE, "cpu", data)
        classifier.self_test()
        picture = classifier.metadata.reference.image()
        logits = classifier.logits(np.repeat(picture[None], BATCH, axis=0))
    alone = np.array(classifier.metadata.reference.logits, np.float32)
    if logits.shape != (BATCH, len(alone)) or not np.abs(logits - alone).max() <= REFERENCE_TOLERANCE:
        raise ForeignModelError("it reads its reference picture otherwise among others than alone")


def _run_line_reader(data: bytes) -> None:
    """Let a reader of lines read an empty strip."""
    from inkwear.numbers.line_reader import ROWS, LineReader  # OpenCV, as above

    with _naming_failures("it cannot read a strip"):
        reader = LineReader(SAMPLE, "cpu", data)
        logits = reader.read(np.zeros((ROWS, 200), np.uint8))
    labels = len(reader.alphabet) + len(reader.signs) + 1  # with the blank
    if logits.ndim != 2 or logits.shape[1] != labels or not np.isfinite(logits).all():
        raise ForeignModelError("what it reads of an empty strip is not finite, or of another shape than its signs")


@contextmanager
def _naming_failures(failure: str) -> Iterator[None]:
    """Limit the memory of a block that runs a model, and say why it failed."""
    importlib.import_module("onnxruntime")
    _limit_memory()
    try:
        yield
    except ModelFileError as error:
        raise ForeignModelError(str(error).removeprefix(f"{SAMPLE}: ").removesuffix(".")) from error
    except Exception as error:  # whatever ONNX Runtime raises
        raise ForeignModelError(f"{failure} ({_first_line(error)})") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _limit_memory() -> None:
    """Allow ``MAX_MEMORY`` more than what is in use already."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit("RLIMIT_AS", pages * os.sysconf("SC_PAGE_SIZE") + MAX_MEMORY)


def _limit(name: str, maximum: int) -> None:
    """Lower a limit of this process, where the system has such limits."""
    try:
        import resource
    except ImportError:  # Windows
        return
    number = getattr(resource, name)
    hard = resource.getrlimit(number)[1]
    soft = maximum if hard == resource.RLIM_INFINITY else min(maximum, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(number, (soft, hard))


if __name__ == "__main__":
    main()
