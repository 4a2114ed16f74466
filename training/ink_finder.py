"""Training and exporting the finder of ink, from simulated pictures (``training.simulator.scenes``)."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from inkwear.files import atomic_path
from inkwear.preprocess.finder import KIND, STRIDE, standardized
from inkwear.preprocess.normalize import scale_to_one
from inkwear.preprocess.spec import Floats, Pixels
from models.ink_finder import InkFinder
from training.datasets import Part
from training.simulated import Task, train_on_simulated
from training.simulated_recipe import SimulatedRecipe
from training.simulator.chance import between, happens
from training.simulator.characters import load_characters
from training.simulator.scenes import page_scene

SIDE = 176
"""Height and width of the pieces of pictures that are learnt from, in pixels."""

INKED = 0.25
"""Cover from which a pixel is ink: a thin stroke covers no pixel whole."""

EDGE, EDGE_WEIGHT = (0.08, 0.6), 0.3
"""Cover of pixels at the edge of ink, and how much these count: the finder says where ink is, the picture how dark."""

VALIDATION_SEED, VALIDATION_PICTURES = 7_000_002, 384
"""Seed and number of the pictures that progress is measured on, written with validation images."""

Picture = tuple[Pixels, Pixels]
"""A gray picture (H, W) and the cover of its pixels by ink, from 0 to 255, both uint8."""


def train_ink_finder(dataset: str, recipe: SimulatedRecipe, data_dir: Path, checkpoint: Path) -> InkFinder:
    """Train a finder of ink and return it, in evaluation mode.

    Args:
        dataset: name of a data set of digits.
        recipe: decides the weights.
        data_dir: torchvision's folder of data sets.
        checkpoint: a file that is written after each round, and gone on from if it is there.
    """
    torch.manual_seed(recipe.seed)
    model = InkFinder().to(memory_format=torch.channels_last)
    make = partial(make_pictures, dataset, recipe.digits, recipe.seed, data_dir, "train")
    validation = make_pictures(dataset, 2_000, VALIDATION_SEED, data_dir, "validation", 0, VALIDATION_PICTURES)
    task = Task(make, partial(_batches, recipe.batch_size), _loss, partial(_describe, validation))
    train_on_simulated(model, recipe, task, checkpoint)
    return model


def make_pictures(
    dataset: str, digits: int, seed: int, data_dir: Path, part: Part, first: int, count: int
) -> list[Picture]:
    """Make the pictures from number ``first`` on, each from the seed and its number alone.

    Args:
        dataset: name of a data set of ten digits.
        digits: images whose fields are kept.
        seed: decides everything.
        data_dir: torchvision's folder of data sets.
        part: of the data set.
        first: number of the first picture.
        count: of pictures.
    """
    cv2.setNumThreads(1)
    characters = load_characters(dataset, digits, seed, data_dir, part)
    pictures = []
    for index in range(first, first + count):
        rng = np.random.default_rng([seed, index])
        scene = page_scene(characters, rng, (SIDE, 1.6 * SIDE))
        pictures.append(_piece(scene.gray, scene.ink, rng))
    return pictures


def _piece(gray: Pixels, ink: Floats, rng: np.random.Generator) -> Picture:
    """Cut a square out of a picture, or reduce the whole to one."""
    rows, columns = gray.shape
    if happens(rng, 0.4):
        scale = SIDE / min(rows, columns) * between(rng, (1.0, 1.15))
        size = max(SIDE, round(columns * scale)), max(SIDE, round(rows * scale))
        gray, ink = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (gray, ink))
        rows, columns = gray.shape
    top, left = int(rng.integers(rows - SIDE + 1)), int(rng.integers(columns - SIDE + 1))
    box = np.s_[top : top + SIDE, left : left + SIDE]
    return np.ascontiguousarray(gray[box]), np.rint(ink[box] * 255).astype(np.uint8)


def _batches(size: int, pictures: list[Picture], _: np.random.Generator) -> Iterator[list[Picture]]:
    """Yield batches in the order of the pictures, which is random enough."""
    for first in range(0, len(pictures), size):
        yield pictures[first : first + size]


def _loss(model: nn.Module, pictures: list[Picture]) -> Tensor:
    """Return the mean of cross entropy and of 1 - Dice (Milletari et al., "V-Net", 2016, section 3)."""
    cover = torch.from_numpy(scale_to_one(np.stack([ink for _, ink in pictures])[:, None]))
    images = torch.from_numpy(np.stack([standardized(gray) for gray, _ in pictures])[:, None])
    logits = model(images.to(memory_format=torch.channels_last)).float()
    target = (cover > INKED).float()
    weight = torch.where((cover > EDGE[0]) & (cover < EDGE[1]), EDGE_WEIGHT, 1.0)
    entropy = binary_cross_entropy_with_logits(logits, target, weight)
    found = logits.sigmoid() * weight
    overlap = 2 * (found * target).sum() + 1
    return entropy + 0.3 * (1 - overlap / (found.sum() + (target * weight).sum() + 1))


def _describe(pictures: list[Picture], model: nn.Module) -> str:
    """Measure recall and precision of sure ink: cover of at least a half, and none at all."""
    hits = found = inked = 0
    for gray, ink in pictures:
        logits = model(torch.from_numpy(standardized(gray))[None, None])[0, 0].numpy()
        sure, none = ink >= 128, ink == 0
        hits += int(np.count_nonzero((logits > 0) & sure))
        inked += int(np.count_nonzero(sure))
        found += int(np.count_nonzero((logits > 0) & none))
    return f"recall {hits / inked:.4f}  precision {hits / max(hits + found, 1):.4f}"


def export_ink_finder(model: nn.Module, output: Path, dataset: str, recipe: SimulatedRecipe) -> None:
    """Write a finder as ONNX: ``pictures`` (batch, 1, height, width) -> ``logits`` of the same shape, float32.

    Args:
        model: in evaluation mode.
        output: the file.
        dataset: name of the data set it learnt.
        recipe: how it learnt.
    """
    sides = {name: STRIDE * torch.export.Dim(name, min=1, max=256) for name in ("rows", "columns")}
    program = torch.onnx.export(
        model,
        (torch.zeros(2, 1, 128, 160),),
        input_names=["pictures"],
        output_names=["logits"],
        dynamic_shapes={"pictures": {0: torch.export.Dim("batch"), 2: sides["rows"], 3: sides["columns"]}},
        dynamo=True,
        external_data=False,
    )
    assert program is not None  # with dynamo=True a program is returned, or an error raised
    facts = {
        "kind": KIND,
        "title": "finder of ink",
        "dataset": dataset,
        "input": "gray pictures, standardized by inkwear.preprocess.finder, whose sides are multiples of 16",
        "recipe": asdict(recipe),
    }
    program.model.metadata_props.update({key: json.dumps(value) for key, value in facts.items()})
    with atomic_path(output) as temporary:
        program.save(str(temporary), external_data=False)
        onnx.checker.check_model(str(temporary))
