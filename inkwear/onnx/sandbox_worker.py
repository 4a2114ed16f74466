"""The child process of ``inkwear.onnx.sandbox``: reads a foreign model from its standard input and says why it is refused.

It limits itself before it reads: processor time, memory beyond what ONNX Runtime takes, no file written. Where Python
has no such limits (Windows) there is the clock of the parent alone.
"""

import importlib
import importlib.util
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from inkwear.onnx.allowlist import StructureError, check_structure
from inkwear.onnx.metadata import MetadataError, ModelMetadata
from inkwear.onnx.props import PropsError, as_mapping, find_props

MEMORY = 1_500_000_000
"""Bytes that a model may take beyond Python and ONNX Runtime; AlexNet takes 350 million for what it is asked."""

BATCH = 8
"""Pictures that it has to read at once."""

SAMPLE = Path("the file")
"""What messages call it; whoever asked knows its name."""


class ExaminationError(ValueError):
    """Why a model is refused."""


def main() -> None:
    """Answer with one line of JSON: ``refused`` is a reason, or null."""
    from inkwear.onnx.sandbox import SECONDS

    _limit("RLIMIT_CPU", SECONDS)
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_CORE", 0)
    with suppress(OSError):  # where memory runs out, let it be this process that ends
        Path("/proc/self/oom_score_adj").write_text("1000")
    print(json.dumps({"refused": refused(sys.stdin.buffer.read())}))


def refused(data: bytes) -> str | None:
    """Examine a model; return why it is refused, None where it is not."""
    import io

    try:
        check_structure(data)
        props = as_mapping(find_props(io.BytesIO(data)))
        _check_with_onnx(data)
        if "kind" in props:
            _run_reader(data)
        else:
            ModelMetadata.from_props(props)
            _run_classifier(data)
    except (StructureError, PropsError, MetadataError, ExaminationError) as error:
        return str(error)
    except MemoryError:
        return "it takes too much memory"
    return None


def _check_with_onnx(data: bytes) -> None:
    """Ask ONNX's own checker where it is installed; the app does without."""
    if importlib.util.find_spec("onnx") is None:
        return
    onnx: Any = importlib.import_module("onnx")
    _limit_memory()
    try:
        onnx.checker.check_model(data, full_check=True)
    except Exception as error:  # ValidationError, InferenceError, and protobuf's DecodeError
        raise ExaminationError(f"ONNX's checker says: {_first_line(error)}") from error


def _run_classifier(data: bytes) -> None:
    """Open it as the app does, and let it read its reference picture, alone and among others."""
    import numpy as np

    from inkwear.classifier import REFERENCE_TOLERANCE, Classifier
    from inkwear.onnx.session import ModelFileError

    importlib.import_module("onnxruntime")
    _limit_memory()
    try:
        classifier = Classifier(SAMPLE, "cpu", data)
        classifier.self_test()
        picture = classifier.metadata.reference.image()
        logits = classifier.logits(np.repeat(picture[None], BATCH, axis=0))
    except ModelFileError as error:
        raise ExaminationError(str(error).removeprefix(f"{SAMPLE}: ").removesuffix(".")) from error
    except Exception as error:  # whatever ONNX Runtime raises
        raise ExaminationError(f"it cannot read its reference picture ({_first_line(error)})") from error
    alone = np.array(classifier.metadata.reference.logits, np.float32)
    if logits.shape != (BATCH, len(alone)) or not np.abs(logits - alone).max() <= REFERENCE_TOLERANCE:
        raise ExaminationError("it reads its reference picture otherwise among others than alone")


def _run_reader(data: bytes) -> None:
    """Open it as the reader of lines, and let it read a strip with nothing on it."""
    import numpy as np

    from inkwear.numbers.line_image import ROWS
    from inkwear.numbers.line_reader import LineReader
    from inkwear.onnx.session import ModelFileError

    importlib.import_module("onnxruntime")
    _limit_memory()
    try:
        reader = LineReader(SAMPLE, "cpu", data)
        logits = reader.read(np.zeros((ROWS, 200), np.uint8))
    except ModelFileError as error:
        raise ExaminationError(str(error).removeprefix(f"{SAMPLE}: ").removesuffix(".")) from error
    except Exception as error:  # whatever ONNX Runtime raises
        raise ExaminationError(f"it cannot read a strip ({_first_line(error)})") from error
    if logits.ndim != 2 or logits.shape[1] != len(reader.alphabet) + 1 or not np.isfinite(logits).all():
        raise ExaminationError("what it reads of an empty strip is not finite, or of another shape than its alphabet")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _limit_memory() -> None:
    """Allow so much more than what is in use already."""
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit("RLIMIT_AS", pages * os.sysconf("SC_PAGE_SIZE") + MEMORY)


def _limit(what: str, most: int) -> None:
    """Lower a limit of this process, where there is such a limit."""
    try:
        import resource
    except ImportError:
        return
    number = getattr(resource, what)
    hard = resource.getrlimit(number)[1]
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(number, (least, hard))


if __name__ == "__main__":
    main()
