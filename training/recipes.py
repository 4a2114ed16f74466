"""How a network learns: by the default recipe, a tutorial's, in one quick epoch, or among real pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

RecipeName = Literal["default", "tutorial", "quick", "real"]

EXTRA_SHARE = 0.1
"""Default share of an epoch's images that are corrections."""

DISTILLATION, DISTILLATION_TEMPERATURE = 0.9, 2.0
"""Weight of a teacher's answers and temperature, for a recipe that states none."""


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
        augment: whether images are moved at random, within the limits of their data set.
        label_smoothing: the share of the target that is spread over all classes.
        ema_epochs: epochs over which the weights are averaged, exponentially; 0 takes the weights as they are.
        patience: the share of the run after which it ends early if no epoch in that time came within a standard error
            of the best validation accuracy; 0 never ends early.
        bfloat16: whether matrices are multiplied in bfloat16 (``torch.autocast``); pays where they are large.
        small_images: the share of the epochs, from the first, that a network which enlarges its images spends at half
            their size (progressive resizing: Tan and Le, "EfficientNetV2", 2021, section 4).
        outliers: whether some training images belong to no class, and the network learns to answer them with none.
        shading: the share of the images whose light and dark are changed at random, within the data set's limits.
        strong: whether images are also bent, their strokes changed, parts erased and some kept sharp, within the
            data set's limits; for networks that learn long.
        strength: factor from 0 to 1 on the data set's limits; less of it at the end lets a small network learn images
            as they are.
        cutmix: the share of the images that get a part of another one, and both labels in proportion.
        distillation: the weight of a teacher's answers in the loss, from 0 to 1; the labels have the rest.
        distillation_temperature: what the logits of teacher and student are divided by first (Hinton, Vinyals, Dean,
            "Distilling the knowledge in a neural network", 2015, section 2).
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
    ema_epochs: float = 0.0
    patience: float = 0.0
    bfloat16: bool = False
    small_images: float = 0.0
    shading: float = 0.0
    outliers: bool = False
    strong: bool = False
    strength: float = 1.0
    cutmix: float = 0.0
    distillation: float = 0.0
    distillation_temperature: float = 1.0


DEFAULT = Recipe(
    epochs=30,
    lr=0.005,
    batch_size=128,
    optimizer="adamw",
    weight_decay=0.01,
    one_cycle=True,  # Smith and Topin, "Super-convergence", 2018
    augment=True,
    label_smoothing=0.1,  # Szegedy et al., "Rethinking the Inception architecture", 2016, section 7
    ema_epochs=0.5,  # Polyak and Juditsky, 1992; here an exponential average, as in EfficientNet's training
    patience=0.3,
)
"""The recipe of every network that has none of its own in ``DEFAULT_FOR``."""

LONG = replace(
    DEFAULT,
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
"""The recipe of networks made to be as accurate as possible; docs/accuracy-log.md tells what else was tried."""

DEFAULT_FOR = {
    # A sigmoid passes on at most a quarter of a gradient; after 20 epochs validation stood at 91.3 % with 0.015, 92.1 %
    # with 0.03.
    "lenet": replace(DEFAULT, lr=0.03),
    # At 0.005 it diverged on Fashion-MNIST in mid-run (loss 20, then 10 % right); on MNIST both rates do as well.
    "inception": replace(DEFAULT, lr=0.0025),
    # Made for real pictures; --extra-images adds as many of them as the data set has.
    "sturdy": replace(DEFAULT, epochs=12, lr=0.004, shading=1.0, outliers=True),
    # Made to be as accurate as a CPU's patience allows. SGD with a high peak and a long fall, as residual networks are
    # trained for their records; nothing ends early, as most is gained while the rate falls.
    "inkwear_l": LONG,
    "inkwear_s": replace(LONG, distillation=DISTILLATION, distillation_temperature=DISTILLATION_TEMPERATURE),
    # Eight layers without normalization stand no higher rate; the rest saves time: 47 million weights, 224×224 pixels.
    "alexnet": replace(DEFAULT, epochs=10, lr=0.0005, bfloat16=True, small_images=0.8),
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
"""The tutorials' own recipes: no augmentation, a constant rate, the weights as they are."""


QUICK_FOR: dict[str, dict[str, Any]] = {"sprint": {"lr": 0.03, "batch_size": 192}, "lenet_relu": {"lr": 0.01}}
"""Changes to a network's quick recipe, chosen on the validation images."""

RENAMED_KEYS = {
    "also": "extra_images",
    "averaging": "ema_epochs",
    "held_out": "validation_size",
    "mixing": "cutmix",
    "teaching": "distillation",
    "teaching_temperature": "distillation_temperature",
}
"""Earlier names of options, as checkpoints and shipped exports store them -> today's names."""

RENAMED_OPTIONS = {"--also": "--extra-images", "--held-out": "--validation-size", "--mixing": "--cutmix"}
"""Earlier options of ``training.train``, which it accepts for one more release -> today's names."""


def current_config(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored options of a run under today's names."""
    config = {RENAMED_KEYS.get(name, name): value for name, value in stored.items()}
    return config | ({"recipe": "default"} if config.get("recipe") == "ours" else {})


def current_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a ``training.train`` command under today's names."""
    current: list[str] = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if value == "ours" and name == "--recipe":
            value = "default"
        elif argument == "ours" and current[-1:] == ["--recipe"]:
            name = "default"
        current.append(RENAMED_OPTIONS.get(name, name) + equals + value)
    return current


def find_recipe(name: RecipeName, model: str, **changes: int | float | None) -> Recipe:
    """Return the recipe ``name`` for network ``model``, with the ``changes`` that are not None.

    Raises:
        ValueError: there is no tutorial's recipe for this network.
    """
    if name == "tutorial" and model not in TUTORIAL:
        raise ValueError(
            f"{model!r} is in no tutorial: there are recipes for {', '.join(TUTORIAL)}. "
            "Use --recipe default, quick or real."
        )
    recipe = TUTORIAL[model] if name == "tutorial" else DEFAULT_FOR.get(model, DEFAULT)
    if name == "quick":  # no image is seen twice, so nothing can be learnt by heart
        recipe = replace(recipe, epochs=1, augment=False, strong=False, ema_epochs=0.0, small_images=0.0)
        recipe = replace(recipe, **QUICK_FOR.get(model, {}))
    elif name == "real":  # some images with other light, some that belong to no class
        recipe = replace(recipe, shading=max(recipe.shading, 0.5), outliers=True)
    return replace(recipe, **{field: value for field, value in changes.items() if value is not None})  # type: ignore[arg-type]
