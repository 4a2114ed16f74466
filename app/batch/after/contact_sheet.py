"""A contact sheet: the least certain answers of a table with their pictures, as one page that needs nothing else."""

import heapq
import html
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from app.batch.after.labels import Labels
from app.batch.after.score import Score
from app.batch.inputs.item import Failure, Item
from app.batch.output.formats import as_bytes
from app.batch.output.row import Row
from inkwear.images.decode import ImageError, open_image
from inkwear.images.thumbnail import thumbnail

MOST = 200
"""Pictures on a sheet, if nobody asks for more or fewer."""

SIDE = 176
"""Longest side of a picture on it, in pixels."""

TINY = 64
"""Pictures up to this side are enlarged pixel by pixel."""

TOP, DIGITS = 3, 6
"""Classes of one thing, and digits of a number, that are listed."""


class SheetError(ValueError):
    """The sheet cannot be written; the message names it and says what to do."""


@dataclass(frozen=True)
class Shown:
    """A row that is shown.

    Attributes:
        index: which of the inputs it is, from 0.
        label: what it really is, where that is known.
    """

    index: int
    row: Row
    label: str | None = None

    @property
    def is_wrong(self) -> bool:
        return self.label is not None and self.label != self.row.label

    def rank(self) -> tuple[bool, bool, float, int]:
        """Wrong ones first, then unsure ones, then the least confident."""
        return not self.is_wrong, self.row.status == "ok", self.row.confidence or 0, self.index


@dataclass(frozen=True)
class Picture:
    """A WebP in base64, and whether it has so few pixels that one should see each."""

    webp: str
    is_tiny: bool


def check_sheet(path: str, overwrite: bool) -> None:
    """Say before a long run that its sheet could not be written.

    Raises:
        SheetError: another ending than .html, there already, or no such folder.
    """
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise SheetError(f"--sheet {path}: the ending must be .html.")
    if os.path.lexists(path) and not (overwrite and os.path.isfile(path)):
        raise SheetError(f"--sheet {path} is already there: choose another name, or add --overwrite.")
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise SheetError(f"--sheet {path} cannot be written: there is no such folder.")


def least_confident(rows: Iterable[Row], labels: Labels | None = None, most: int = MOST) -> list[Shown]:
    """Choose what to show, in one pass and with no more than that in memory; failures have no picture to show."""
    return heapq.nsmallest(most, _candidates(rows, labels), Shown.rank)


def _candidates(rows: Iterable[Row], labels: Labels | None) -> Iterator[Shown]:
    for index, row in enumerate(rows):
        text = labels.of(row.path) if labels else None
        shown = Shown(index, row, labels.meant(text) if labels and text else None)
        if row.confidence is not None or (row.status == "blank" and shown.is_wrong):
            yield shown


def save_sheet(
    path: str, chosen: Sequence[Shown], inputs: Iterable[Item], about: str, total: int, score: Score | None = None
) -> None:
    """Read the chosen pictures again and write the page, all of it or none.

    Args:
        path: of the page.
        chosen: what to show, in this order.
        inputs: all of the run's, in their order.
        about: the table, the model and its device, in a line.
        total: how many rows the table has.
        score: how right the table is, where that is known.

    Raises:
        SheetError: it cannot be written.
    """
    pictures = _pictures(chosen, inputs)
    unnamed = f"{path}.partial"
    try:
        with open(unnamed, "w", encoding="utf-8") as file:
            file.writelines(_page(chosen, pictures, about, total, score))
        os.replace(unnamed, path)
    except OSError as error:
        raise SheetError(f"--sheet {path} cannot be written: {error.strerror}. The table is complete.") from error
    finally:
        with suppress(FileNotFoundError):
            os.unlink(unnamed)


def _pictures(chosen: Sequence[Shown], inputs: Iterable[Item]) -> dict[int, Picture]:
    """Return index -> picture; what can no longer be read is left out."""
    wanted = {shown.index: shown.row.path for shown in chosen}
    found: dict[int, Picture] = {}
    last = max(wanted, default=-1)
    for index, item in enumerate(inputs if wanted else ()):
        if item.path == wanted.get(index):
            with suppress(ImageError, ValueError):
                image = _opened(item)
                found[index] = Picture(thumbnail(image, SIDE), max(image.size) <= TINY)
        if index == last:
            break
    return found


def _opened(item: Item) -> Image.Image:
    if item.source is None:
        return open_image(item.path)
    if isinstance(item.source, Failure):
        raise ImageError(item.source.sentence)
    return open_image(item.source, item.path) if isinstance(item.source, bytes) else Image.fromarray(item.source)


# ----------------------------------------------------------------------------------------------------------- the page


