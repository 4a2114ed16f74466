"""How right a finished table is, by labels that somebody gave: accuracy, coverage, and what was taken for what."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.batch.after.labels import Labels
from app.batch.output.row import Row

SEVERAL = "several digits"
"""Of a number, in the confusion matrix; numbers are compared as they are written."""

NONE = "no answer"
"""Of a blank picture, or one that could not be read."""

MOST_CLASSES = 30
"""With more, the matrix is too wide for a terminal, and the commonest confusions are listed."""

EXAMPLES = 5


@dataclass
class Some:
    """How many there were, and the names of the first."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.first) < EXAMPLES:
            self.first.append(name)

    def __str__(self) -> str:
        more = ", …" if self.count > len(self.first) else ""
        return f"{self.count:,} ({', '.join(map(repr, self.first))}{more})"


@dataclass
class Score:
    """What came out, over the rows with a known label.

    Attributes:
        class_names: of the model.
        rows: all rows of the table.
        statuses: status -> labelled rows.
        right: status -> those among them whose answer is the label.
        confusion: (label, answer) -> rows, where either may be ``SEVERAL`` and the answer ``NONE``.
        numbers: rows whose label has several digits, and ``right``, those that were read exactly.
        unlabelled: rows without a label.
        unknown: rows whose label is no class, with it.
        unused: labels whose picture is not in the table.
    """

    class_names: Sequence[str]
    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)
    unlabelled: Some = field(default_factory=Some)
    unknown: Some = field(default_factory=Some)
    unused: Some = field(default_factory=Some)

    @property
    def labelled(self) -> int:
        return self.statuses.total()

    @property
    def accuracy(self) -> float | None:
        """The right ones among the answers that the model stands by (ok); None where there are none."""
        return self.right["ok"] / self.statuses["ok"] if self.statuses["ok"] else None

    @property
    def coverage(self) -> float | None:
        """The share of labelled rows with such an answer."""
        return self.statuses["ok"] / self.labelled if self.labelled else None

    @property
    def accuracy_with_unsure(self) -> float | None:
        """The right ones among these and the unsure ones."""
        answered = self.statuses["ok"] + self.statuses["unsure"]
        return (self.right["ok"] + self.right["unsure"]) / answered if answered else None

    def matrix(self) -> tuple[list[str], list[str], list[list[int]]]:
        """Return labels, answers, and how many rows each pair has: [label][answer]."""
        labels = [*self.class_names, *([SEVERAL] if any(label == SEVERAL for label, _ in self.confusion) else [])]
        extra = [name for name in (SEVERAL, NONE) if any(answer == name for _, answer in self.confusion)]
        answers = [*self.class_names, *extra]
        return labels, answers, [[self.confusion[label, answer] for answer in answers] for label in labels]


def score(rows: Iterable[Row], labels: Labels) -> Score:
    """Go through a table once.

    Raises:
        LabelsError: a label may be meant for more than one row.
    """
    found = Score(labels.class_names)
    for row in rows:
        found.rows += 1
        text = labels.of(row.path)
        if text is None:
            found.unlabelled.add(row.path)
            continue
        label = labels.meant(text)
        if label is None:
            found.unknown.add(f"{row.path}: {text}")
            continue
        found.statuses[row.status] += 1
        found.right[row.status] += row.label == label
        if label not in labels.class_names:
            found.numbers["all"] += 1
            found.numbers["right"] += row.label == label
        found.confusion[_short(label, labels), _short(row.label, labels)] += 1
    for name in labels.unused():
        found.unused.add(name)
    return found


def _short(label: str | None, labels: Labels) -> str:
    if label is None:
        return NONE
    return label if label in labels.class_names else SEVERAL


# ----------------------------------------------------------------------------------------------------------- in words


def in_words(found: Score) -> str:
    """The score for people, in lines that fit a terminal."""
    lines = [f"{found.labelled:,} of {found.rows:,} rows have a known label."]
    if found.labelled:
        lines += _figures(found)
    for some, what in (
        (found.unlabelled, "without a label"),
        (found.unknown, f"with a label that is no class of the model ({_few(found.class_names)})"),
        (found.unused, "labels whose picture is not in the table"),
    ):
        if some.count:
            lines.append(f"{what[0].upper()}{what[1:]}: {some}")
    if found.labelled:
        lines += ["", *(_matrix(found) if len(found.class_names) <= MOST_CLASSES else _commonest(found))]
    return "\n".join(lines)


def _figures(found: Score) -> list[str]:
    ok, unsure = found.statuses["ok"], found.statuses["unsure"]
    lines = [f"Accuracy {_percent(found.accuracy)} of the {ok:,} answered; coverage {_percent(found.coverage)}."]
    if unsure:
        lines.append(f"With the {unsure:,} unsure ones {_percent(found.accuracy_with_unsure)}.")
    if found.numbers["all"]:
        lines.append(f"Of {found.numbers['all']:,} with several digits {found.numbers['right']:,} were read exactly.")
    if found.statuses["blank"] or found.statuses["error"]:
        lines.append(f"No answer: {found.statuses['blank']:,} blank, {found.statuses['error']:,} failed.")
    return lines


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= MOST_CLASSES else f"{', '.join(names[:5])}, … {names[-1]}"


def _matrix(found: Score) -> list[str]:
    """One line a label, one column an answer; the columns are headed by their class ids where names are long."""
    labels, answers, counts = found.matrix()
    short = all(len(name) <= 3 for name in found.class_names)
    heads = [str(index) for index in range(len(found.class_names))]
    heads = [*(found.class_names if short else heads), *answers[len(found.class_names) :]]
    names = [name if short or index >= len(heads) else f"{index} {name}" for index, name in enumerate(labels)]
    names = [SEVERAL if name.endswith(SEVERAL) else name for name in names]
    corner = "label ↓  answer →"
    left = max(map(len, [corner, *names]))
    widths = [max(len(head), *(len(f"{line[column]:,}") for line in counts)) + 2 for column, head in enumerate(heads)]
    lines = [corner.ljust(left) + "".join(head.rjust(width) for head, width in zip(heads, widths, strict=True))]
    for name, line in zip(names, counts, strict=True):
        cells = (f"{count:,}" if count else "·" for count in line)
        lines.append(name.ljust(left) + "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))
    return lines


def _commonest(found: Score) -> list[str]:
    wrong = [(pair, count) for pair, count in found.confusion.most_common() if pair[0] != pair[1]]
    return [f"{count:,} × {label} taken for {answer}" for (label, answer), count in wrong[:10]]
