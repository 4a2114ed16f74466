"""``python -m training.publish.readme``: README.md beside the exports, made from what they say of themselves."""

import inspect
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from jinja2 import Environment, StrictUndefined

from inkwear.files import write_text
from inkwear.onnx.metadata import ModelMetadata
from inkwear.preprocess.garment import LIGHT_GARMENT
from inkwear.report import Report
from training.console import exit_codes_for_errors
from training.publish.exports import Export, read_exports
from training.recipes import current_arguments, current_config

TEMPLATE = Path(__file__).with_name("readme.jinja")
SNIPPETS = Path(__file__).parents[2] / "exports" / "snippets"

OPTIMIZERS = {"adamw": "AdamW", "adam": "Adam", "sgd": "SGD"}

MAX_VALUE_LENGTH = 160
"""Characters of a metadata value that are shown of a file that is no classifier."""

cli = typer.Typer(add_completion=False)


@cli.command()
def readme(
    exports: Annotated[Path, typer.Option(help="The folder of .onnx files.")] = Path("exports"),
    output: Annotated[Path | None, typer.Option(help="Instead of README.md in that folder.")] = None,
) -> None:
    """Describe every exported file: what it is, how to feed and read it, its numbers, programs to begin with."""
    logging.basicConfig(format="%(message)s")
    target = output or exports / "README.md"
    with exit_codes_for_errors():
        text = make_readme(exports)
        try:
            write_text(target, text)
        except OSError as error:
            raise ValueError(f"{target} cannot be written ({error.strerror}).") from error
    typer.echo(str(target))


def make_readme(folder: Path) -> str:
    """Return the text, which depends on the files alone.

    Raises:
        ValueError: there are no exports, or one cannot be read.
    """
    exports = read_exports(folder)
    cards = [Card(export, export.metadata) for export in exports if export.metadata]
    if not cards:
        raise ValueError(f"{folder} holds no classifier of Inkwear; `python -m training.export` writes them.")
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        **{"percent": percent, "count": count, "millions": in_millions, "size": in_bytes, "number": number},
        "current": lambda command: " ".join(current_arguments(command.split())),
    }
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        sets=list(_by_set(cards)),
        metadata_keys=_metadata_keys(),
        snippets={path.name: path.read_text(encoding="utf-8").rstrip() for path in sorted(SNIPPETS.iterdir())},
        light_garment=LIGHT_GARMENT,
        example=min(cards, key=lambda card: (card.export.bytes, card.export.name)).export.name,
        others=[(export, _shown(export.values())) for export in exports if not export.metadata],
    )


# ------------------------------------------------------------------------------------------------------------ a file


@dataclass(frozen=True)
class Confusion:
    """The most frequent mistake: ``times`` of the ``images`` of class ``label`` were read as another class."""

    label: str
    read_as: str
    times: int
    images: int


@dataclass(frozen=True)
class Card:
    """The file of a classifier, and figures derived from its report."""

    export: Export
    metadata: ModelMetadata

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
        """The class with the lowest recall, and that recall."""
        if not self.export.report or not self.export.report.confusion:
            return None
        rows = enumerate(self.export.report.confusion)
        recall, name = min((row[index] / max(sum(row), 1), self.metadata.class_names[index]) for index, row in rows)
        return name, recall

    @property
    def training(self) -> str:
        return describe_training(self.metadata.recipe)

    @property
    def versions(self) -> str:
        versions = self.metadata.recipe.get("versions", {})
        return ", ".join(f"{name} {value}" for name, value in versions.items() if name != "device")

    @property
    def needs_onnx_runtime(self) -> list[str]:
        """The operators that ONNX itself does not define."""
        return [operator for operator in self.export.operators if "." in operator]


def most_confused(report: Report, class_names: Sequence[str]) -> Confusion | None:
    """Return the most frequent mistake; None where there is none."""
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
    """Return one line about how a network learnt, by the stored ``recipe``; the command tells the rest."""
    recipe = current_config(recipe)
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
        f"all but {told['validation_size']:,} of the training images learnt from" if "validation_size" in told else "",
        f"a part of another image put into {told['cutmix']:.0%} of them" if "cutmix" in told else "",
        f"begun with {told['start_from']}" if "start_from" in told else "",
        f"taught by {told['teacher']}" if "teacher" in told else "",
        f"and on {told['extra_images']} (name and digest of files of images)" if "extra_images" in told else "",
        f"seed {recipe['seed']}" if "seed" in recipe else "",
        f"epoch {told['best_epoch']} kept" if "best_epoch" in told else "",
        f"weights then stored with fewer bits: {told['weights']}" if "weights" in told else "",
        told.get("license", ""),
    ]
    return ", ".join(filter(None, more))


# -------------------------------------------------------------------------------------------------------- a data set


@dataclass(frozen=True)
class Set:
    """The files for one data set, whose facts are told once."""

    title: str
    cards: list[Card]

    @property
    def about(self) -> ModelMetadata:
        return self.cards[0].metadata


def _by_set(cards: Sequence[Card]) -> Iterator[Set]:
    def facts(card: Card) -> tuple[str, str]:
        told = card.metadata
        title = f"{told.title}, whole photographs" if told.input.whole else told.title
        return title, repr((told.dataset, told.class_names, told.input))

    for (title, _), together in groupby(sorted(cards, key=facts), key=facts):
        yield Set(title, sorted(together, key=lambda card: (card.macs or 0, card.export.name)))


# ------------------------------------------------------------------------------------------------------------- words


def percent(share: float | None, digits: int = 2) -> str:
    """Write a share as 99.52 %, or a dash."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def count(number: float | None) -> str:
    """Write a count as 61,706, or a dash."""
    return "–" if number is None else f"{number:,.0f}"


def in_millions(number: float | None) -> str:
    """Write a count as 0.42 M, or a dash."""
    return "–" if number is None else f"{number / 1e6:.2f} M"


def number(value: float | None) -> str:
    """Write a number with four significant digits, or a dash."""
    return "–" if value is None else f"{value:.4g}"


def in_bytes(size: int) -> str:
    """Write the size of a file as 252 kB."""
    return f"{size / 1000:,.0f} kB"


def _metadata_keys() -> list[str]:
    """Return what the docstring of ``ModelMetadata`` says of its fields, a line each."""
    doc = inspect.getdoc(ModelMetadata) or ""
    attributes = doc.partition("Attributes:\n")[2].replace("\n        ", " ")
    return [" ".join(line.split()) for line in attributes.splitlines()]


def _shown(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return metadata as text, long values cut short."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }
    return [
        (name, " ".join(text[:MAX_VALUE_LENGTH].split()) + " …" * (len(text) > MAX_VALUE_LENGTH))
        for name, text in texts.items()
    ]


if __name__ == "__main__":
    cli()