def _page(
    chosen: Sequence[Shown], pictures: dict[int, Picture], about: str, total: int, score: Score | None
) -> Iterator[str]:
    wrong, unsure = sum(shown.is_wrong for shown in chosen), sum(shown.row.status == "unsure" for shown in chosen)
    known = [f"{wrong:,} of them wrong"] if score else []
    counts = ", ".join([f"{len(chosen):,} of {total:,} answers", *known, f"{unsure:,} unsure"])
    yield HEAD
    yield "<header><h1>The least certain answers</h1>"
    yield f"<p>{_text(counts)}</p><p class=about>{_text(about)}</p></header>\n"
    if score and score.labelled:
        yield _score(score)
    yield "<main>\n" if chosen else "<p class=none>No answer to show.</p>\n<main>\n"
    for shown in chosen:
        yield _card(shown, pictures.get(shown.index))
    yield "</main>\n</body>\n</html>\n"


def _card(shown: Shown, picture: Picture | None) -> str:
    row = shown.row
    kind = "wrong" if shown.is_wrong else row.status
    badge = f"labelled {_text(shown.label or '')}" if shown.is_wrong else {"unsure": "unsure"}.get(row.status, "")
    parts = [
        f'<article class="{kind}"><div class=picture>{_image(picture)}{f"<b>{badge}</b>" if badge else ""}</div>\n',
        f"<div class=answer><h2>{_text(row.label or 'blank')}</h2><span>{_percent(row.confidence)}</span></div>\n",
        _bars(row),
        f"<p class=notes>{_text('; '.join(row.notes))}</p>\n" if row.notes else "",
        f"<p class=path>{_path(row.path)}</p></article>\n",
    ]
    return "".join(parts)


def _image(picture: Picture | None) -> str:
    if picture is None:
        return "the picture is no longer there"
    kind = " class=tiny" if picture.is_tiny else ""
    return f'<img{kind} alt="" src="data:image/webp;base64,{picture.webp}">'


def _bars(row: Row) -> str:
    """The likeliest classes, or the least certain digits of a number as it reads, each with its share as a bar."""
    weak = sorted(digit[1] for digit in row.digits)[:DIGITS]
    pairs = [(digit[0], digit[1]) for digit in row.digits if digit[1] <= weak[-1]][:DIGITS] or list(row.top_k[:TOP])
    if not pairs:
        return ""
    lines = (
        f'<li><i style="--p:{100 * share:.1f}%"></i><span>{_text(name)}</span><span>{_percent(share)}</span></li>'
        for name, share in pairs
    )
    return f"<ol>{''.join(lines)}</ol>\n"


def _score(score: Score) -> str:
    labels, answers, counts = score.matrix()
    figures = [
        ("accuracy", _percent(score.accuracy)),
        ("coverage", _percent(score.coverage)),
        ("with the unsure ones", _percent(score.accuracy_with_unsure)),
        ("labelled", f"{score.labelled:,}"),
    ]
    boxes = "".join(f"<div><dd>{value}</dd><dt>{name}</dt></div>" for name, value in figures)
    heads = "".join(f"<th scope=col>{_text(name)}</th>" for name in answers)
    most = max((count for label, line in zip(labels, counts, strict=True) for count in _beside(label, answers, line)))
    lines = "".join(
        f"<tr><th scope=row>{_text(label)}</th>{''.join(_cells(label, answers, line, most))}</tr>\n"
        for label, line in zip(labels, counts, strict=True)
    )
    return (
        f"<section><dl>{boxes}</dl>\n<details><summary>What was taken for what</summary><div class=wide><table>"
        f"<tr><td>label ↓ &nbsp; answer →</td>{heads}</tr>\n{lines}</table></div></details></section>\n"
    )


def _beside(label: str, answers: Sequence[str], line: Sequence[int]) -> Iterator[int]:
    """The counts beside the diagonal, by which the colours go."""
    yield 1
    yield from (count for answer, count in zip(answers, line, strict=True) if answer != label)


def _cells(label: str, answers: Sequence[str], line: Sequence[int], most: int) -> Iterator[str]:
    for answer, count in zip(answers, line, strict=True):
        kind = "right" if answer == label else "off"
        share = 1 if answer == label else count / most
        yield f'<td class={kind} style="--s:{100 * share:.0f}%">{count:,}</td>' if count else "<td>·</td>"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _text(text: str) -> str:
    """Text as it may stand anywhere in a page: what cannot be seen is written out, what is markup is not."""
    visible = (char if char.isprintable() else _written_out(char) for char in text)
    return html.escape("".join(visible))


def _written_out(char: str) -> str:
    """A character that cannot be seen, or that would turn the others around, or a byte that is not UTF-8."""
    data = as_bytes(char)
    return data.decode("utf-8", "backslashreplace") if len(data) == 1 and data > b"\x7f" else ascii(char)[1:-1]


