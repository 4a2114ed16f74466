from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from inkwear.classifier import Classifier
from inkwear.explain import explain
from inkwear.report import read_report
from models.efficientnet_lite import EfficientNetLite0
from tests.training.clothes import write_fashion, write_photographs
from training.checkpoint import Checkpoint
from training.errors import ExportError
from training.extra_images import NO_CLASS
from training.photograph_recipe import PhotographRecipe, input_spec
from training.photograph_run import _first_checkpoint
from training.photographs import load_photographs
from training.publish.photograph_export import MAX_WRONG, calibrate, export_photograph_network, reference_picture

SIZE = 64


def untrained(size: int) -> Checkpoint:
    """A run that has learned nothing."""
    torch.manual_seed(0)
    checkpoint = _first_checkpoint(PhotographRecipe(size=size), None, None)
    checkpoint.weights = EfficientNetLite0(10).state_dict()
    checkpoint.metrics = {"epoch": 1, "validation_accuracy": 0.1}
    checkpoint.history = [{**checkpoint.metrics, "train_loss": 2.3}]
    return checkpoint


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with random weights, exported."""
    folder = tmp_path_factory.mktemp("photographs")
    write_photographs(folder, ("Pants", "Dress", "Hat"), senders=8)
    write_fashion(folder)
    output = folder / "fashion_mnist-efficientnet_lite0.onnx"
    export_photograph_network(untrained(SIZE), load_photographs(folder), output, folder)
    return output


def picture() -> Image.Image:
    sheet = np.full((150, 100, 3), (200, 180, 160), np.uint8)
    sheet[40:120, 30:70] = (30, 60, 90)
    return Image.fromarray(sheet)


@pytest.mark.slow
def test_an_export_reads_whole_pictures(exported: Path) -> None:
    classifier = Classifier(exported, "cpu")
    [prediction] = classifier.predict([picture()])
    assert prediction.pixels.shape == (SIZE, SIZE)
    assert (prediction.pixels[0, 0], prediction.pixels[-1, -1]) == (184, 184)
    assert [str(note) for note in prediction.notes] == [
        "colours turned to gray",
        f"the whole picture, scaled to a square of {SIZE} pixels",
    ]
    assert sum(prediction.probabilities) == pytest.approx(1, abs=1e-5)
    [blank] = classifier.predict([Image.new("RGB", (80, 80), (120, 130, 140))])
    assert (blank.status, blank.pixels.shape) == ("blank", (SIZE, SIZE))


@pytest.mark.slow
def test_an_export_of_whole_pictures_is_explained(exported: Path) -> None:
    classifier = Classifier(exported, "cpu")
    explanation = explain(classifier, classifier.segment(picture()))
    assert [step.code for step in explanation.steps] == ["original", "gray", "found", "framed", "normalized"]
    [saliency] = explanation.saliency
    assert saliency.values.shape == (SIZE, SIZE)
    assert np.abs(saliency.values).max() == pytest.approx(1)
    assert saliency.patch >= 6 * (SIZE // 28)


@pytest.mark.slow
def test_a_file_says_what_it_is_and_has_convolutions_of_16_bits(exported: Path) -> None:
    classifier = Classifier(exported, "cpu")
    about = classifier.metadata
    assert (about.architecture, about.input) == ("efficientnet_lite0", input_spec(SIZE))
    assert about.recipe["size"] == SIZE
    assert about.reference.image().shape == (SIZE, SIZE)
    assert (about.metrics["validation_accuracy"], about.metrics["parameters"]) == (0.1, 3_383_242)
    report = read_report(exported)
    assert report is not None
    assert (len(report.curves), sum(map(sum, report.confusion))) == (1, 60)
    right = sum(row[index] for index, row in enumerate(report.confusion))
    assert right / 60 == pytest.approx(about.metrics["test_accuracy"])
    assert sum(layer.parameters for layer in report.layers) == about.metrics["parameters"]
    assert report.layers[0].shape == (1, SIZE, SIZE)
    np.testing.assert_allclose(
        classifier.logits(about.reference.image()[None])[0],
        about.reference.logits,
        atol=1e-4,
    )
    weights = {each.data_type for each in onnx.load(exported).graph.initializer if len(each.dims) == 4}
    assert weights == {onnx.TensorProto.FLOAT16}
    assert exported.name in (exported.parent / "SHA256SUMS").read_text()


@pytest.mark.slow
def test_a_file_that_answers_otherwise_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_photographs(tmp_path, ("Pants", "Dress"), senders=8)
    write_fashion(tmp_path)
    monkeypatch.setattr(Classifier, "logits", lambda self, pixels: np.full((len(pixels), 10), 9.0))
    output = tmp_path / "out.onnx"
    with pytest.raises(ExportError, match="differ by up to"):
        export_photograph_network(untrained(32), load_photographs(tmp_path), output, tmp_path)
    assert not output.exists()


def test_the_threshold_keeps_wrong_answers_rare() -> None:
    torch.manual_seed(0)
    labels = torch.randint(0, 10, (2_000,))
    strength = torch.rand(2_000) * 8
    strength[::10] = 0
    logits = torch.randn(2_000, 10) + torch.nn.functional.one_hot(labels, 10) * strength[:, None]
    labels[::10] = NO_CLASS
    found = calibrate(logits, labels)
    confidences, answers = (logits.double() / found.temperature).softmax(dim=1).max(dim=1)
    ok = confidences >= found.threshold
    assert 0.2 < float(ok.float().mean()) < 0.9
    assert float((answers != labels)[ok].float().mean()) <= MAX_WRONG


def test_where_all_is_wrong_hardly_anything_is_ok() -> None:
    logits = torch.randn(50, 10, generator=torch.Generator().manual_seed(0))
    labels = (logits.argmax(dim=1) + 1) % 10
    found = calibrate(logits, labels)
    confidences = (logits.double() / found.temperature).softmax(dim=1).amax(dim=1)
    assert int((confidences >= found.threshold).sum()) == 1


@pytest.mark.parametrize("size", [32, 128])
def test_the_reference_shows_something(size: int) -> None:
    picture = reference_picture(input_spec(size))
    assert picture.shape == (size, size)
    assert len(np.unique(picture)) == 3


@pytest.mark.slow
def test_many_whole_pictures_are_read_in_parts(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = Classifier(exported, "cpu")
    pixels = np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE), np.uint8)
    together = classifier.logits(pixels)
    monkeypatch.setattr("inkwear.classifier.MAX_WHOLE", 2)
    np.testing.assert_allclose(classifier.logits(pixels), together, atol=1e-4)
