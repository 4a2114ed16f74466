"""What lies beside an export for people: its layers, how it learnt, which class it takes for which, how sure it is.

``exports/mnist-lenet.onnx`` has its report in ``exports/reports/mnist-lenet.json``. Nothing that is answered depends on
it; a report of other bytes than the file's is not believed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1

FOLDER = "reports"


class ReportError(ValueError):
    """There is no report of a file that can be believed; ``code`` is ``missing``, ``damaged`` or ``other_file``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Layer:
    """One step of a network.

    Attributes:
        name: where the network keeps it, such as ``features.0``; the input is ``images``.
        kind: its class or function in PyTorch, such as ``Conv2d`` or ``cat``.
        detail: what else tells it from others of its kind, such as ``5×5, stride 2``.
        shape: of what it gives for one image, such as (32, 14, 14).
        parameters: how many numbers it has learnt.
        macs: its multiply-adds for one image.
        inputs: the names of the layers it reads.
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
    """What is known of an export beyond its file.

    Attributes:
        sha256: of the file, in hexadecimal.
        layers: in the order in which they are computed, the input first.
        curves: a mapping for each epoch: ``epoch``, ``train_loss``, ``validation_accuracy``, ``lr`` and more.
        confusion: how often each class (row) of the test set was read as each (column), by the file itself.
        confidence: how far its confidence can be trusted on the test set, as fractions: ``calibration_error``
            (expected, 10 bins), ``unsure`` (images below the reject threshold) and ``accuracy_when_sure`` (of all
            others); empty in a report of before this was measured.
    """

    sha256: str
    layers: tuple[Layer, ...]
    curves: tuple[Mapping[str, float], ...]
    confusion: tuple[tuple[int, ...], ...]
    schema_version: int = SCHEMA_VERSION
    confidence: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it as JSON, a layer, an epoch and a class a line."""
        parts = asdict(self)
        lists = {name: parts.pop(name) for name in ("layers", "curves", "confusion")}
        lines = [f'"{name}":{_compact(value)}' for name, value in parts.items()]
        for name, rows in lists.items():
            lines.append(f'"{name}":[\n' + ",\n".join(map(_compact, rows)) + "\n]")
        return "{" + ",\n".join(lines) + "}\n"

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Read it back.

        Raises:
            ReportError: not JSON, of another version, or not what it should be.
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
    """Where the report of an export lies."""
    return export.parent / FOLDER / f"{export.stem}.json"


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_report(export: Path) -> Report:
    """Read the report of an export.

    Raises:
        ReportError: there is none, it is damaged, or it is of another file of this name.
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
    if report.sha256 != digest(export):
        raise ReportError("other_file", f"The report of {export.name} is of another file of this name.")
    return report
