"""``python -m training.train_line_reader``: train the reader of whole lines, which says how touching digits are to be parted.

Lines are made as fast as they are learned from: every digit is written once with a thin pen, and its distance field
gets another pen, slant, size and neighbours each time. What the normaliser of real pictures leaves of rough paper is
imitated: ragged and broken strokes, specks. The strip is made by the code that serves it (``inkwear.numbers.line_image``).
"""

import json
import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import numpy as np
import typer

from inkwear.numbers.line_image import to_strip
from inkwear.numbers.line_reader import ROWS
from inkwear.preprocess.spec import Floats, Pixels
from inkwear.preprocess.steps import scale_to_one
from training.console import DEFAULT_DATA_DIR, DataDir, exit_codes_for_errors
from training.datasets import find_dataset, load_pixels
from training.simulator.chance import BANK, around, between, happens, noise
from training.simulator.glyphs import FAR, Hand, write
from training.simulator.habits import with_habits
from training.simulator.numbers import SIMILAR, WIDTH, join_line, joined, stroke_widths, until_touching

if TYPE_CHECKING:
    import torch

Line = tuple[Pixels, tuple[int, ...]]
"""A strip (40, W) uint8 and the classes that stand in it."""

THIN = 0.03
"""Pen of the fields that are kept, as a fraction of a digit's height."""

PART = 256
"""Lines that a process makes at a time."""

PEAK = 255
"""Of ink."""

ROUND = 2048
"""Lines among which those of like width are put together into batches."""

cli = typer.Typer(add_completion=False)


