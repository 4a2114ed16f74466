"""What corrections are worth: ``python -m benchmarks.corrections --start-from …/mnist-sprint/best.pt``.

A hand of ours writes its ones with a long stroke upwards, as on the continent; networks take many for sevens. What the
export of the run misreads among the first drawings is corrected through the app's store, the run is gone on with for a
moment with these corrections and, for comparison, without; other drawings of the same hand tell what it brought.
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
from training.console import DEFAULT_DATA_DIR, DataDir
from training.publish.export import export_checkpoint
from training.recipes import EXTRA_SHARE
from training.run import Config, fit

ONE: list[Stroke] = [[(0.1, 0.5), (0.55, 0.0), (0.55, 1.0)]]
"""Its upstroke half as high as the digit."""

HELD_OUT = 100
"""Drawings of each digit that nothing was learnt from."""


def drawings(digit: str, count: int, seed: int) -> list:
    """Let the hand write a digit so many times."""
    generator = np.random.default_rng((seed, int(digit)))
    usual = DIGITS[digit]
    DIGITS[digit] = ONE if digit == "1" else usual
    try:
        return [in_many_hands(digit, generator) for _ in range(count)]
    finally:
        DIGITS[digit] = usual


def correct(export: Path, folder: Path, wanted: int) -> int:
    """Correct the first ``wanted`` ones that are misread; return how many drawings that took."""
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
    """Export a checkpoint and print how it reads the hand and the data set."""
    export = export_checkpoint(checkpoint, folder / name, data_dir)
    classifier = Classifier(export, "cpu")
    right = {
        digit: sum(answer.label == digit for answer in classifier.predict(drawings(digit, HELD_OUT, seed=2)))
        for digit in DIGITS
    }
    others = sum(right.values()) - right["1"]
    metrics = load_checkpoint(checkpoint).metrics
    print(
        f"{name:22} its ones {right['1']:3} of {HELD_OUT}, its sevens {right['7']:3}, other digits {others} of "
        f"{9 * HELD_OUT}, validation {metrics['validation_accuracy']:.2%}, test {metrics['test_accuracy']:.2%}",
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
    """Print a line for the run as it is, for going on without corrections, and for each number of corrections."""
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
