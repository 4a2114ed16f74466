from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models import list_models
from tests.training.runs import CONFIG, CPU
from training.config import Config
from training.recipes import DEFAULT, DEFAULT_FOR, current_arguments, current_config, find_recipe


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


def test_options_that_were_not_used_are_not_named() -> None:
    unused = {"validation_size", "extra_images", "extra_data", "extra_share", "start_from", "teacher"}
    assert not unused & set(CONFIG.to_dict())


# ------------------------------------------------------------------------------------------------------------ recipes


@pytest.mark.parametrize("model", list_models())
def test_recipes_for_real_pictures_and_for_one_epoch_change_little_of_the_default(model: str) -> None:
    default, real, quick = DEFAULT_FOR.get(model, DEFAULT), find_recipe("real", model), find_recipe("quick", model)
    assert (real.outliers, real.shading >= 0.5) == (True, True)
    assert replace(real, outliers=default.outliers, shading=default.shading) == default
    assert (quick.epochs, quick.augment, quick.strong) == (1, False, False)


def test_what_is_asked_for_goes_before_the_recipe() -> None:
    recipe = find_recipe("default", "inkwear_l", epochs=3, lr=None)
    assert recipe == replace(DEFAULT_FOR["inkwear_l"], epochs=3)


def test_stored_options_are_read_under_todays_names() -> None:
    stored = {"recipe": "ours", "also": "digits.npz 0123", "held_out": 1000, "averaging": 0.5, "mixing": 0, "lr": 0.1}
    today = {"recipe": "default", "extra_images": "digits.npz 0123", "validation_size": 1000}
    assert current_config(stored) == today | {"ema_epochs": 0.5, "cutmix": 0, "lr": 0.1}
    assert current_config({"recipe": "real", "teaching": 0.9}) == {"recipe": "real", "distillation": 0.9}


def test_earlier_spellings_of_arguments_are_understood() -> None:
    earlier = "--recipe ours --also a.npz --also=b.npz --held-out 100 --mixing=0.5 --model ours"
    assert " ".join(current_arguments(earlier.split())) == (
        "--recipe default --extra-images a.npz --extra-images=b.npz --validation-size 100 --cutmix=0.5 --model ours"
    )
    assert current_arguments(["--recipe=ours"]) == ["--recipe=default"]
