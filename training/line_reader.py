"""Training and exporting the line reader, from simulated lines (``training.simulator.lines``)."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn.functional import ctc_loss

from inkwear.numbers.line_reader import KIND, ROWS
from inkwear.onnx.checksums import listed_path
from inkwear.preprocess.spec import Floats, Pixels
from inkwear.preprocess.steps import scale_to_one
from models.line_reader import LineReader
from training.datasets import find_dataset
from training.publish.quantize import halve_convolutions
from training.simulated import Task, train_on_simulated
from training.simulated_recipe import SimulatedRecipe
from training.simulator.lines import Line, alphabet, make_lines

VALIDATION_SEED, VALIDATION_LINES = 7_000_001, 512
"""Seed and number of the lines that progress is measured on, written with validation images."""


def train_line_reader(
    dataset: str, recipe: SimulatedRecipe, data_dir: Path, checkpoint: Path
) -> tuple[LineReader, float]:
    """Train a line reader and return it, in evaluation mode, with its recent loss a character.

    Args:
        dataset: name of a data set of digits.
        recipe: decides the weights.
        data_dir: torchvision's folder of data sets.
        checkpoint: a file that is written after each round, and gone on from if it is there.
    """
    torch.manual_seed(recipe.seed)
    model = LineReader(len(alphabet(find_dataset(dataset).class_names))).to(memory_format=torch.channels_last)
    make = partial(make_lines, dataset, recipe.digits, recipe.seed, data_dir, "train")
    validation = make_lines(dataset, 2_000, VALIDATION_SEED, data_dir, "validation", 0, VALIDATION_LINES)
    task = Task(make, partial(_batches, recipe.batch_size), _loss, partial(_describe, validation))
    return model, train_on_simulated(model, recipe, task, checkpoint)


def _describe(lines: list[Line], model: nn.Module) -> str:
    """Measure the share of lines of which the likeliest class of each step spells the whole text."""
    right = 0
    for strip, classes in lines:
        logits = model(torch.from_numpy(stack([strip])))[0]
        best = logits.argmax(dim=1).tolist()
        spelled = [each for each, last in zip(best, [None, *best], strict=False) if each != last]
        right += tuple(each for each in spelled if each < logits.shape[1] - 1) == classes
    return f"lines read {right / len(lines):.3f}"


def _batches(size: int, lines: list[Line], rng: np.random.Generator) -> Iterator[list[Line]]:
    """Yield batches of lines of similar width, in random order."""
    by_width = sorted(lines, key=lambda line: line[0].shape[1])
    batches = [by_width[first : first + size] for first in range(0, len(by_width), size)]
    for index in rng.permutation(len(batches)):
        yield batches[index]


def _loss(model: nn.Module, batch: list[Line]) -> Tensor:
    images = torch.from_numpy(stack([strip for strip, _ in batch]))
    logits = model(images.to(memory_format=torch.channels_last))
    log_probabilities = logits.float().log_softmax(dim=2).transpose(0, 1)
    lengths = torch.tensor([len(classes) for _, classes in batch])
    targets = torch.tensor([each for _, classes in batch for each in classes])
    steps = torch.full((len(batch),), log_probabilities.shape[0])
    blank = log_probabilities.shape[2] - 1
    losses = ctc_loss(log_probabilities, targets, steps, lengths, blank, reduction="none", zero_infinity=True)
    return losses.sum() / lengths.sum()


def stack(strips: list[Pixels]) -> Floats:
    """Put line images of different widths into one batch (N, 1, 40, W) from 0 to 1, empty to the right."""
    width = max(max(strip.shape[1] for strip in strips), 8)
    return scale_to_one(np.stack([np.pad(strip, ((0, 0), (0, width - strip.shape[1]))) for strip in strips])[:, None])


def export_line_reader(model: nn.Module, output: Path, dataset: str, recipe: SimulatedRecipe) -> None:
    """Write a line reader as ONNX, its weights in 16 bits.

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
        "title": "reader of whole lines of digits and signs",
        "dataset": dataset,
        "alphabet": "".join(class_names),
        "signs": alphabet(class_names)[len(class_names) :],
        "input": "strips of inkwear.numbers.line_image.to_strip, divided by 255",
        "recipe": asdict(recipe),
    }
    program.model.metadata_props.update({key: json.dumps(value) for key, value in facts.items()})
    with listed_path(output) as temporary:
        program.save(str(temporary), external_data=False)
        model_file = onnx.load(temporary)
        halve_convolutions(model_file)
        onnx.checker.check_model(model_file)
        onnx.save(model_file, temporary)
