"""What the tests of the table share: inputs that need no network, and runs that can be cut off.

As a program, ``python -m tests.app.batch.tables OUTPUT FORM FOLDER SECONDS [--resume]`` makes a table of a folder's
files, a moment for each chunk, so that a test can kill it in between.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from app.batch.inputs.input import Failure, Input, fingerprint_of
from app.batch.output.fingerprint import RunFingerprint
from app.batch.output.formats import Format, encode
from app.batch.output.row import Row
from app.batch.output.table import Table, open_table
from app.batch.run.reader import Answered

CHUNK = 4

ASKED = RunFingerprint.of("mnist-lenet", "ab" * 32, ["pictures"], top_k=3, format="csv")


def row_of(item: Input) -> Row:
    """An answer that hangs on the input's content: a digit, a blank, a doubt, or an error."""
    try:
        number = sum(Path(item.path).read_bytes())
    except OSError:
        return Row.failed(item.path, Failure("missing", f"{item.path}: cannot be read; was it moved?"))
    if number % 11 == 0:
        return Row(item.path, "blank", notes=("nothing stands out from the background",))
    label, sure = str(number % 10), 0.5 + (number % 1000) / 2001
    top = ((label, sure), (str((number + 1) % 10), 1 - sure))
    return Row(item.path, "ok" if sure > 0.6 else "unsure", label, label, number % 10, sure, top, ("a note", "another"))


def items_in(folder: Path) -> Iterator[Input]:
    """The files of a folder, each stamped with the listing, as ``app.batch.inputs.arguments`` does."""
    names = sorted(path.name for path in folder.iterdir())
    listing = "\n".join(names).encode("utf-8", "surrogateescape")
    yield from (Input(f"{folder}/{name}", listing_digest=listing) for name in names)


def in_chunks(items: Iterator[Input]) -> Iterator[list[Input]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def answer(items: Sequence[Input], form: Format) -> Answered:
    fingerprint = fingerprint_of(items)
    rows = [row_of(item) for item in items]
    return Answered(encode(rows, form), Counter(row.status for row in rows), fingerprint)


def fill(table: Table, folder: Path, form: Format, seconds: float = 0, stop_after: int | None = None) -> None:
    """Answer what remains; a run that is to stop does so before the end, and completes nothing."""
    for number, chunk in enumerate(table.remaining(in_chunks(items_in(folder)))):
        if number == stop_after:
            return
        table.add(answer(chunk, form))
        time.sleep(seconds)
    table.complete()


def run(output: Path, folder: Path, form: Format, asked: RunFingerprint = ASKED, **how: bool) -> None:
    with open_table(str(output), form, fingerprint=asked, **how) as table:
        fill(table, folder, form)


def cut_off(output: Path, folder: Path, form: Format, after: int = 3) -> None:
    """A run that ends after some chunks."""
    with open_table(str(output), form, fingerprint=ASKED) as table:
        fill(table, folder, form, stop_after=after)


def write_inputs(folder: Path, count: int = 30) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.bin").write_bytes(bytes([number * 7 % 256, number * 13 % 256, 200]))
    return folder


def main() -> None:
    output, form, folder, seconds, *rest = sys.argv[1:]
    with open_table(output, form, resume="--resume" in rest, fingerprint=ASKED) as table:  # type: ignore[arg-type]
        fill(table, Path(folder), form, float(seconds))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
