"""``python -m training.photos``: a folder of photographs of clothing becomes images to train on.

Made for the CC0 photographs of github.com/alexeygrigorev/clothing-dataset-small: a folder for each kind, with phone
photos of clothes on beds, floors and hangers. Its kinds are matched to classes of Fashion-MNIST. It has one kind for
all shoes, so a classifier that was trained without them decides which of the three classes a pair looks like.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from tqdm import tqdm

from inkwear.classifier import Classifier
from inkwear.images.decode import open_image
from inkwear.preprocess.spec import Pixels
from inkwear.preprocess.steps import frame
from training.console import exit_codes_for_errors
from training.extra_images import ExtraImages, save_extra_images

KINDS = {
    "t-shirt": ("T-shirt/top",),
    "pants": ("Trouser",),
    "longsleeve": ("Pullover",),
    "dress": ("Dress",),
    "outwear": ("Coat",),
    "shirt": ("Shirt",),
    "shoes": ("Sandal", "Sneaker", "Ankle boot"),
}
"""The name of a folder -> the classes its photographs may belong to."""

TEST_EVERY = 5
"""One in five photographs of a kind is left out of training, for ``python -m training.evaluate --photos``."""

cli = typer.Typer(add_completion=False)


@cli.command()
def photos(
    folder: Annotated[Path, typer.Argument(help="Holds a folder for each kind of clothing.")],
    output: Annotated[Path, typer.Option(help="A file for python -m training.train --extra-images.")],
    model: Annotated[Path, typer.Option(help="An export that tells kinds of shoes apart.")],
    variants: Annotated[int, typer.Option(min=1, help="Of each photograph, all but the first changed at random.")] = 4,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Frame photographs of clothing as the app does, several times each, and keep the results."""
    with exit_codes_for_errors():
        images = _frame_photos(folder, Classifier(model, "cpu"), variants, seed)
        save_extra_images(images, output)
        typer.echo(f"{output}  {len(images.labels):,} images")


def find_photos(folder: Path, *, held_out: bool) -> list[tuple[Path, tuple[str, ...]]]:
    """Return photographs with the classes each may belong to: those held out to measure on, or all others.

    Raises:
        ValueError: the folder holds none of ``KINDS``.
    """
    found = []
    for kind, classes in KINDS.items():
        paths = sorted(path for path in (folder / kind).glob("*") if path.is_file())
        found += [(path, classes) for index, path in enumerate(paths) if (index % TEST_EVERY == 0) == held_out]
    if not found:
        raise ValueError(f"{folder} holds no photographs in folders named {', '.join(KINDS)}.")
    return found


def _frame_photos(folder: Path, classifier: Classifier, variants: int, seed: int) -> ExtraImages:
    """Frame every photograph that is not held out; the classifier decides between the classes of a kind."""
    names = list(classifier.metadata.class_names)
    found = find_photos(folder, held_out=False)
    pixels, labels = [], []
    for index, (path, classes) in enumerate(tqdm(found, unit="img", disable=None)):
        framed = [f for f in _variants(path, classifier, variants, np.random.default_rng([seed, index])) if f.any()]
        allowed = [names.index(name) for name in classes]
        for image, logits in zip(framed, classifier.logits(np.stack(framed)) if framed else (), strict=True):
            pixels.append(image)
            labels.append(allowed[int(np.argmax(logits[allowed]))])
    return ExtraImages(classifier.metadata.dataset, np.stack(pixels), np.array(labels, np.uint8))


def _variants(path: Path, classifier: Classifier, count: int, rng: np.random.Generator) -> Iterator[Pixels]:
    """Frame a photograph as it is, then changed."""
    picture = np.asarray(open_image(path).convert("RGB"))
    for turn in range(count):
        yield frame(_changed(picture, rng) if turn else picture, classifier.metadata.input).pixels


def _changed(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Mirror, turn, move and scale a photograph, and change its light and color: (H, W, 3) -> (H, W, 3)."""
    height, width = picture.shape[:2]
    if rng.random() < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
    move = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-12, 12), rng.uniform(0.8, 1.12))
    move[:, 2] += rng.uniform(-0.06, 0.06, 2) * (width, height)
    moved = cv2.warpAffine(picture, move, (width, height), borderMode=cv2.BORDER_REFLECT)
    light = 255 * np.linspace(0, 1, 256) ** rng.uniform(0.6, 1.6)
    colors = light[moved] * rng.uniform(0.85, 1.15, 3)
    return colors.clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    cli()
