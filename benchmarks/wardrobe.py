"""How photographs of clothing by other people are read, how surely, and how fast: ``python -m benchmarks.wardrobe``.

The photographs are those of held-out senders (``training.photographs``). Half of the senders fit the temperature with
which the calibration of the other half is measured. ``auto`` reads them too, and real pictures of digits. Times are
those of ``open_image`` and ``predict`` on one core, the models in turns.
"""

import time
from itertools import islice
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer

from app.catalog import AUTO, scan
from benchmarks.number_peers.pictures import real_kinds
from inkwear import open_image
from inkwear.classifier import Classifier, softmax
from training.calibrate import fit_temperature
from training.extra_images import NO_CLASS
from training.photographs import FoundPhotograph, find_photographs

MODELS = ("fashion_mnist-efficientnet_lite0", "fashion_mnist-sturdy")

HALVINGS = 50
"""Divisions of the senders into those that the temperature is fitted to and those that are measured."""

BINS = 15
"""Of equal width, for the calibration error."""

TIMED = 120
"""Photographs whose reading is timed."""


def calibration_error(classifier: Classifier, known: list[FoundPhotograph]) -> float:
    """Return the mean distance between confidence and share of right answers, over random halves of the senders."""
    pixels = [classifier.prepare(open_image(each.path)).framed.pixels for each in known]
    logits, rng = classifier.logits(np.stack(pixels)), np.random.default_rng(0)
    labels, senders = np.array([each.label for each in known]), np.array([each.sender for each in known])
    errors = []
    for _ in range(HALVINGS):
        names = rng.permutation(np.unique(senders))
        fitted = np.isin(senders, names[: len(names) // 2])
        temperature = fit_temperature(torch.from_numpy(logits[fitted]).double(), torch.from_numpy(labels[fitted]))
        probabilities = softmax(logits[~fitted], temperature)
        confidences, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels[~fitted]
        bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
        errors.append(sum(abs((right - confidences)[bins == index].sum()) for index in range(BINS)) / len(right))
    return float(np.mean(errors))


def ask_auto(exports: Path, known: list[FoundPhotograph], digits: Path | None, limit: int) -> None:
    """Print how many pictures a model of the right set answered, and each ``ok`` answer of a wrong one.

    Args:
        exports: the folder of models.
        known: photographs of clothing.
        digits: a folder of pictures of digits, or None.
        limit: pictures of each kind of digits.
    """
    auto = scan(exports, "cpu").reader(AUTO, "cpu")
    kinds: dict[str, list[Path | bytes]] = {"clothing": [each.path for each in known]}
    for kind in real_kinds([digits]) if digits else ():
        kinds[kind.name] = [picture.source for picture in islice(kind.make(), limit)]
    right_set = {"clothing": 0, "digits": 0}
    for name, sources in kinds.items():
        of = name if name == "clothing" else "digits"
        for source in sources:
            [prediction] = auto.predict([open_image(source)])
            is_right = auto.member(prediction).metadata.dataset == {"clothing": "fashion_mnist", "digits": "mnist"}[of]
            right_set[of] += is_right and prediction.status != "blank"
            if prediction.status == "ok" and not is_right:
                print(f"auto: {name}: wrong set with ok")
    counts = {"clothing": len(known), "digits": sum(map(len, kinds.values())) - len(known)}
    for of, count in counts.items():
        if count:
            print(f"auto: {right_set[of]} of {count} pictures of {of} by the right set")


def wardrobe(
    folder: Annotated[Path, typer.Argument(help="A copy of github.com/alexeygrigorev/clothing-dataset.")],
    digits: Annotated[Path | None, typer.Option(help="Pictures as benchmarks.number_peers takes them.")] = None,
    limit: Annotated[int, typer.Option(help="Pictures of each kind of digits.")] = 60,
    exports: Annotated[Path, typer.Option()] = Path("exports"),
) -> None:
    """Print a line for each model, and the share of pictures that auto reads with a model of the right set."""
    cv2.setNumThreads(1)
    held_out = [each for each in find_photographs(folder) if each.is_held_out]
    known = [each for each in held_out if each.label != NO_CLASS]
    classifiers = [Classifier(exports / f"{name}.onnx", "cpu") for name in MODELS]
    seconds: dict[str, list[float]] = {name: [] for name in MODELS}
    for each in held_out[:TIMED]:
        for classifier in classifiers:
            started = time.perf_counter()
            classifier.predict([open_image(each.path)])
            seconds[classifier.name].append(time.perf_counter() - started)
    for classifier in classifiers:
        predictions = {each: classifier.predict([open_image(each.path)])[0] for each in held_out}
        right = sum(predictions[each].class_id == each.label for each in known)
        sure = [each for each in known if predictions[each].status == "ok"]
        wrong = sum(predictions[each].class_id != each.label for each in sure)
        others = [each for each in held_out if each.label == NO_CLASS]
        print(
            f"{classifier.name}: {right} of {len(known)} right; {len(sure)} ok, {wrong} of these wrong; of no class "
            f"{sum(predictions[each].status == 'ok' for each in others)} of {len(others)} ok; calibration error "
            f"{100 * calibration_error(classifier, known):.1f} %; {1000 * np.median(seconds[classifier.name]):.1f} ms",
            flush=True,
        )
    ask_auto(exports, known, digits, limit)


if __name__ == "__main__":
    typer.run(wardrobe)
