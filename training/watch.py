"""The progress of a run: a bar, a line an epoch, growing curves, and TensorBoard."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from inkwear.files import write_text
from training import charts

SECONDS_BETWEEN_CURVES = 10
"""Seconds between two drawings; each takes a third of a second, too long for networks that need one an epoch."""


class Watch:
    """Displays a run and writes ``metrics.jsonl`` and ``curves.png``; leaving the context draws the last curves.

    Args:
        title: of the bar.
        folder: of the run.
        total_images: images of the whole run.
        tensorboard: whether TensorBoard's event files are written too.
        shown: False in all processes but the first, where nothing is displayed or written.
    """

    def __init__(self, title: str, folder: Path, total_images: int, *, tensorboard: bool, shown: bool = True) -> None:
        self._shown = shown
        self._folder = folder
        self._drawn_at = time.monotonic()
        self._history: list[dict[str, float]] = []
        self._board = _board(folder) if tensorboard and shown else None
        self._bar = tqdm(
            total=total_images,
            desc=title,
            unit="img",
            unit_scale=True,
            disable=None if shown else True,  # None: no bar where there is no terminal
            dynamic_ncols=True,
        )

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()
        if self._board is not None:
            self._board.close()
        if len(self._history) > 1:  # one epoch makes no curve
            self._draw()

    def resumed(self, history: list[dict[str, float]], images: int) -> None:
        """Begin where an earlier process stopped."""
        self._bar.update(images)
        if self._shown and history:
            self._history = history
            self._write()

    def step(self, images: int) -> None:
        """Count the images of a batch."""
        self._bar.update(images)

    def epoch(self, history: list[dict[str, float]]) -> None:
        """Display and write the last epoch of ``history``."""
        if not self._shown:
            return
        self._history = history
        last = history[-1]
        self._bar.write(
            f"epoch {last['epoch']:>3}  train loss {last['train_loss']:.4f}  accuracy {last['train_accuracy']:.2%}  "
            f"validation loss {last['validation_loss']:.4f}  accuracy {last['validation_accuracy']:.2%}  "
            f"{last['images_per_second']:,.0f} images/s",
            file=sys.stderr,
        )
        self._write()
        if len(history) > 1 and time.monotonic() - self._drawn_at > SECONDS_BETWEEN_CURVES:
            self._draw()
        if self._board is not None:
            for name in ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "lr"):
                part, _, measure = name.rpartition("_")
                self._board.add_scalar(f"{measure}/{part}" if part else name, last[name], int(last["epoch"]))
            self._board.flush()

    def _write(self) -> None:
        write_text(self._folder / "metrics.jsonl", "".join(json.dumps(epoch) + "\n" for epoch in self._history))

    def _draw(self) -> None:
        charts.save(charts.curves(self._history), self._folder / "curves.png")
        self._drawn_at = time.monotonic()


def _board(folder: Path) -> Any:
    """Open TensorBoard's event file.

    Raises:
        ValueError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError(
            "--tensorboard: TensorBoard is not installed. `pip install tensorboard`, or leave it out."
        ) from error
    return SummaryWriter(folder / "tensorboard")
