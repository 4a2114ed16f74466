"""All that the files of a folder say of themselves, gathered for whoever describes or serves them; none is opened."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from inkwear.errors import MetadataError, ProtobufError, ReportError
from inkwear.files import file_digest
from inkwear.onnx.metadata import ModelMetadata
from inkwear.onnx.props import read_props
from inkwear.report import Report, read_report
from training.publish.graph import Graph, read_graph

log = logging.getLogger("inkwear")


class ShelfError(ValueError):
    """A folder or a file is not what is needed; the message names it and says what is."""


@dataclass(frozen=True)
class Export:
    """A file and what is known of it.

    Attributes:
        graph: its inputs, outputs and operators.
        props: its ``metadata_props`` as they stand.
        metadata: these as a classifier's; None where it is none.
        report: what lies beside it; None where nothing does that can be believed.
    """

    path: Path
    bytes: int
    sha256: str
    graph: Graph
    props: Mapping[str, str]
    metadata: ModelMetadata | None
    report: Report | None

    @property
    def name(self) -> str:
        return self.path.stem

    def values(self) -> dict[str, Any]:
        """``props``, those that are JSON as what it says."""
        return {name: _value(text) for name, text in self.props.items()}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def read_export(path: Path) -> Export:
    """Gather what a file says of itself, and what its report adds.

    What is no classifier of ours, and what has no report, is said in the log.

    Raises:
        ShelfError: it cannot be read, or is no ONNX file.
    """
    try:
        graph, props = read_graph(path), read_props(path)
        size, sha256 = path.stat().st_size, file_digest(path)
    except OSError as error:
        raise ShelfError(f"{path}: cannot be read ({error.strerror}).") from error
    except ProtobufError as error:
        raise ShelfError(f"{path}: {error}.") from error
    metadata, report = None, None
    try:
        metadata = ModelMetadata.from_props(props)
        report = read_report(path)
    except MetadataError as error:
        log.warning("%s is not listed as a classifier: %s.", path, error)
    except ReportError as error:
        log.warning("%s", error)
    return Export(path, size, sha256, graph, props, metadata, report)


def read_shelf(folder: Path, names: Sequence[str] = ()) -> list[Export]:
    """Gather the files of a folder by name, or those that are named, such as ``mnist-lenet``, in the order given.

    Raises:
        ShelfError: there is no such folder or file, none at all, or one that cannot be read.
    """
    if not folder.is_dir():
        raise ShelfError(f"{folder} is no folder; name the one that holds the .onnx files.")
    there = {path.stem: path for path in sorted(folder.glob("*.onnx"))}
    if not there:
        raise ShelfError(f"{folder} holds no .onnx file; `python -m training.export` writes them.")
    for name in names:
        if name not in there:
            near = get_close_matches(name, there, n=1)
            raise ShelfError(
                f"{name}: there is no {name}.onnx in {folder}{f'; did you mean {near[0]}?' if near else ''} "
                f"There are {', '.join(there)}."
            )
    return [read_export(there[name]) for name in dict.fromkeys(names or there)]
