"""All that is known of a network: what its file says, and what its report adds."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.catalog import Entry
from app.drawing import draw
from inkwear.errors import ReportError
from inkwear.files import file_digest
from inkwear.report import Layer, read_report


@dataclass(frozen=True)
class Card:
    """A network's card; what only a report tells is None without one, and ``problem`` says why there is none.

    Attributes:
        sha256: of the file.
        layers: in the order of computing.
        curves: a mapping for each epoch.
        confusion: how often each class (row) of the test set was read as each (column).
        class_accuracy: share of each class's test images that were read right.
        confidence: how far its confidence can be trusted, as ``inkwear.report.Report`` has it.
        drawing: of the layers, an SVG in the colour of the text around it.
    """

    entry: Entry
    sha256: str
    layers: tuple[Layer, ...] | None = None
    curves: tuple[Mapping[str, float], ...] | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    class_accuracy: tuple[float, ...] | None = None
    confidence: Mapping[str, float] | None = None
    drawing: str | None = None
    problem: ReportError | None = None


def card_of(entry: Entry) -> Card:
    """Gather what there is to know of a model."""
    try:
        report = read_report(entry.path)
    except ReportError as error:
        return Card(entry, file_digest(entry.path), problem=error)
    return Card(
        entry,
        report.sha256,
        layers=report.layers or None,
        curves=report.curves or None,
        confusion=report.confusion or None,
        class_accuracy=tuple(row[index] / max(sum(row), 1) for index, row in enumerate(report.confusion)) or None,
        confidence=report.confidence or None,
        drawing=draw(report.layers, entry.name) if report.layers else None,
    )
