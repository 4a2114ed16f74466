"""The table of ``benchmarks.number_peers``, in Markdown: a row for each kind of pictures."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.number_peers.answers import Answer

OURS = ("kind", "pictures", "right, %", "wrong with `ok`, %", "`unsure`, %", "no answer, %", "ms", "ms, p90")
"""Headings of Inkwear's columns; milliseconds are medians."""

OF_A_PEER = ("right, %", "ms", "ms, p90")
"""Headings of a peer's columns; it has no status, and so nothing that is wrong with ``ok``."""


def head(peers: Iterable[str]) -> str:
    """Return the first two lines of the table, with columns for each peer."""
    headings = [*OURS, *(f"{peer}: {heading}" for peer in peers for heading in OF_A_PEER)]
    return f"{line(headings)}\n{line(['---', *['---:'] * (len(headings) - 1)])}"


def row(kind: str, ours: Sequence[Answer], peers: Mapping[str, Sequence[Answer]]) -> str:
    """Return the row of a kind.

    Args:
        kind: its name.
        ours: Inkwear's answers, at least one.
        peers: the answers of each peer.
    """
    cells = [
        *(kind, f"{len(ours):,}", right(ours)),
        percent(answer.is_surely_wrong for answer in ours),
        percent(answer.status == "unsure" for answer in ours),
        percent(answer.status in ("blank", "error") for answer in ours),
        *times(ours),
    ]
    return line(cells + [cell for answers in peers.values() for cell in (right(answers), *times(answers))])


def line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def right(answers: Iterable[Answer]) -> str:
    return percent(answer.is_right for answer in answers)


def percent(cases: Iterable[bool]) -> str:
    """Return the share of true cases, such as 97.5."""
    return f"{100 * statistics.mean(map(float, cases)):.1f}"


def times(answers: Iterable[Answer]) -> tuple[str, str]:
    """Return the median and the 90th percentile of the milliseconds, which is the longest time but a tenth."""
    ordered = sorted(answer.milliseconds for answer in answers)
    return f"{statistics.median(ordered):.1f}", f"{ordered[int(0.9 * (len(ordered) - 1))]:.1f}"
