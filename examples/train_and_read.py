"""Train a small network on MNIST, export it, and read a drawing: ``python -m examples.train_and_read [PICTURE]``.

This takes about a minute on two cores. MNIST is read from the folder that INKWEAR_DATA names, or else data/, and
downloaded if it is not there.
"""

import os
import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from inkwear import Classifier, open_image
from training.config import Config
from training.publish.export import export_checkpoint
from training.run import fit


def draw_seven() -> Image.Image:
    """Draw a 7 with a thick black pen on white."""
    picture = Image.new("L", (300, 300), color=255)
    ImageDraw.Draw(picture).line([(80, 70), (220, 70), (130, 240)], fill=0, width=24, joint="curve")
    return picture


def main() -> None:
    """Train, export, read, and print the answer."""
    picture = open_image(sys.argv[1]) if len(sys.argv) > 1 else draw_seven()
    data_dir = Path(os.environ.get("INKWEAR_DATA", "data"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        best = fit(Config.of("mnist", "sprint", recipe="quick"), data_dir, folder, torch.device("cpu"))
        print(f"The network classifies {best.metrics['test_accuracy']:.2%} of the test images right.")
        export = export_checkpoint(folder / "best.pt", folder, data_dir)
        [prediction] = Classifier(export).predict([picture])
    print(f"It reads the drawing as {prediction.label}, with a confidence of {prediction.confidence:.1%}.")


if __name__ == "__main__":
    main()
