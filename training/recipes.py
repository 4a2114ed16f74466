"""How a network learns: the tutorials' ways, ours, ours in a hurry, and ours for real pictures."""

from dataclasses import dataclass, replace
from typing import Any, Literal

RecipeName = Literal["ours", "tutorial", "quick", "real"]

EXTRA_SHARE = 0.1
"""The share of an epoch's images that corrections make up, where nothing else is asked for."""


TEACHING, TEACHING_TEMPERATURE = 0.9, 2.0
"""How a teacher is listened to, where there is one and the recipe says nothing of it."""


@dataclass(frozen=True)
class Recipe:
    """All that decides how a network learns, but for the seed.

    Attributes:
        epochs: passes over the 55,000 training images; the last may be a part of one.
        lr: the learning rate; with ``one_cycle`` its peak.
        batch_size: images a step.
        optimizer: of ``torch.optim``.
        momentum: of SGD.
        nesterov: whether SGD looks ahead along its momentum (Sutskever et al., 2013, section 2).
        weight_decay: decoupled with AdamW, part of the gradient with SGD.
        one_cycle: whether the rate rises to ``lr`` and falls to nothing, or stays.
        augment: whether images are moved at random, as far as their data set allows.
        label_smoothing: the share of the target that is spread over all classes.
        averaging: how far back the weights' moving average looks, in epochs; 0 takes the weights as they are.
        patience: the share of the run after which it ends early, when that long no epoch came near the best one's
            validation accuracy; 0 never ends early.
        bfloat16: whether matrices are multiplied in bfloat16 (``torch.autocast``); pays where they are large.
        small_images: the share of the epochs, from the first, that a network which enlarges its images spends at half
            their size (progressive resizing: Tan and Le, "EfficientNetV2", 2021, section 4).
        outliers: whether images of no class may be among those to train on, and shall be answered with none.
        shading: the share of the images whose light and dark are changed at random, as far as the data set allows.
        strong: whether augmentation goes on to bend images, change their strokes, erase parts and keep some sharp, as
            far as the data set allows; for networks that learn long.
        strength: how far of the data set's limits images are changed, from 0 to 1; less of it at the end lets a small
            network learn images as they are.
        mixing: the share of the images that get a part of another one, and answer for both in proportion.
        teaching: what a teacher's answers count in the loss, from 0 to 1; the labels count the rest.
        teaching_temperature: what logits of teacher and pupil are divided by first (Hinton, Vinyals, Dean, "Distilling
            the knowledge in a neural network", 2015, section 2).
    """

    epochs: float
    lr: float
    batch_size: int
    optimizer: Literal["sgd", "adam", "adamw"]
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    one_cycle: bool = False
    augment: bool = False
    label_smoothing: float = 0.0
    averaging: float = 0.0
    patience: float = 0.0
    bfloat16: bool = False
    small_images: float = 0.0
    shading: float = 0.0
    outliers: bool = False
    strong: bool = False
    strength: float = 1.0
    mixing: float = 0.0
    teaching: float = 0.0
    teaching_temperature: float = 1.0


OURS = Recipe(
    epochs=30,
    lr=0.005,
    batch_size=128,
    optimizer="adamw",
    weight_decay=0.01,
    one_cycle=True,  # Smith and Topin, "Super-convergence", 2018
    augment=True,
    label_smoothing=0.1,  # Szegedy et al., "Rethinking the Inception architecture", 2016, section 7
    averaging=0.5,  # Polyak and Juditsky, 1992; here an exponential average, as in EfficientNet's training
    patience=0.3,
)
"""Good for every network; ``OURS_FOR`` says in what a network departs from it, and why."""

LONG = replace(
    OURS,
    epochs=60,
    lr=0.2,
    optimizer="sgd",
    momentum=0.9,
    nesterov=True,
    weight_decay=0.0005,
    patience=0.0,
    bfloat16=True,
    outliers=True,
    strong=True,
)
"""For networks that shall be as accurate as they can be: docs/accuracy-log.md tells what else was tried."""

