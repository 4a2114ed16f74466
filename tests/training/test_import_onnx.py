from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from inkwear.classifier import Classifier
from inkwear.preprocess.steps import normalize, unsqueeze
from tests.conftest import EXPORTS
from training.datasets import find_dataset
from training.errors import CheckpointError
from training.import_onnx import FRESH_LENGTH, import_onnx
from training.splits import load_split

OTHERS = ("alexnet", "efficientnet_lite0")
"""Networks whose weights have fewer bits, or that read whole photographs."""

IN_FLOAT32 = sorted(path.stem for path in EXPORTS.glob("*mnist-*.onnx") if not path.stem.endswith(OTHERS))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(64, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", IN_FLOAT32)
def test_every_export_of_ours_comes_back_as_a_network_that_answers_alike(name: str, images: torch.Tensor) -> None:
    path = EXPORTS / f"{name}.onnx"
    network, metadata = import_onnx(path, images)
    assert f"{metadata.dataset}-{metadata.architecture}" == name
    pixels = (images[:, 0] * 60 + 90).clamp(0, 255).byte().numpy()
    with torch.no_grad():
        answered = network(torch.from_numpy(unsqueeze(normalize(pixels, metadata.input))))
    np.testing.assert_allclose(answered, Classifier(path, "cpu", path.read_bytes()).logits(pixels), atol=1e-3)


@pytest.mark.slow
def test_a_lost_norm_knows_its_input_and_its_filters_are_as_long_as_fresh_ones(data_dir: Path) -> None:
    images = load_split(find_dataset("mnist"), "train", data_dir).images
    network, _ = import_onnx(EXPORTS / "mnist-inkwear_s.onnx", images)
    first, norm = network.get_submodule("features.0"), network.get_submodule("features.1")
    assert isinstance(first, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    torch.testing.assert_close(first.weight.flatten(1).norm(dim=1), torch.full((16,), FRESH_LENGTH))
    with torch.no_grad():
        torch.testing.assert_close(first(images).mean(dim=(0, 2, 3)), norm.running_mean, atol=1e-5, rtol=1e-4)
        frozen = network(images)
        learning = network.train()(images)
    assert (frozen.argmax(dim=1) == learning.argmax(dim=1)).float().mean() > 0.98


def test_what_is_not_an_export_of_ours_as_it_was_made_is_refused(images: torch.Tensor, tmp_path: Path) -> None:
    changed = onnx.load(EXPORTS / "mnist-mlp_small.onnx")
    largest = max(changed.graph.initializer, key=lambda each: len(each.raw_data))
    largest.raw_data = bytes(len(largest.raw_data))
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    path = tmp_path / "model.onnx"
    for content, reason in (
        (None, "there is no such export"),
        (b"nonsense", r"model.onnx: not an ONNX file, or damaged"),
        (empty.SerializeToString(), r"model.onnx: it carries no Inkwear metadata"),
        (changed.SerializeToString(), r"model.onnx: its weights are not .* logit differs by"),
        ((EXPORTS / "mnist-alexnet.onnx").read_bytes(), r"model.onnx: its weights are not those .* not --compact"),
    ):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(CheckpointError, match=reason):
            import_onnx(path, images)


def test_a_network_for_photographs_teaches_none_for_small_images(images: torch.Tensor) -> None:
    with pytest.raises(CheckpointError, match="it reads whole photographs; a network for images of 28×28"):
        import_onnx(EXPORTS / "fashion_mnist-efficientnet_lite0.onnx", images)
