"""The gain from corrections: ``python -m benchmarks.corrections --start-from …/mnist-sprint/best.pt``.

A simulated hand writes its ones with a long upstroke, as in Europe, and networks take many of them for sevens. Ones
that the export of the run misreads are corrected through the app's store. Then the run is continued briefly with these
corrections and, for comparison, without them, and other drawings by the hand show the gain.
"""

import io
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from app.corrections import Corrections, new_correction
from inkwear.classifier import Classifier
from tests.hand import DIGITS, Stroke, in_many_hands
from training.checkpoint import load_checkpoint
from training.config import Config
from training.console import DEFAULT_DATA_DIR, DataDir
from training.publish.export import export_checkpoint
from training.recipes import EXTRA_SHARE
from training.run import fit

ONE: list[Stroke] = [[(0.1, 0.5), (0.55, 0.0), (0.55, 1.0)]]
"""A one whose upstroke is half as high as the digit."""

TEST_DRAWINGS = 100
"""Drawings of each digit to measure on, from which nothing is learnt."""


def drawings(digit: str, count: int, seed: int) -> list:
    """Return ``count`` drawings of a digit by the hand."""
    generator = np.random.default_rng((seed, int(digit)))
    usual = DIGITS[digit]
    DIGITS[digit] = ONE if digit == "1" else usual
    try:
        return [in_many_hands(digit, generator) for _ in range(count)]
    finally:
        DIGITS[digit] = usual


def correct(export: Path, folder: Path, wanted: int) -> int:
    """Correct the first ``wanted`` ones that are misread; return the number of drawings that took."""
    classifier = Classifier(export, "cpu")
    drawn = 0
    with Corrections(folder) as corrections:
        for picture in drawings("1", 20 * wanted, seed=1):
            drawn += 1
            [prediction] = classifier.predict([picture])
            if prediction.label == "1":
                continue
            content = io.BytesIO()
            picture.save(content, "PNG")
            correction = new_correction(
                classifier.metadata,
                "1",
                said=prediction.label or "",
                confidence=prediction.confidence or 0,
                model=export.stem,
                digest=classifier.digest,
                pixels=prediction.pixels,
                format="PNG",
            )
            corrections.add(correction, content.getvalue())
            if corrections.count() == wanted:
                break
    return drawn


def measure(name: str, checkpoint: Path, folder: Path, data_dir: Path) -> Path:
    """Export a checkpoint and print its accuracy on the hand and on the data set."""
    export = export_checkpoint(checkpoint, folder / name, data_dir)
    classifier = Classifier(export, "cpu")
    right = {
        digit: sum(answer.label == digit for answer in classifier.predict(drawings(digit, TEST_DRAWINGS, seed=2)))
        for digit in DIGITS
    }
    others = sum(right.values()) - right["1"]
    metrics = load_checkpoint(checkpoint).metrics
    print(
        f"{name:22} its ones {right['1']:3} of {TEST_DRAWINGS}, its sevens {right['7']:3}, other digits {others} of "
        f"{9 * TEST_DRAWINGS}, validation {metrics['validation_accuracy']:.2%}, test {metrics['test_accuracy']:.2%}",
        flush=True,
    )
    return export


def main(
    start_from: Annotated[Path, typer.Option(help="best.pt of a finished run.")],
    count: Annotated[list[int] | None, typer.Option(help="How many corrections; repeatable.")] = None,
    share: float = EXTRA_SHARE,
    epochs: float = 1,
    lr: float = 0.001,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Print a line for the run as it is, for continuing it without corrections, and for each number of corrections."""
    config = load_checkpoint(start_from).config
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export = measure("as it is", start_from, folder, data_dir)
        for wanted in (0, *(count or (5, 20))):
            extra = [folder / f"corrections-{wanted}"] if wanted else []
            label = "without corrections"
            if wanted:
                label = f"{wanted} corrections of {correct(export, extra[0], wanted)}"
            options = {"start_from": start_from, "extra_data": extra, "extra_share": share, "epochs": epochs, "lr": lr}
            run = Config.of(config["dataset"], config["model"], **options)
            fit(run, data_dir, folder / f"run-{wanted}", torch.device("cpu"))
            measure(label, folder / f"run-{wanted}" / "best.pt", folder, data_dir)


if __name__ == "__main__":
    typer.run(main)