OURS_FOR = {
    # Sigmoids hand on a quarter of a gradient at most; after 20 epochs validation stood at 91.3 % with 0.015, 92.1 with
    # 0.03.
    "lenet": replace(OURS, lr=0.03),
    # At 0.005 it fell apart on Fashion-MNIST in mid-run (loss 20, then 10 % right); on MNIST both rates do as well.
    "inception": replace(OURS, lr=0.0025),
    # Made for real pictures, of which --also gives it as many again.
    "sturdy": replace(OURS, epochs=12, lr=0.004, shading=1.0, outliers=True),
    # Made to be as accurate as a CPU's patience allows. SGD with a high peak and a long fall, as residual networks are
    # trained for their records; nothing ends early, as most is gained while the rate falls.
    "inkwear_l": LONG,
    "inkwear_s": replace(LONG, teaching=TEACHING, teaching_temperature=TEACHING_TEMPERATURE),
    # Eight layers without normalisation bear no higher rate; the rest is for time: 47 million weights, 224×224 pixels.
    "alexnet": replace(OURS, epochs=10, lr=0.0005, bfloat16=True, small_images=0.8),
}

TUTORIAL = {
    # "Dive into Deep Learning": lenet, alexnet.
    "lenet": Recipe(epochs=10, lr=0.9, batch_size=256, optimizer="sgd"),
    "alexnet": Recipe(epochs=10, lr=0.01, batch_size=128, optimizer="sgd"),
    # The PyTorch tutorials for beginners: convnet.
    "convnet": Recipe(epochs=5, lr=0.001, batch_size=100, optimizer="adam"),
    # The video courses: the others. They name no rate for the perceptrons; 0.1 is the book's.
    "mlp": Recipe(epochs=10, lr=0.1, batch_size=200, optimizer="sgd"),
    "mlp_small": Recipe(epochs=10, lr=0.1, batch_size=200, optimizer="sgd"),
    "inception": Recipe(epochs=10, lr=0.01, batch_size=64, optimizer="sgd", momentum=0.5),
    "resnet": Recipe(epochs=10, lr=0.01, batch_size=64, optimizer="sgd", momentum=0.5),
}
"""As the tutorials train them: no augmentation, a rate that stays, the weights as they are."""


QUICK_FOR: dict[str, dict[str, Any]] = {"sprint": {"lr": 0.03, "batch_size": 192}, "lenet_relu": {"lr": 0.01}}
"""What a network wants in a single epoch; found on the validation images."""


def quick(model: str) -> Recipe:
    """Return our recipe in one epoch: nothing is seen twice, so help against learning by heart is no help."""
    ours = OURS_FOR.get(model, OURS)
    return replace(
        ours, epochs=1, augment=False, strong=False, averaging=0.0, small_images=0.0, **QUICK_FOR.get(model, {})
    )


def real(model: str) -> Recipe:
    """Return our recipe for what is trained among images of real pictures: some with other light, some of no class."""
    ours = OURS_FOR.get(model, OURS)
    return replace(ours, shading=max(ours.shading, 0.5), outliers=True)


def find_recipe(name: RecipeName, model: str, **changes: int | float | None) -> Recipe:
    """Return the recipe ``name`` for network ``model``, with the ``changes`` that are not None.

    Raises:
        ValueError: there is no tutorial's recipe for this network.
    """
    if name == "ours":
        recipe = OURS_FOR.get(model, OURS)
    elif name == "quick":
        recipe = quick(model)
    elif name == "real":
        recipe = real(model)
    elif model in TUTORIAL:
        recipe = TUTORIAL[model]
    else:
        raise ValueError(
            f"{model!r} is in no tutorial: there are recipes for {', '.join(TUTORIAL)}. "
            "Use --recipe ours, quick or real."
        )
    return replace(recipe, **{field: value for field, value in changes.items() if value is not None})  # type: ignore[arg-type]
