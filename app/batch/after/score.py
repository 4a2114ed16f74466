"""How right a finished table is, compared with known labels: accuracy, coverage, and a confusion matrix."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.batch.after.labels import Labels
from app.batch.output.row import Row

SEVERAL = "several digits"
"""The class of any number in the confusion matrix; the score compares numbers as they are written."""

NONE = "no answer"
"""The answer for a blank picture, or for one that could not be read."""

MAX_CLASSES = 30
"""Classes up to which the matrix fits a terminal; with more, the commonest confusions are listed."""

EXAMPLES = 5
"""Names that are shown of any number."""


@dataclass
class Examples:
    """A count of names, and the first of them."""

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
    """The comparison of a table with its labels.

    Attributes:
        class_names: the model's.
        rows: all rows of the table.
        statuses: status -> labelled rows.
        right: status -> labelled rows whose answer is the label.
        confusion: (label, answer) -> rows, where either may be ``SEVERAL`` and the answer ``NONE``.
        numbers: labelled rows with several digits: ``all``, and ``right`` for those that were read exactly.
        unlabelled: rows without a label.
        unknown: rows whose label is no class, with the label.
        unused: labels whose picture is not in the table.
    """

    class_names: Sequence[str]
    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)
    unlabelled: Examples = field(default_factory=Examples)
    unknown: Examples = field(default_factory=Examples)
    unused: Examples = field(default_factory=Examples)

    @property
    def labelled(self) -> int:
        return self.statuses.total()

    @property
    def accuracy(self) -> float | None:
        """The share of right ones among the answers of status ok; None where there are none."""
        return self.right["ok"] / self.statuses["ok"] if self.statuses["ok"] else None

    @property
    def coverage(self) -> float | None:
        """The share of labelled rows with an answer of status ok."""
        return self.statuses["ok"] / self.labelled if self.labelled else None

    @property
    def accuracy_with_unsure(self) -> float | None:
        """The share of right ones among the answers of status ok or unsure."""
        answered = self.statuses["ok"] + self.statuses["unsure"]
        return (self.right["ok"] + self.right["unsure"]) / answered if answered else None

    @property
    def largest_error(self) -> int:
        """How many rows the commonest confusion has."""
        return max((count for (label, answer), count in self.confusion.items() if label != answer), default=0)

    def matrix(self) -> tuple[list[str], list[str], list[list[int]]]:
        """Return labels, answers, and how many rows each pair has: [label][answer]."""
        labels = [*self.class_names, *([SEVERAL] if any(label == SEVERAL for label, _ in self.confusion) else [])]
        extra = [name for name in (SEVERAL, NONE) if any(answer == name for _, answer in self.confusion)]
        answers = [*self.class_names, *extra]
        return labels, answers, [[self.confusion[label, answer] for answer in answers] for label in labels]


def score(rows: Iterable[Row], labels: Labels) -> Score:
    """Compare a table with its labels, in one pass.

    Raises:
        LabelsError: a label may be meant for more than one row.
    """
    result = Score(labels.class_names)
    for row in rows:
        result.rows += 1
        text = labels.of(row.path)
        if text is None:
            result.unlabelled.add(row.path)
            continue
        label = labels.meant(text)
        if label is None:
            result.unknown.add(f"{row.path}: {text}")
            continue
        result.statuses[row.status] += 1
        result.right[row.status] += row.label == label
        if label not in labels.class_names:
            result.numbers["all"] += 1
            result.numbers["right"] += row.label == label
        result.confusion[_column(label, labels), _column(row.label, labels)] += 1
    for name in labels.unused():
        result.unused.add(name)
    return result


def _column(label: str | None, labels: Labels) -> str:
    """Return the line or column of the matrix for a label or an answer."""
    if label is None:
        return NONE
    return label if label in labels.class_names else SEVERAL


# ----------------------------------------------------------------------------------------------------------- in words


def in_words(score: Score) -> str:
    """Return the score for people, in lines that fit a terminal."""
    lines = [f"{score.labelled:,} of {score.rows:,} rows have a known label."]
    if score.labelled:
        lines += _figures(score)
    for examples, what in (
        (score.unlabelled, "Without a label"),
        (score.unknown, f"With a label that is no class of the model ({_shortened(score.class_names)})"),
        (score.unused, "Labels whose picture is not in the table"),
    ):
        if examples.count:
            lines.append(f"{what}: {examples}")
    if score.labelled:
        lines += ["", *(_matrix(score) if len(score.class_names) <= MAX_CLASSES else _commonest(score))]
    return "\n".join(lines)


def _figures(score: Score) -> list[str]:
    ok, unsure = score.statuses["ok"], score.statuses["unsure"]
    lines = [f"Accuracy {_percent(score.accuracy)} of the {ok:,} answered; coverage {_percent(score.coverage)}."]
    if unsure:
        lines.append(f"With the {unsure:,} unsure ones {_percent(score.accuracy_with_unsure)}.")
    if score.numbers["all"]:
        lines.append(f"Of {score.numbers['all']:,} with several digits {score.numbers['right']:,} were read exactly.")
    if score.statuses["blank"] or score.statuses["error"]:
        lines.append(f"No answer: {score.statuses['blank']:,} blank, {score.statuses['error']:,} failed.")
    return lines


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= MAX_CLASSES else f"{', '.join(names[:5])}, … {names[-1]}"


def _matrix(score: Score) -> list[str]:
    """Return one line a label, one column an answer; the columns are headed by class ids where names are long."""
    labels, answers, counts = score.matrix()
    short = all(len(name) <= 3 for name in score.class_names)
    heads = [name if short or name in (SEVERAL, NONE) else str(index) for index, name in enumerate(answers)]
    names = [name if short or name == SEVERAL else f"{index} {name}" for index, name in enumerate(labels)]
    cells = [[f"{count:,}" if count else "·" for count in line] for line in counts]
    widths = [max(map(len, column)) + 2 for column in zip(heads, *cells, strict=True)]
    corner = "label ↓  answer →"
    left = max(map(len, [corner, *names]))
    return [
        name.ljust(left) + "".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for name, line in zip([corner, *names], [heads, *cells], strict=True)
    ]


def _commonest(score: Score) -> list[str]:
    wrong = [(pair, count) for pair, count in score.confusion.most_common() if pair[0] != pair[1]]
    return [f"{count:,} × {label} taken for {answer}" for (label, answer), count in wrong[:10]]