def _path(path: str) -> str:
    """A path that may break after its slashes, with its last part first to the eye."""
    folder, slash, name = path.rpartition("/")
    return f"{_text(folder).replace('/', '/<wbr>')}{slash}<wbr><b>{_text(name)}</b>"


HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Inkwear: the least certain answers</title>
<style>
:root { --paper: #f6f4ef; --card: #fff; --ink: #1d1c1a; --soft: #6a665f; --line: #e3dfd6; --mat: #eeebe4;
  --bar: #d9e4f5; --ok: #3c6db4; --unsure: #a05a00; --unsure-mat: #fdf0dc; --wrong: #b3261e; --wrong-mat: #fce8e6 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #161615; --card: #1f1f1d; --ink: #eceae5; --soft: #a5a199; --line: #34332f; --mat: #2a2926;
    --bar: #2b3a52; --ok: #8fb4ea; --unsure: #f0b35e; --unsure-mat: #3a2d18; --wrong: #ff9a91; --wrong-mat: #44211e }
}
* { box-sizing: border-box; margin: 0 }
body { background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif;
  max-width: 1500px; margin: 0 auto; padding: 2.2rem 1.4rem 4rem }
h1 { font-size: 1.7rem; font-weight: 650; letter-spacing: -.015em }
header p { font-size: 1.05rem; margin-top: .2rem }
header .about { color: var(--soft); font-size: .9rem; overflow-wrap: anywhere }
section { margin-top: 1.4rem }
dl { display: flex; flex-wrap: wrap; gap: .8rem 2.4rem }
dl div { display: flex; flex-direction: column-reverse }
dd { font-size: 1.45rem; font-weight: 600; font-variant-numeric: tabular-nums }
dt { color: var(--soft); font-size: .85rem }
details { margin-top: 1rem }
summary { cursor: pointer; color: var(--ok); width: fit-content }
.wide { overflow-x: auto; margin-top: .7rem }
table { border-collapse: separate; border-spacing: 2px; font-size: .85rem; font-variant-numeric: tabular-nums }
th { font-weight: 500; text-align: right; padding: .15rem .5rem; white-space: nowrap }
td { text-align: right; padding: .25rem .55rem; border-radius: 4px; color: var(--soft); min-width: 2.6rem }
td.right { background: var(--bar); color: var(--ink) }
td.off { background: color-mix(in srgb, var(--wrong-mat) var(--s), transparent); color: var(--ink) }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 1rem; margin-top: 1.8rem }
article { background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden;
  display: flex; flex-direction: column }
article > :not(.picture) { margin: 0 .85rem }
.picture { background: var(--mat); height: 11rem; display: flex; align-items: center; justify-content: center;
  color: var(--soft); font-size: .85rem; padding: .7rem; position: relative }
.picture img { width: 100%; height: 100%; object-fit: contain }
.picture img.tiny { image-rendering: pixelated }
.picture b { position: absolute; inset: auto auto .5rem .5rem; max-width: calc(100% - 1rem); overflow-wrap: anywhere;
  font-size: .76rem; font-weight: 600; padding: .1rem .55rem; border-radius: 99px;
  background: var(--unsure-mat); color: var(--unsure); box-shadow: 0 0 0 1px var(--mat) }
.wrong .picture b { background: var(--wrong-mat); color: var(--wrong) }
.answer { display: flex; align-items: baseline; justify-content: space-between; gap: .6rem; padding: .6rem 0 .3rem }
h2 { font-size: 1.15rem; font-weight: 650; line-height: 1.25; overflow-wrap: anywhere }
.answer span { color: var(--soft); white-space: nowrap; font-variant-numeric: tabular-nums; padding-right: .4rem }
ol { list-style: none; padding: 0; font-size: .82rem; font-variant-numeric: tabular-nums }
li { position: relative; display: flex; justify-content: space-between; gap: .6rem; padding: .06rem .4rem;
  margin-bottom: 2px }
li i { position: absolute; inset: 0 auto 0 0; width: var(--p); min-width: 2px; background: var(--bar);
  border-radius: 4px }
li span { position: relative; overflow-wrap: anywhere }
.notes { color: var(--soft); font-size: .78rem; padding-top: .45rem }
.path { font: .74rem/1.4 ui-monospace, monospace; color: var(--soft); overflow-wrap: anywhere;
  padding: .5rem 0 .8rem; margin-top: auto !important; unicode-bidi: plaintext }
.path b { color: var(--ink); font-weight: 500 }
.none { margin-top: 1.8rem; color: var(--soft) }
@media print { body { background: none; max-width: none } article { break-inside: avoid } }
</style>
</head>
<body>
"""
