from dataclasses import replace
from pathlib import Path

import pytest
import torch

import training.run
from inkwear.onnx.metadata import ModelMetadata
from inkwear.onnx.props import read_props
from tests.training.runs import CPU, OPTIONS, weights
from training.config import Config
from training.datasets import DATASETS, Dataset, Part
from training.errors import RunError
from training.import_onnx import describe_export
from training.pretrained import load_teacher
from training.run import fit
from training.splits import Split

pytestmark = pytest.mark.slow


def test_a_run_starts_from_another_of_the_same_network(finished: Path, data_dir: Path, tmp_path: Path) -> None:
    start = finished / "best.pt"
    config = Config.of("mnist", "lenet", seed=5, start_from=start, **OPTIONS | {"epochs": 1, "lr": 1e-9})
    assert config.name == "mnist-lenet-tuned-seed5"
    best = fit(config, data_dir, tmp_path, CPU)
    assert best.config["start_from"] == f"{finished.name} after 3 epochs"
    assert weights(tmp_path / "best.pt").allclose(weights(start), atol=1e-5)
    with pytest.raises(RunError, match=r"best.pt: its weights are those of another network .* Start from a"):
        fit(Config.of("mnist", "mlp", start_from=start, **OPTIONS), data_dir, tmp_path / "other", CPU)


def test_a_run_starts_from_an_export(export: Path, data_dir: Path, tmp_path: Path) -> None:
    """With next to no rate the weights stay, and after an epoch's statistics the network reads as well as before."""
    config = Config.of("mnist", "convnet", start_from=export, epochs=1, lr=1e-9, batch_size=32)
    best = fit(config, data_dir, tmp_path, CPU)
    metadata = ModelMetadata.from_props(read_props(export))
    assert best.config["start_from"] == describe_export(export)
    assert best.metrics["validation_accuracy"] == pytest.approx(metadata.metrics["validation_accuracy"], abs=0.02)


@pytest.mark.parametrize("kind", ["checkpoint", "export"])
def test_a_teacher_of_another_data_set_is_refused(kind: str, data_dir: Path, request: pytest.FixtureRequest) -> None:
    fashion = replace(DATASETS["fashion_mnist"], folder="MNIST")  # whose images an export needs to be imported
    with pytest.raises(RunError, match="learnt mnist; a teacher of fashion_mnist is needed"):
        load_teacher(request.getfixturevalue(kind), fashion, data_dir)


@pytest.mark.parametrize("kind", ["checkpoint", "export"])
def test_a_pupil_learns_what_its_teacher_answers_and_not_the_labels(
    kind: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The labels are all 3 here, and count for nothing."""
    real = training.run.load_split

    def load_split(dataset: Dataset, part: Part, folder: Path) -> Split:
        split = real(dataset, part, folder)
        return replace(split, labels=torch.full_like(split.labels, 3)) if part == "train" else split

    monkeypatch.setattr(training.run, "load_split", load_split)
    teacher = request.getfixturevalue(kind)
    config = Config.of("mnist", "lenet_relu", teacher=teacher, epochs=4, lr=0.01, batch_size=32)
    assert (config.name, config.learning.distillation) == ("mnist-lenet_relu-taught", 0.9)
    config = replace(config, learning=replace(config.learning, distillation=1.0, distillation_temperature=2.0))
    best = fit(config, data_dir, tmp_path, CPU)
    after = f"{teacher.parent.name} after 3 epochs" if kind == "checkpoint" else describe_export(teacher)
    assert best.config["teacher"] == after
    assert best.metrics["validation_accuracy"] > 0.8
