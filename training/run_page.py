"""The page about a run: its curves, mistakes, calibration, suspected labels and first layer.

It shows the 5,000 validation images, which the network has not learnt from. The test set is not shown, since a network
is soon tuned for what its maker sees; its one number stands at the top.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, select_autoescape
from numpy.typing import NDArray
from torch import nn

from inkwear.files import write_text
from training import analysis, charts
from training.analysis import Answers
from training.checkpoint import Checkpoint, load_checkpoint
from training.datasets import VALIDATION_SIZE, find_dataset, load_pixels
from training.loop import predict_logits
from training.pretrained import rebuild
from training.splits import to_split

TEMPLATE = Path(__file__).with_name("run_page.jinja")

PAIRS, IMAGES_PER_PAIR, WORST, SUSPECTS, FILTERS = 6, 8, 24, 24, 96
"""Maximum numbers of confused pairs, images of each, worst mistakes, suspected labels and filters on the page."""


def write_page(path: Path, data_dir: Path) -> Path:
    """Write ``report.html`` beside a checkpoint and return its path."""
    checkpoint = load_checkpoint(path)
    model = rebuild(checkpoint)
    answers = answer_validation_set(model, checkpoint, data_dir)
    page = Environment(autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    output = path.with_name("report.html")
    write_text(output, page.render(contents(checkpoint, model, answers)))
    return output


def answer_validation_set(model: nn.Module, checkpoint: Checkpoint, data_dir: Path) -> Answers:
    """Let a model classify the validation images of its run.

    Args:
        model: the network, with its weights.
        checkpoint: names the data set and its validation part.
        data_dir: torchvision's folder of data sets.
    """
    dataset = find_dataset(checkpoint.config["dataset"], checkpoint.config.get("validation_size", VALIDATION_SIZE))
    pixels, labels = load_pixels(dataset, "validation", data_dir)
    images = to_split(pixels, labels, dataset).images
    logits = predict_logits(model, images, bfloat16=checkpoint.config["bfloat16"])
    return Answers(pixels, labels.astype(np.int64), logits.double().softmax(dim=1).numpy(), dataset.class_names)


def contents(checkpoint: Checkpoint, model: nn.Module, answers: Answers) -> dict[str, Any]:
    """Return the variables of the template.

    Args:
        checkpoint: of the run.
        model: its network, with its weights.
        answers: the network's answers to the validation images.
    """
    calibration = analysis.calibration(answers)
    return {
        "config": checkpoint.config,
        "metrics": checkpoint.metrics,
        "history": checkpoint.history,
        "versions": checkpoint.versions,
        "parameters": sum(weights.numel() for weights in model.parameters()),
        "images": len(answers.labels),
        "curves": charts.as_svg(charts.curves(checkpoint.history)),
        "confusion": charts.as_svg(charts.confusion(analysis.confusion_counts(answers), answers.class_names)),
        "reliability": charts.as_svg(
            charts.reliability(calibration.confidence, calibration.accuracy, calibration.share)
        ),
        "calibration_error": calibration.error,
        "classes": analysis.class_scores(answers),
        "pairs": [
            {"names": pair.names, "count": len(pair.images), "cards": _cards(answers, pair.images[:IMAGES_PER_PAIR])}
            for pair in analysis.confused_pairs(answers, PAIRS)
        ],
        "mistakes": len(answers.mistakes),
        "worst": _cards(answers, answers.mistakes[:WORST]),
        "suspects": _cards(answers, analysis.suspected_labels(answers)[:SUSPECTS]),
        "filters": charts.as_svg(charts.filters(first_layer(model)[:FILTERS])),
    }


def _cards(answers: Answers, indices: Iterable[int]) -> list[dict[str, Any]]:
    return [
        {
            "picture": charts.as_png(answers.pixels[index]),
            "number": int(index),
            "label": answers.class_names[answers.labels[index]],
            "read": answers.class_names[answers.predictions[index]],
            "confidence": float(answers.confidence[index]),
        }
        for index in indices
    ]


def first_layer(model: nn.Module) -> NDArray[np.float32]:
    """Return the weights of the first layer: (units, H, W), kernels of a convolution or images of a linear layer."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            return layer.weight.detach().cpu().numpy()[:, 0]
        if isinstance(layer, nn.Linear):
            return layer.weight.detach().cpu().numpy().reshape(-1, 28, 28)
    raise ValueError("The network has neither a convolution nor a linear layer to draw.")
