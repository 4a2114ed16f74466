"""The programs of exports/snippets, run as they are shown, by processes that know nothing of this project."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from PIL import Image

from app.catalog import scan
from inkwear.classifier import Classifier, softmax
from inkwear.images.decode import open_image
from inkwear.onnx.metadata import ModelMetadata
from inkwear.preprocess.spec import Pixels
from inkwear.preprocess.whole import fit_whole
from tests.conftest import EXPORTS, ROOT, change_metadata

SNIPPETS = EXPORTS / "snippets"

CLASSIFIERS = sorted(entry.path for entry in scan(EXPORTS).entries.values())

NOT_FOR_A_PROGRAM_ALONE = ("app", "inkwear", "models", "training", "torch", "cv2", "onnx")

RUN = f"""
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(sorted({{name.split(".")[0] for name in sys.modules}} & set({NOT_FOR_A_PROGRAM_ALONE})))
"""
"""Run a program, then print which modules it loaded that it must do without."""


@dataclass(frozen=True)
class Said:
    """What a program prints of a picture: equal to another where the probabilities are a thousandth apart at most."""

    label: str
    confidence: float
    sure: str

    @classmethod
    def by(cls, classifier: Classifier, pixels: Pixels) -> Self:
        """What it ought to print of a picture that is framed already."""
        about = classifier.metadata
        probabilities = softmax(classifier.logits(pixels[None])[0], about.temperature)
        confidence = float(probabilities.max())
        sure = "sure" if confidence >= about.reject_threshold else "not sure"
        return cls(about.class_names[int(probabilities.argmax())], confidence, sure)

    @classmethod
    def read(cls, line: str) -> Self:
        """Read the line that it printed."""
        label, confidence, sure = re.fullmatch(r"(.+) (\d\.\d{4}) ((?:not )?sure)", line).groups()
        return cls(label, float(confidence), sure)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Said)
            and (self.label, self.sure) == (other.label, other.sure)
            and abs(self.confidence - other.confidence) < 1e-3
        )


def run_alone(program: Path, arguments: list, folder: Path) -> Said:
    """Run a program apart from this project (python -I, elsewhere) and return what it said."""
    done = run(program, arguments, folder)
    assert done.returncode == 0, done.stderr
    *_, line, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    return Said.read(line)


def run(program: Path, arguments: list, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-c", RUN, program, *arguments]
    return subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True)


def images_of(metadata: ModelMetadata, data_dir: Path, count: int = 3) -> Pixels:
    """The first images of a test set, as a model reads them."""
    from training.datasets import find_dataset, load_pixels

    pixels, spec = load_pixels(find_dataset(metadata.dataset), "test", data_dir)[0][:count], metadata.input
    return np.stack([fit_whole(image, spec.size) for image in pixels]) if spec.whole else pixels


def test_what_a_program_says_is_read() -> None:
    assert Said.read("Ankle boot 0.9876 not sure") == Said("Ankle boot", 0.9876, "not sure")
    assert Said.read("7 1.0000 sure") == Said("7", 1, "sure")
    assert Said("7", 1, "sure") != Said("7", 0.99, "sure")


# --------------------------------------------------------------------------------------------- ONNX Runtime alone


@pytest.mark.slow
@pytest.mark.parametrize("path", CLASSIFIERS, ids=lambda path: path.stem)
def test_onnx_runtime_alone_reads_images_of_the_data_set(path: Path, real_data: Path, tmp_path: Path) -> None:
    classifier = Classifier(path, "cpu")
    [pixels] = images_of(classifier.metadata, real_data, 1)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    shutil.copy(path, tmp_path / "any name.onnx")
    said = run_alone(SNIPPETS / "onnxruntime_alone.py", ["any name.onnx", "picture.png"], tmp_path)
    assert said == Said.by(classifier, pixels)


def test_below_the_threshold_it_is_not_sure(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (28, 28)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    expected = Said.by(Classifier(EXPORTS / "mnist-sturdy.onnx", "cpu"), noise)
    assert expected.sure == "not sure"
    said = run_alone(SNIPPETS / "onnxruntime_alone.py", [EXPORTS / "mnist-sturdy.onnx", "noise.png"], tmp_path)
    assert said == expected


def test_it_notices_that_it_feeds_a_file_wrongly(tmp_path: Path) -> None:
    path = Path(shutil.copy(EXPORTS / "mnist-mlp_small.onnx", tmp_path))
    change_metadata(path, input=json.loads(json.dumps(Classifier(path, "cpu").metadata.input.__dict__)) | {"mean": 0.5})
    Image.new("L", (28, 28)).save(tmp_path / "picture.png")
    done = run(SNIPPETS / "onnxruntime_alone.py", [path, "picture.png"], tmp_path)
    assert done.returncode == 1
    assert "reads its own reference picture otherwise than it states" in done.stderr


def test_it_refuses_pictures_of_another_size(tmp_path: Path) -> None:
    Image.new("L", (30, 28)).save(tmp_path / "wide.png")
    done = run(SNIPPETS / "onnxruntime_alone.py", [EXPORTS / "mnist-mlp_small.onnx", "wide.png"], tmp_path)
    assert done.returncode == 1
    assert "wide.png is 30×28; 28×28 is needed" in done.stderr


# ---------------------------------------------------------------------------------------------------- any picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the program and the package that it needs."""
    (tmp_path / "inkwear").symlink_to(ROOT / "inkwear")
    shutil.copy(SNIPPETS / "any_photo.py", tmp_path)
    return tmp_path


def read_photo(folder: Path, model: str) -> subprocess.CompletedProcess[str]:
    """Let the program read ``picture.png``, with nothing but its own folder on the path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "any_photo.py", str(EXPORTS / f"{model}.onnx"), "picture.png"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("picture", "model"),
    [
        *((picture, "mnist-sturdy") for picture in ("five", "eight", "number")),
        *((picture, "fashion_mnist-sturdy") for picture in ("pullover", "tshirt", "trouser")),
    ],
)
def test_any_picture_is_read_as_the_app_reads_it(folder: Path, picture: str, model: str) -> None:
    shutil.copy(ROOT / "app" / "page" / "examples" / f"{picture}.png", folder / "picture.png")
    [expected] = Classifier(EXPORTS / f"{model}.onnx", "cpu").predict([open_image(folder / "picture.png")])
    assert expected.label is not None
    assert expected.confidence is not None
    done = read_photo(folder, model)
    assert done.returncode == 0, done.stderr
    *notes, line = done.stdout.splitlines()
    sure = "sure" if expected.status == "ok" else "not sure"
    assert Said.read(line) == Said(expected.label, expected.confidence, sure)
    assert notes == [*map(str, expected.notes)]


def test_an_empty_sheet_is_not_read(folder: Path) -> None:
    Image.new("L", (200, 200), 255).save(folder / "picture.png")
    done = read_photo(folder, "mnist-mlp_small")
    assert (done.returncode, done.stderr.strip()) == (1, "There is nothing to read.")
