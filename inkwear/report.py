"""Reports of exports for people: layers, learning curves, confusions and calibration.

The report of ``exports/mnist-lenet.onnx`` is ``exports/reports/mnist-lenet.json``. No answer depends on it; a report
with the digest of another file is an error.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from inkwear.errors import ReportError
from inkwear.files import file_digest

SCHEMA_VERSION = 1

FOLDER = "reports"


@dataclass(frozen=True)
class Layer:
    """A layer of a network.

    Attributes:
        name: its path in the network, such as ``features.0``; the input is ``images``.
        kind: its class or function in PyTorch, such as ``Conv2d`` or ``cat``.
        detail: distinguishes it from others of its kind, such as ``5×5, stride 2``.
        shape: of its output for one image, such as (32, 14, 14).
        parameters: count of learned numbers.
        macs: multiply-adds for one image.
        inputs: names of the layers that it reads.
    """

    name: str
    kind: str
    detail: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Facts about an export that its file does not hold.

    Attributes:
        sha256: of the file, in hexadecimal.
        layers: in the order of computation, the input first.
        curves: for each epoch ``epoch``, ``train_loss``, ``validation_accuracy``, ``lr`` and more.
        confusion: how often the file reads each class (row) of the test set as each (column).
        confidence: on the test set, as fractions: ``calibration_error`` (expected, 10 bins), ``unsure`` (images below
            the reject threshold) and ``accuracy_when_sure`` (of all others); empty in older reports.
    """

    sha256: str
    layers: tuple[Layer, ...]
    curves: tuple[Mapping[str, float], ...]
    confusion: tuple[tuple[int, ...], ...]
    schema_version: int = SCHEMA_VERSION
    confidence: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it as JSON with one line for each layer, epoch and class."""
        parts = asdict(self)
        lists = {name: parts.pop(name) for name in ("layers", "curves", "confusion")}
        lines = [f'"{name}":{_compact(value)}' for name, value in parts.items()]
        for name, rows in lists.items():
            lines.append(f'"{name}":[\n' + ",\n".join(map(_compact, rows)) + "\n]")
        return "{" + ",\n".join(lines) + "}\n"

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Read a report.

        Raises:
            ReportError: it is not JSON, of another version, or invalid.
        """
        try:
            values = json.loads(text)
            if values["schema_version"] != SCHEMA_VERSION:
                raise ValueError(f"it is of version {values['schema_version']}, this Inkwear reads {SCHEMA_VERSION}")
            layers = tuple(_layer(row) for row in values["layers"])
            curves = tuple({str(k): float(v) for k, v in row.items()} for row in values["curves"])
            confusion = tuple(tuple(map(int, row)) for row in values["confusion"])
            confidence = {str(name): float(value) for name, value in values.get("confidence", {}).items()}
            return cls(str(values["sha256"]), layers, curves, confusion, confidence=confidence)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReportError("damaged", f"The report cannot be read ({error}).") from error


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _layer(row: Mapping[str, Any]) -> Layer:
    return Layer(
        name=str(row["name"]),
        kind=str(row["kind"]),
        detail=str(row["detail"]),
        shape=tuple(map(int, row["shape"])),
        parameters=int(row["parameters"]),
        macs=int(row["macs"]),
        inputs=tuple(map(str, row["inputs"])),
    )


def report_path(export: Path) -> Path:
    """Return the path of an export's report."""
    return export.parent / FOLDER / f"{export.stem}.json"


def read_report(export: Path) -> Report:
    """Read the report of an export.

    Raises:
        ReportError: there is none, it is damaged, or it belongs to another file.
    """
    path = report_path(export)
    try:
        report = Report.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ReportError(
            "missing", f"There is no report of {export.name}; `python -m training.publish.export_report` makes it."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError("damaged", f"The report of {export.name} cannot be read.") from error
    if report.sha256 != file_digest(export):
        raise ReportError("other_file", f"The report of {export.name} is of another file of this name.")
    return report
