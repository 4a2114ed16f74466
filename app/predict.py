"""``python -m app.predict``: files and folders of pictures -> a table with one row each, in order, whatever happens."""

import csv
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from app.console import EXPORTS, SOME_FAILED, Device, ExportsDir, hush_pillow, sentences_and_exit_codes

if TYPE_CHECKING:
    from app.classifier import Classifier

Format = Literal["csv", "jsonl"]

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
"""What is taken from a folder; a file named on the command line is tried whatever its name."""

cli = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Row:
    """One input and what became of it; ``status`` is ``ok``, ``unsure``, ``blank`` or ``error``.

    Of a number, ``label`` is the digits in a row, ``class_id`` is None and ``top_k`` empty; ``digits`` lists for each
    (label, confidence, left, top, right, bottom), in pixels of the upright picture.
    """

    path: str
    status: str
    label: str | None = None
    class_id: int | None = None
    confidence: float | None = None
    top_k: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    digits: tuple[tuple[str, float, int, int, int, int], ...] = ()


@cli.command()
def predict(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Pictures, and folders of them at any depth.")],
    model: Annotated[str, typer.Option(help="The name of an export, such as mnist-lenet.")],
    output: Annotated[str, typer.Option(help="A .csv or .jsonl file; - writes to stdout.")] = "predictions.csv",
    format: Annotated[Format | None, typer.Option(help="Instead of what the file's ending says.")] = None,
    top_k: Annotated[int, typer.Option(min=1, help="How many classes to list with their probabilities.")] = 3,
    exports: ExportsDir = EXPORTS,
    device: Annotated[Device, typer.Option(help="auto takes CUDA where it works.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output file that is there.")] = False,
) -> None:
    """Classify pictures, one row each. Exit code 1 says that some could not be read; their rows say why.

    The status unsure says that the model had better not answer: the label is the likeliest, no more.

    A picture of several digits is read as a number: its label is the digits in a row, its confidence that of the least
    certain one, and the column digits lists [label, confidence, left, top, right, bottom] for each, in pixels of the
    upright picture; class_id and top_k are empty.
    """
    hush_pillow()
    with sentences_and_exit_codes():
        from app.catalog import scan

        form = format or _format_of(output)
        classifier = scan(exports).classifier(model, device)
        inputs = list(find_inputs(paths))
        with _open_output(output, overwrite) as file:
            started = time.perf_counter()
            counts = write_rows(_with_progress(inputs), classifier, top_k, file, form)
            seconds = time.perf_counter() - started
        _summarise(counts, seconds, model, classifier, output)
    if counts["error"]:
        raise typer.Exit(SOME_FAILED)


def find_inputs(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield every input in a fixed order: paths as given, the pictures of a folder by name; links are not followed."""
    for path in paths:
        if path.is_dir():
            for folder, subfolders, names in os.walk(path):
                subfolders.sort()
                yield from (Path(folder, name) for name in sorted(names) if Path(name).suffix.lower() in SUFFIXES)
        else:
            yield path


def write_rows(
    inputs: Iterable[Path], classifier: "Classifier", top_k: int, file: TextIO, form: Format
) -> Counter[str]:
    """Write a row for each input as soon as it is known; return how many there were of each status."""
    counts: Counter[str] = Counter(ok=0, unsure=0, blank=0, error=0)
    table = csv.writer(file)
    if form == "csv":
        table.writerow(Row.__dataclass_fields__)
    for path in inputs:
        row = read(path, classifier, top_k)
        counts[row.status] += 1
        if form == "csv":
            table.writerow(_cells(row))
        else:
            file.write(json.dumps(asdict(row)) + "\n")
    return counts


def read(path: Path, classifier: "Classifier", top_k: int) -> Row:
    """Classify one file; what cannot be read becomes a row that says why."""
    from exports.images import open_image

    try:
        [prediction] = classifier.predict([open_image(path)])
    except ValueError as error:  # ImageError is one
        return Row(str(path), "error", error=str(error))
    return Row(
        path=str(path),
        status=prediction.status,
        label=prediction.label,
        class_id=prediction.class_id,
        confidence=prediction.confidence,
        top_k=tuple(prediction.top(top_k)),
        notes=tuple(map(str, prediction.notes)),
        digits=tuple((digit.label, digit.confidence, *digit.box) for digit in prediction.digits),
    )


def _cells(row: Row) -> list[object]:
    values = asdict(row)
    in_words = {"top_k": json.dumps(dict(row.top_k)), "notes": "; ".join(row.notes), "digits": json.dumps(row.digits)}
    return list((values | in_words).values())


def _format_of(output: str) -> Format:
    endings: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
    if output == "-":
        return "csv"
    if Path(output).suffix not in endings:
        raise ValueError(f"--output {output}: the ending must be {', '.join(endings)}, or name a --format.")
    return endings[Path(output).suffix]


@contextmanager
def _open_output(output: str, overwrite: bool) -> Iterator[TextIO]:
    if output == "-":
        # Names that are not UTF-8 come out as the bytes they are.
        sys.stdout.reconfigure(errors="surrogateescape", newline="")  # type: ignore[union-attr]
        yield sys.stdout
        return
    try:
        with open(output, "w" if overwrite else "x", encoding="utf-8", errors="surrogateescape", newline="") as file:
            yield file
    except FileExistsError as error:
        raise ValueError(f"--output {output} is already there: choose another name, or add --overwrite.") from error
    except OSError as error:
        raise ValueError(f"--output {output} cannot be written: {error.strerror}.") from error


def _with_progress(inputs: list[Path]) -> Iterable[Path]:
    from tqdm import tqdm

    return tqdm(inputs, unit="img", disable=None)  # no bar where there is no terminal


def _summarise(counts: Counter[str], seconds: float, model: str, classifier: "Classifier", output: str) -> None:
    runtime = classifier.runtime
    total = counts.total()
    why = f" ({runtime.obstacle})" if runtime.obstacle and runtime.obstacle.code != "not_asked" else ""
    typer.echo(
        f"{total:,} inputs: {counts['ok']:,} read, {counts['unsure']:,} unsure, {counts['blank']:,} blank, "
        f"{counts['error']:,} failed. "
        f"{total / max(seconds, 1e-9):,.0f} images/s with {model} on {runtime.device.upper()}{why}.",
        err=True,
    )
    if output != "-":
        typer.echo(f"Written to {output}", err=True)


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
