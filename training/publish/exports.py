"""What the ONNX files of a folder say of themselves, for the programs that describe or serve them."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import helper

from inkwear.errors import MetadataError, ReportError
from inkwear.files import file_digest
from inkwear.onnx.metadata import ModelMetadata
from inkwear.report import Report, read_report

log = logging.getLogger("inkwear")


@dataclass(frozen=True)
class Tensor:
    """An input or an output; a size of ``shape`` that is open has a name, or is ``?``."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(map(str, self.shape))}) {self.dtype}"


@dataclass(frozen=True)
class Export:
    """An ONNX file and what is known of it.

    Attributes:
        opsets: version by domain; the domain of ONNX itself is the empty string.
        operators: sorted; with their domain where it is not that of ONNX, such as ``com.microsoft.MatMulNBits``.
        props: ``metadata_props`` as they are stored.
        metadata: ``props`` as those of a classifier; None for any other file.
        report: the report beside the file; None where there is none that matches it.
    """

    path: Path
    bytes: int
    sha256: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    opsets: Mapping[str, int]
    operators: tuple[str, ...]
    props: Mapping[str, str]
    metadata: ModelMetadata | None
    report: Report | None

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def takes_batches(self) -> bool:
        """Whether the first size of every input and output is open."""
        return all(tensor.shape and isinstance(tensor.shape[0], str) for tensor in (*self.inputs, *self.outputs))

    def values(self) -> dict[str, Any]:
        """Return ``props`` with every value parsed that is JSON."""
        return {name: _value(text) for name, text in self.props.items()}


def read_export(path: Path) -> Export:
    """Read a file and the report beside it; the log tells of a file that is no classifier, or has no report.

    Raises:
        ValueError: the file cannot be read, or is no ONNX file.
    """
    try:
        return _describe(path, onnx.load(path, load_external_data=False))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}).") from error
    except (DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: it is not an ONNX file, or cut short.") from error


def read_exports(folder: Path, names: Sequence[str] = ()) -> list[Export]:
    """Read the files of a folder by name, or only those named, such as ``mnist-lenet``, in the order given.

    Raises:
        ValueError: there is no such folder or file, no file at all, or one that cannot be read.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; name the one that holds the .onnx files.")
    found = {path.stem: path for path in sorted(folder.glob("*.onnx"))}
    if not found:
        raise ValueError(f"{folder} holds no .onnx file; `python -m training.export` writes them.")
    for name in names:
        if name not in found:
            close = get_close_matches(name, found, n=1)
            hint = f" did you mean {close[0]}?" if close else ""
            raise ValueError(f"{name}: there is no {name}.onnx in {folder};{hint} There are {', '.join(found)}.")
    return [read_export(found[name]) for name in dict.fromkeys(names or found)]


def _describe(path: Path, model: onnx.ModelProto) -> Export:
    if not model.HasField("graph"):
        raise ValueError(f"{path}: it is not an ONNX file: it has no graph.")
    props = {prop.key: prop.value for prop in model.metadata_props}
    metadata, report = None, None
    try:
        metadata = ModelMetadata.from_props(props)
        report = read_report(path)
    except MetadataError as error:
        log.warning("%s is not listed as a classifier: %s.", path, error)
    except ReportError as error:
        log.warning("%s", error)
    return Export(
        path=path,
        bytes=path.stat().st_size,
        sha256=file_digest(path),
        inputs=tuple(map(_tensor, model.graph.input)),
        outputs=tuple(map(_tensor, model.graph.output)),
        opsets={opset.domain: opset.version for opset in model.opset_import},
        operators=tuple(sorted({f"{node.domain}.{node.op_type}".strip(".") for node in model.graph.node})),
        props=props,
        metadata=metadata,
        report=report,
    )


def _tensor(value: onnx.ValueInfoProto) -> Tensor:
    tensor = value.type.tensor_type
    known = tensor.elem_type in helper.get_all_tensor_dtypes()
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name if known else "?"
    sizes = (size.dim_value if size.HasField("dim_value") else size.dim_param or "?" for size in tensor.shape.dim)
    return Tensor(value.name, dtype, tuple(sizes))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
