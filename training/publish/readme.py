"""``python -m training.publish.readme``: README.md beside the exports, made from what they say of themselves."""

import ast
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from inkwear.onnx.metadata import ModelMetadata
    from inkwear.report import Report
    from training.publish.shelf import Export

HERE = Path(__file__).parent
TEMPLATE = HERE / "readme.jinja"
SNIPPETS = HERE / "snippets"

OPTIMIZERS = {"adamw": "AdamW", "adam": "Adam", "sgd": "SGD"}

LONGEST_VALUE = 160
"""Characters of a foreign file's metadata value that are shown."""

cli = typer.Typer(add_completion=False)


@cli.command()
def readme(
    exports: Annotated[Path, typer.Option(help="The folder of .onnx files.")] = Path("exports"),
    output: Annotated[Path | None, typer.Option(help="Instead of README.md in that folder.")] = None,
) -> None:
    """Describe every exported file: what it is, how to feed and read it, its numbers, programs to begin with."""
    logging.basicConfig(format="%(message)s")
    from training.publish.shelf import ShelfError

    target = output or exports / "README.md"
    try:
        _replace(target, make_readme(exports))
    except ShelfError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from error
    except OSError as error:
        typer.echo(f"Error: {target} cannot be written ({error.strerror}).", err=True)
        raise typer.Exit(2) from error
    typer.echo(str(target))


def make_readme(folder: Path) -> str:
    """Return the text, the same for the same files.

    Raises:
        ShelfError: there are no exports, or one cannot be read.
    """
    from jinja2 import Environment, StrictUndefined

    from inkwear.preprocess.garment import LIGHT_GARMENT
    from training.publish.shelf import ShelfError, read_shelf

    shelf = read_shelf(folder)
    cards = [Card(export, export.metadata) for export in shelf if export.metadata]
    if not cards:
        raise ShelfError(f"{folder} holds no classifier of ours; `python -m training.export` writes them.")
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        **{"percent": percent, "count": count, "millions": in_millions, "size": in_bytes, "number": number}
    }
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        sets=list(_by_set(cards)),
        metadata_keys=_documented(),
        snippets={path.name: path.read_text(encoding="utf-8").rstrip() for path in sorted(SNIPPETS.iterdir())},
        modules=modules_of(SNIPPETS / "any_photo.py"),
        light_garment=LIGHT_GARMENT,
        example=min(cards, key=lambda card: (card.export.bytes, card.export.name)).export.name,
        strangers=[(export, _shown(export.values())) for export in shelf if not export.metadata],
    )


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old text or the new, never half of either."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".readme-") as beside:
        new = Path(beside) / path.name
        new.write_text(text, encoding="utf-8")
        new.replace(path)


# ------------------------------------------------------------------------------------------------------------ a file


@dataclass(frozen=True)
class Confusion:
    """Which class was read as which other most often, and how many of its test images there are."""

    label: str
    read_as: str
    times: int
    images: int


@dataclass(frozen=True)
class Card:
    """A classifier's file, with what its numbers come to."""

    export: "Export"
    metadata: "ModelMetadata"

    @property
    def macs(self) -> int | None:
        report = self.export.report
        return sum(layer.macs for layer in report.layers) if report and report.layers else None

    @property
    def confidence(self) -> Mapping[str, float]:
        return self.export.report.confidence if self.export.report else {}

    @property
    def confused(self) -> Confusion | None:
        """The most frequent mistake on the test set."""
        report = self.export.report
        return most_confused(report, self.metadata.class_names) if report and report.confusion else None

    @property
    def weakest(self) -> tuple[str, float] | None:
        """The class that is found least often, and how often it is."""
        if not self.export.report or not self.export.report.confusion:
            return None
        rows = enumerate(self.export.report.confusion)
        found = [(row[index] / max(sum(row), 1), self.metadata.class_names[index]) for index, row in rows]
        share, name = min(found)
        return name, share

    @property
    def training(self) -> str:
        return describe_training(self.metadata.recipe)

    @property
    def versions(self) -> str:
        versions = self.metadata.recipe.get("versions", {})
        return ", ".join(f"{name} {value}" for name, value in versions.items() if name != "device")

    @property
    def needs_onnx_runtime(self) -> list[str]:
        """Operators that are not ONNX's own."""
        return [operator for operator in self.export.graph.operators if "." in operator]


def most_confused(report: "Report", class_names: Sequence[str]) -> Confusion | None:
    """Find the most frequent mistake; None where there is none."""
    mistakes = [
        (times, -row, -column)
        for row, line in enumerate(report.confusion)
        for column, times in enumerate(line)
        if row != column and times
    ]
    if not mistakes:
        return None
    times, row, column = max(mistakes)
    return Confusion(class_names[-row], class_names[-column], times, sum(report.confusion[-row]))