@cli.command()
def lines(
    output: Annotated[Path, typer.Option(help="The ONNX file.")] = Path("exports/lines.onnx"),
    dataset: Annotated[str, typer.Option(help="One of digits: mnist.")] = "mnist",
    count: Annotated[int, typer.Option(min=1, help="Lines to learn from.")] = 60_000,
    digits: Annotated[int, typer.Option(min=100, help="Images whose fields are kept.")] = 12_000,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 0.004,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Simulate lines of training images, train the reader on them, and export it."""
    with exit_codes_for_errors():
        if find_dataset(dataset).input.stroke is None:
            raise ValueError(f"{dataset} has no strokes that could touch; mnist has.")
        train(output, dataset, count, digits, batch_size, lr, seed, data_dir)


# ----------------------------------------------------------------------------------------------------------- simulation


@cache
def _bank(dataset: str, digits: int, seed: int, data_dir: Path) -> tuple[list[Floats], Pixels]:
    """Fields of training images written with a thin pen, ordered by stroke width: the hands of one writer are near."""
    pixels, labels = load_pixels(find_dataset(dataset), "train", data_dir)
    chosen = np.random.default_rng(seed).permutation(len(labels))[:digits]
    pixels, labels = with_habits(pixels[chosen], labels[chosen], seed), labels[chosen]
    order = np.argsort(stroke_widths(pixels), kind="stable")
    rng = np.random.default_rng([seed, 7])
    fields = [write(image, Hand(THIN, wobble=between(rng, (0, 1.2))), rng).field for image in pixels[order]]
    return [field.astype(np.float16) for field in fields], labels[order]


def make_lines(dataset: str, digits: int, seed: int, data_dir: Path, first: int, count: int) -> list[Line]:
    """Make the lines ``first`` to ``first + count``; each depends on the seed and its number alone."""
    fields, labels = _bank(dataset, digits, seed, data_dir)
    return [make_line(fields, labels, np.random.default_rng([seed, first + index])) for index in range(count)]


def make_line(fields: list[Floats], labels: Pixels, rng: np.random.Generator) -> Line:
    """Write some digits on a line, with one pen and slant, and frame it as the app does."""
    length = int(rng.choice(np.arange(1, 11), p=[0.05, 0.18, 0.18, 0.16, 0.12, 0.1, 0.08, 0.06, 0.04, 0.03]))
    window = max(1, round(SIMILAR * len(labels)))
    chosen = rng.integers(len(labels) - window + 1) + rng.integers(window, size=length)
    pen = math.exp(between(rng, (math.log(0.02), math.log(0.19))))
    spread = between(rng, (0.2, 0.45)) if happens(rng, 0.3) else 0.12
    sizes = 1 + rng.uniform(-spread, spread, length)
    if happens(rng, 0.25):
        sizes[rng.integers(length)] *= between(rng, (1.2, 1.8))
    slant, turn = around(rng, 0.4), around(rng, 5)
    written = [
        _rewritten(fields[index].astype(np.float32), pen, slant + around(rng, 0.1), turn + around(rng, 4), size, rng)
        for index, size in zip(chosen, sizes.tolist(), strict=True)
    ]
    if length == 1:
        field = written[0]
    elif happens(rng, 0.5):
        field = join_line(written, pen, rng, touching=happens(rng, 0.8)).field
    else:
        field = _joined_freely(written, pen, rng)
    return to_strip(_photographed(field, pen, rng)), tuple(int(label) for label in labels[chosen])


def _joined_freely(fields: list[Floats], pen: float, rng: np.random.Generator) -> Floats:
    """Put digits side by side as people do: gaps very different, some digits low, some beneath a neighbour's roof."""
    high = float(np.median([field.shape[0] for field in fields]))
    gap, uneven = between(rng, (0, 0.8)) * WIDTH * high, between(rng, (0, 1))
    contact, slope, wobble = between(rng, (0, 0.7)), around(rng, 0.12), between(rng, (0.02, 0.2))
    places, left = [], 0.0
    for index, field in enumerate(fields):
        if index:
            meets = until_touching(fields[index - 1], field)
            if happens(rng, contact):
                left += meets - between(rng, (0.1, 1.2)) * pen * high
            else:
                left += meets + gap * math.exp(around(rng, 1) * uneven) + between(rng, (0.5, 1.5)) * pen * high
        low = between(rng, (0, 1)) * max(0, field.shape[0] - 1.2 * high)  # a long one may hang below the line
        places.append((round(slope * left + around(rng, wobble) * high + low) - field.shape[0], round(left)))
    return joined(fields, places)


def _rewritten(field: Floats, pen: float, slant: float, turn: float, scale: float, rng: np.random.Generator) -> Floats:
    """A field with another pen, slanted, turned (degrees) and resized, cut to its ink."""
    grow = np.float32((pen - THIN) * 100 / 2)
    height, width = field.shape
    angle, wide = math.radians(turn), 1 + around(rng, 0.2)
    matrix = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = matrix @ np.array([[wide, -slant], [0, 1]])
    room = round(abs(pen) * 100 + 6)
    corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height]], float)
    low, high = corners.min(axis=1) - room, corners.max(axis=1) + room
    size = np.ceil(high - low).astype(int)
    view = np.hstack([matrix, -low[:, None]])
    field = cv2.copyMakeBorder(field, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=-FAR)
    view[:, 2] -= matrix @ np.array([1.0, 1.0])
    turned = cv2.warpAffine(field, view, tuple(size.tolist()), flags=cv2.INTER_LINEAR, borderValue=-FAR)
    inked = (turned > 0).astype(np.uint8)
    if grow > 0:  # beyond the stored field distances are not known: measured anew
        turned = np.where(turned > -1, turned, -cv2.distanceTransform(1 - inked, cv2.DIST_L2, 5)).astype(np.float32)
    turned += grow
    near = turned > -2
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if not len(rows):
        return turned
    return np.ascontiguousarray(turned[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _photographed(field: Floats, pen: float, rng: np.random.Generator) -> Floats:
    """What is found of a line in a picture: its ink, ragged and broken where the paper or the light was bad."""
    scale = between(rng, (0.22, 0.7))
    field = cv2.copyMakeBorder(field, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=-FAR)
    if happens(rng, 0.5):
        field = field + np.float32(between(rng, (0, 0.6)) * pen * 50) * _noise(field.shape, rng, between(rng, (2, 12)))
    small = cv2.resize(field, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cover = np.clip(small * scale + 0.5, 0, 1)
    if happens(rng, 0.3):
        cover = cv2.GaussianBlur(cover, (0, 0), between(rng, (0.4, 1.2)))
    if happens(rng, 0.3):
        cover = cover * (1 + between(rng, (0.05, 0.4)) * _noise(cover.shape, rng, between(rng, (1, 3))))
    if happens(rng, 0.12):
        _strew(cover, rng)
    if happens(rng, 0.2):  # the pen ran dry, or the sheet shone
        _fade(cover, rng)
    level = max(float(np.percentile(cover[cover > 0.1], 80)) if (cover > 0.1).any() else 1, 0.2)
    ink = np.clip((cover / level - 0.25) * 2, 0, 1).astype(np.float32) * np.float32(PEAK)
    if not (ink >= PEAK // 2).any():
        ink[0, 0] = PEAK
    return ink


def _noise(shape: tuple[int, ...], rng: np.random.Generator, grain: float) -> Floats:
    """Noise of any size; none on what is larger than the noise there is."""
    return noise((shape[0], shape[1]), rng, grain) if max(shape) < BANK else np.zeros(shape, np.float32)


def _fade(cover: Floats, rng: np.random.Generator) -> None:
    """Break strokes at a few places, in place."""
    y, x = np.ogrid[: cover.shape[0], : cover.shape[1]]
    for _ in range(rng.integers(1, 6)):
        squared = (y - rng.integers(cover.shape[0])) ** 2 + (x - rng.integers(cover.shape[1])) ** 2
        reach = between(rng, (0.02, 0.06)) * cover.shape[0]
        cover *= 1 - between(rng, (0.5, 1)) * np.exp(-squared / (2 * reach**2)).astype(np.float32)


def _strew(cover: Floats, rng: np.random.Generator) -> None:
    """Specks, in place."""
    for _ in range(rng.integers(1, 4)):
        centre = int(rng.integers(cover.shape[1])), int(rng.integers(cover.shape[0]))
        cv2.circle(cover, centre, int(rng.integers(0, 3)), float(between(rng, (0.4, 1))), -1)


# ------------------------------------------------------------------------------------------------------------- training


def train(
    output: Path, dataset: str, count: int, digits: int, batch_size: int, lr: float, seed: int, data_dir: Path
) -> None:
    """Train on ``count`` lines, each seen once, and export."""
    import torch

    from models.line_reader import LineReader

    torch.manual_seed(seed)
    model = LineReader(len(find_dataset(dataset).class_names))
    steps = sum(math.ceil(min(ROUND, count - first) / batch_size) for first in range(0, count, ROUND))
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps + 1, pct_start=0.15)
    started, done, recent = time.monotonic(), 0, 0.0
    for part in _rounds(dataset, count, digits, seed, data_dir):
        for batch in _batches(part, batch_size, np.random.default_rng([seed, done])):
            loss = _step(model, optimizer, batch)
            schedule.step()
            done += 1
            recent = loss if not recent else 0.98 * recent + 0.02 * loss
            if done % 50 == 0:
                typer.echo(f"{done}/{steps}  loss a digit {recent:.4f}  {time.monotonic() - started:.0f} s", err=True)
    model.eval()
    recipe = {"count": count, "digits": digits, "batch_size": batch_size, "lr": lr, "seed": seed}
    export(model, output, dataset, recipe)
    typer.echo(f"{output}  {output.stat().st_size / 1000:.0f} kB  loss a digit {recent:.4f}")


def _rounds(dataset: str, count: int, digits: int, seed: int, data_dir: Path) -> Iterator[list[Line]]:
    """Lines in rounds of ``ROUND``, made in other processes while the round before is learned from."""
    workers = max(1, len(os.sched_getaffinity(0)) - 1)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:

        def ask(first: int) -> list:
            ask_for = range(first, min(first + ROUND, count), PART)
            return [pool.submit(make_lines, dataset, digits, seed, data_dir, n, min(PART, count - n)) for n in ask_for]

        coming = ask(0)
        for first in range(0, count, ROUND):
            futures, coming = coming, ask(first + ROUND) if first + ROUND < count else []
            yield [line for future in futures for line in future.result()]


def _batches(part: list[Line], size: int, rng: np.random.Generator) -> Iterator[list[Line]]:
    """Lines of like width together, in random order."""
    by_width = sorted(part, key=lambda line: line[0].shape[1])
    batches = [by_width[first : first + size] for first in range(0, len(by_width), size)]
    for index in rng.permutation(len(batches)):
        yield batches[index]


def _step(model: "torch.nn.Module", optimizer: "torch.optim.Optimizer", batch: list[Line]) -> float:
    import torch
    from torch.nn.functional import ctc_loss

    from training.learner import multiplies_bfloat16

    images = stack([strip for strip, _ in batch])
    with torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bfloat16(torch.device("cpu"))):
        logits = model(torch.from_numpy(images).to(memory_format=torch.channels_last))
    log_probabilities = logits.float().log_softmax(dim=2).transpose(0, 1)
    lengths = torch.tensor([len(classes) for _, classes in batch])
    targets = torch.tensor([each for _, classes in batch for each in classes])
    steps = torch.full((len(batch),), log_probabilities.shape[0])
    blank = log_probabilities.shape[2] - 1
    losses = ctc_loss(log_probabilities, targets, steps, lengths, blank, reduction="none", zero_infinity=True)
    loss = losses.sum() / lengths.sum()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    return float(loss.detach())


def stack(strips: list[Pixels]) -> Floats:
    """Strips of different widths as one batch (N, 1, 40, W) from 0 to 1, empty to the right."""
    width = max(strip.shape[1] for strip in strips)
    return scale_to_one(np.stack([np.pad(strip, ((0, 0), (0, width - strip.shape[1]))) for strip in strips])[:, None])


# --------------------------------------------------------------------------------------------------------------- export


def export(model: "torch.nn.Module", output: Path, dataset: str, recipe: dict[str, float]) -> None:
    """Write the reader as ONNX with 8-bit weights.

    ``strips`` (batch, 1, 40, width) float32 -> ``logits`` (batch, steps, classes + 1) float32.
    """
    import onnx
    import torch

    from inkwear.numbers.line_reader import KIND
    from inkwear.onnx.checksums import listed_path
    from training.publish.quantize import compact_convolutions

    strips = torch.zeros(2, 1, ROWS, 200)
    program = torch.onnx.export(
        model,
        (strips,),
        input_names=["strips"],
        output_names=["logits"],
        dynamic_shapes={"strips": {0: torch.export.Dim("batch"), 3: torch.export.Dim("width", min=8, max=4096)}},
        dynamo=True,
        external_data=False,
    )
    assert program is not None
    facts = {
        "kind": KIND,
        "title": "reader of whole lines of digits",
        "dataset": dataset,
        "alphabet": "".join(find_dataset(dataset).class_names),
        "blank": len(find_dataset(dataset).class_names),
        "input": "strips of inkwear.numbers.line_image.to_strip, divided by 255",
        "recipe": recipe,
    }
    program.model.metadata_props.update({key: json.dumps(value) for key, value in facts.items()})
    with listed_path(output) as temporary:
        program.save(str(temporary), external_data=False)
        model_file = onnx.load(temporary)
        compact_convolutions(model_file)
        onnx.save(model_file, temporary)


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
