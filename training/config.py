"""The options of a training run, which decide its weights and name its folder."""

import sys
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from training.corrections_data import CorrectedImages, load_corrections
from training.datasets import VALIDATION_SIZE, find_dataset
from training.extra_images import describe_extra_images
from training.learner import multiplies_bfloat16
from training.pretrained import describe_source
from training.recipes import DISTILLATION, DISTILLATION_TEMPERATURE, EXTRA_SHARE, Recipe, RecipeName, find_recipe


@dataclass(frozen=True)
class Config:
    """All that decides the weights of a run.

    Attributes:
        dataset: name of the data set.
        model: name of the network.
        recipe: name of the recipe.
        learning: the recipe itself, with changes.
        seed: of weights, order and augmentation.
        extra_images: files of more training images (``training.extra_images``).
        start_from: checkpoint or export with the first weights; None begins with fresh ones.
        extra_data: folders or ZIPs of corrections (``training.corrections_data``).
        extra_share: share of an epoch's images that are corrections.
        teacher: checkpoint or export of another network, whose answers count beside the labels.
        validation_size: training images that are held out to choose by.
    """

    dataset: str
    model: str
    recipe: RecipeName
    learning: Recipe
    seed: int = 0
    extra_images: tuple[Path, ...] = ()
    start_from: Path | None = None
    extra_data: tuple[Path, ...] = ()
    extra_share: float = EXTRA_SHARE
    teacher: Path | None = None
    validation_size: int = VALIDATION_SIZE

    @classmethod
    def of(cls, dataset: str, model: str, recipe: RecipeName = "default", **options: Any) -> "Config":
        """Return the config of a recipe by name.

        Trained weights need no small images at first, so a run with ``start_from`` has none. A recipe that states
        nothing about teachers gets the usual numbers where there is one.

        Args:
            dataset: name of the data set.
            model: name of the network.
            recipe: name of the recipe.
            options: further fields of ``Config``, and those of ``Recipe`` that differ; None changes nothing.
        """
        own = {name: options.pop(name) for name in {field.name for field in fields(cls)} & set(options)}
        own |= {name: tuple(own[name]) for name in ("extra_images", "extra_data") if name in own}
        learning = find_recipe(recipe, model, **options, small_images=0.0 if own.get("start_from") else None)
        if own.get("teacher") and not learning.distillation:
            learning = replace(learning, distillation=DISTILLATION, distillation_temperature=DISTILLATION_TEMPERATURE)
        return cls(dataset, model, recipe, learning, **own)

    def on(self, device: torch.device) -> "Config":
        """Return the config without what ``device`` cannot do, and report the difference on stderr."""
        if not self.learning.bfloat16 or multiplies_bfloat16(device):
            return self
        print("This CPU has no instructions for bfloat16, so the run is in float32.", file=sys.stderr)
        return replace(self, learning=replace(self.learning, bfloat16=False))

    @property
    def name(self) -> str:
        """Name of the run's folder: data set, network, and whatever differs from the default."""
        differences = {
            self.recipe: self.recipe != "default",
            "taught": self.teacher,
            "tuned": self.start_from,
            "corrected": self.extra_data,
            f"held{self.validation_size}": self.validation_size != VALIDATION_SIZE,
            f"seed{self.seed}": self.seed,
        }
        return "-".join([self.dataset, self.model, *(word for word, differs in differences.items() if differs)])

    @cached_property
    def corrections(self) -> CorrectedImages | None:
        """The corrections, read once, so that a recipe names those that were learnt."""
        return load_corrections(self.extra_data, find_dataset(self.dataset)) if self.extra_data else None

    def to_dict(self) -> dict[str, str | float]:
        """Return all options that matter in one dict, with those of the recipe."""
        options: dict[str, str | float] = {"dataset": self.dataset, "model": self.model, "recipe": self.recipe}
        options["seed"] = self.seed
        if self.validation_size != VALIDATION_SIZE:
            options["validation_size"] = self.validation_size
        for name, path in (("start_from", self.start_from), ("teacher", self.teacher)):
            if path:
                options[name] = describe_source(path)
        if self.extra_images:
            options["extra_images"] = ", ".join(map(describe_extra_images, self.extra_images))
        if self.corrections:
            options |= {"extra_data": str(self.corrections), "extra_share": self.extra_share}
        return options | asdict(self.learning)