def describe_training(recipe: Mapping[str, Any]) -> str:
    """Say in one line how a network learnt; what a recipe does not tell is left out, and the command tells all."""
    told = {name: value for name, value in recipe.items() if value}
    epochs = told.get("epochs")
    first = [
        f"{number(epochs)} epoch{'s' if epochs != 1 else ''}" if epochs else "",
        f"of {OPTIMIZERS.get(told['optimizer'], told['optimizer'])}" if "optimizer" in told else "",
        f"in batches of {told['batch_size']}" if "batch_size" in told else "",
    ]
    cycle = "one cycle of the learning rate up to" if "one_cycle" in told else "learning rate"
    less = "" if recipe.get("strength", 1) == 1 else f", {percent(recipe['strength'], 0)} as far as usual"
    more = [
        " ".join(filter(None, first)),
        f"{cycle} {number(told['lr'])}" if "lr" in told else "",
        f"weight decay {number(told['weight_decay'])}" if "weight_decay" in told else "",
        f"label smoothing {number(told['label_smoothing'])}" if "label_smoothing" in told else "",
        f"images moved at random{less}" if "augment" in told else "",
        f"all but {told['held_out']:,} of the training images learnt from" if "held_out" in told else "",
        f"a part of another image put into {told['mixing']:.0%} of them" if "mixing" in told else "",
        f"begun with {told['start_from']}" if "start_from" in told else "",
        f"taught by {told['teacher']}" if "teacher" in told else "",
        f"and on {told['also']} (name and digest of files of images)" if "also" in told else "",
        f"seed {recipe['seed']}" if "seed" in recipe else "",
        f"epoch {told['best_epoch']} kept" if "best_epoch" in told else "",
        f"weights then stored with fewer bits: {told['weights']}" if "weights" in told else "",
    ]
    return ", ".join(filter(None, more))


# -------------------------------------------------------------------------------------------------------- a data set


@dataclass(frozen=True)
class Set:
    """The files that read the same pictures: their facts are told once."""

    title: str
    cards: list[Card]

    @property
    def about(self) -> "ModelMetadata":
        return self.cards[0].metadata


def _by_set(cards: Sequence[Card]) -> Iterator[Set]:
    def facts(card: Card) -> tuple[str, str]:
        told = card.metadata
        return told.title, repr((told.dataset, told.class_names, told.input))

    for (title, _), together in groupby(sorted(cards, key=facts), key=facts):
        yield Set(title, sorted(together, key=lambda card: (card.macs or 0, card.export.name)))


# ---------------------------------------------------------------------------------------------------------- and words


def percent(share: float | None, digits: int = 2) -> str:
    """A share as 99.52 %, or a dash."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def count(number: float | None) -> str:
    """A count as 61,706, or a dash."""
    return "–" if number is None else f"{number:,.0f}"


def in_millions(number: float | None) -> str:
    """A count as 0.42 M, or a dash."""
    return "–" if number is None else f"{number / 1e6:.2f} M"


def number(value: float | None) -> str:
    """A number as short as four digits tell it, or a dash."""
    return "–" if value is None else f"{value:.4g}"


def in_bytes(size: int) -> str:
    """A file's size as 252 kB."""
    return f"{size / 1000:,.0f} kB"


def _documented() -> list[str]:
    """What the docstring of ``ModelMetadata`` says of its fields, a line each."""
    import inspect

    from inkwear.onnx.metadata import ModelMetadata

    doc = inspect.getdoc(ModelMetadata) or ""
    return [
        " ".join(line.split()) for line in doc.partition("Attributes:\n")[2].replace("\n        ", " ").splitlines()
    ]


def _shown(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    import json

    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }
    return [
        (name, " ".join(text.split()) if len(text) <= LONGEST_VALUE else f"{' '.join(text[:LONGEST_VALUE].split())} …")
        for name, text in texts.items()
    ]


def modules_of(program: Path) -> list[str]:
    """The files of ``exports`` that a program imports, directly or through others, by name."""
    todo, found = [program], set[str]()
    while todo:
        new = {file for file in _imported(todo.pop()) if file not in found and (HERE / file).exists()}
        found |= new
        todo += [HERE / file for file in new]
    return ["__init__.py", *sorted(found)]


def _imported(program: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(program.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "exports":
            yield from (f"{alias.name}.py" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("exports."):
            yield f"{(node.module or '').partition('.')[2]}.py"


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
