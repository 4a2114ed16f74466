"""Training and exporting the line reader, from simulated lines (``training.simulator.lines``)."""

import json
import math
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn.functional import ctc_loss

from inkwear.numbers.line_reader import KIND, ROWS
from inkwear.onnx.checksums import listed_path
from inkwear.preprocess.spec import Floats, Pixels
from inkwear.preprocess.steps import scale_to_one
from models.line_reader import LineReader
from training.datasets import find_dataset
from training.learner import multiplies_bfloat16
from training.publish.quantize import compact_convolutions
from training.simulator.lines import Line, make_lines
from training.workers import process_pool

PART = 256
"""Lines that a process makes at a time."""

ROUND = 2048
"""Lines that are sorted by width before they are put together into batches."""


@dataclass(frozen=True)
class LineRecipe:
    """All that decides the weights of a line reader but its data set.

    Attributes:
        count: lines to learn from, each seen once.
        digits: images whose distance fields are kept.
        batch_size: lines a step.
        lr: the highest learning rate.
        seed: of the lines and the weights.
    """

    count: int = 60_000
    digits: int = 12_000
    batch_size: int = 32
    lr: float = 0.004
    seed: int = 0


def train_line_reader(dataset: str, recipe: LineRecipe, data_dir: Path) -> tuple[LineReader, float]:
    """Train a line reader and return it, in evaluation mode, with its recent loss a digit.

    Args:
        dataset: name of a data set of digits.
        recipe: decides the weights.
        data_dir: torchvision's folder of data sets.
    """
    torch.manual_seed(recipe.seed)
    model = LineReader(len(find_dataset(dataset).class_names))
    rounds = range(0, recipe.count, ROUND)
    steps = sum(math.ceil(min(ROUND, recipe.count - first) / recipe.batch_size) for first in rounds)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.lr, total_steps=steps + 1, pct_start=0.15)
    started, done, recent = time.monotonic(), 0, 0.0
    for lines in _rounds(dataset, recipe, data_dir):
        for batch in _batches(lines, recipe.batch_size, np.random.default_rng([recipe.seed, done])):
            loss = _step(model, optimizer, batch)
            schedule.step()
            done += 1
            recent = loss if not recent else 0.98 * recent + 0.02 * loss
            if done % 50 == 0:
                seconds = time.monotonic() - started
                print(f"{done}/{steps}  loss a digit {recent:.4f}  {seconds:.0f} s", file=sys.stderr)
    return model.eval(), recent


def _rounds(dataset: str, recipe: LineRecipe, data_dir: Path) -> Iterator[list[Line]]:
    """Yield lines in rounds, which other processes make while the round before is learnt from."""
    make = partial(make_lines, dataset, recipe.digits, recipe.seed, data_dir)
    with process_pool(spare=1) as pool:

        def submit(first: int) -> list[Future[list[Line]]]:
            starts = range(first, min(first + ROUND, recipe.count), PART)
            return [pool.submit(make, start, min(PART, recipe.count - start)) for start in starts]

        coming = submit(0)
        for first in range(0, recipe.count, ROUND):
            futures, coming = coming, submit(first + ROUND)
            yield [line for future in futures for line in future.result()]


def _batches(lines: list[Line], size: int, rng: np.random.Generator) -> Iterator[list[Line]]:
    """Yield batches of lines of similar width, in random order."""
    by_width = sorted(lines, key=lambda line: line[0].shape[1])
    batches = [by_width[first : first + size] for first in range(0, len(by_width), size)]
    for index in rng.permutation(len(batches)):
        yield batches[index]


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, batch: list[Line]) -> float:
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
    nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    return float(loss.detach())


def stack(strips: list[Pixels]) -> Floats:
    """Put line images of different widths into one batch (N, 1, 40, W) from 0 to 1, empty to the right."""
    width = max(strip.shape[1] for strip in strips)
    return scale_to_one(np.stack([np.pad(strip, ((0, 0), (0, width - strip.shape[1]))) for strip in strips])[:, None])


def export_line_reader(model: nn.Module, output: Path, dataset: str, recipe: LineRecipe) -> None:
    """Write a line reader as ONNX with 8-bit weights.

    ``strips`` (batch, 1, 40, width) float32 -> ``logits`` (batch, steps, classes + 1) float32.

    Args:
        model: in evaluation mode.
        output: the file.
        dataset: name of the data set it learnt.
        recipe: how it learnt.
    """
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
    assert program is not None  # with dynamo=True a program is returned, or an error raised
    class_names = find_dataset(dataset).class_names
    facts = {
        "kind": KIND,
        "title": "reader of whole lines of digits",
        "dataset": dataset,
        "alphabet": "".join(class_names),
        "blank": len(class_names),
        "input": "strips of inkwear.numbers.line_image.to_strip, divided by 255",
        "recipe": asdict(recipe),
    }
    program.model.metadata_props.update({key: json.dumps(value) for key, value in facts.items()})
    with listed_path(output) as temporary:
        program.save(str(temporary), external_data=False)
        model_file = onnx.load(temporary)
        compact_convolutions(model_file)
        onnx.save(model_file, temporary)
