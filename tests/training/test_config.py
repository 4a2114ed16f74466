from pathlib import Path

import pytest
import torch

from inkwear.onnx.metadata import ModelMetadata
from inkwear.onnx.props import read_props
from tests.training.runs import CONFIG, CPU
from training.config import Config
from training.publish.export import export_checkpoint
from training.run import fit


def test_without_instructions_for_bfloat16_a_run_is_in_float32_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config.of("mnist", "inkwear_s")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": True, "amx_bf16": False})
    assert config.on(CPU) == config
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    assert not config.on(CPU).learning.bfloat16
    assert "no instructions for bfloat16" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "mnist-lenet"),
        ({"extra_data": [Path("somewhere")]}, "mnist-lenet-corrected"),
        ({"recipe": "quick", "seed": 5, "validation_size": 100}, "mnist-lenet-quick-held100-seed5"),
        ({"teacher": Path("a.pt"), "start_from": Path("b.pt")}, "mnist-lenet-taught-tuned"),
    ],
)
def test_the_name_tells_what_differs_from_the_default(options: dict, name: str) -> None:
    assert Config.of("mnist", "lenet", **options).name == name


@pytest.mark.slow
def test_a_smaller_validation_part_is_named_in_the_options_and_the_export(data_dir: Path, tmp_path: Path) -> None:
    config = Config.of("mnist", "mlp_small", validation_size=100, epochs=0.1, batch_size=32)
    assert fit(config, data_dir, tmp_path, CPU).config["validation_size"] == 100
    exported = ModelMetadata.from_props(read_props(export_checkpoint(tmp_path / "best.pt", tmp_path, data_dir)))
    assert str(exported.recipe["command"]).endswith("--validation-size 100")


def test_options_that_were_not_used_are_not_named() -> None:
    unused = {"validation_size", "extra_images", "extra_data", "extra_share", "start_from", "teacher"}
    assert not unused & set(CONFIG.to_dict())
