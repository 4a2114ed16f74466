from dataclasses import replace

import pytest

from models import list_models
from training.recipes import DEFAULT, DEFAULT_FOR, current_arguments, current_config, find_recipe


@pytest.mark.parametrize("model", list_models())
def test_a_recipe_for_real_pictures_is_ours_with_other_light_and_outliers(model: str) -> None:
    ours, real = DEFAULT_FOR.get(model, DEFAULT), find_recipe("real", model)
    assert real.outliers
    assert real.shading >= 0.5
    assert replace(real, outliers=ours.outliers, shading=ours.shading) == ours


@pytest.mark.parametrize("model", list_models())
def test_in_one_epoch_nothing_is_changed_at_random(model: str) -> None:
    quick = find_recipe("quick", model)
    assert quick.epochs == 1
    assert not quick.augment
    assert not quick.strong


def test_what_is_asked_for_goes_before_the_recipe() -> None:
    recipe = find_recipe("default", "inkwear_l", epochs=3, lr=None)
    assert recipe == replace(DEFAULT_FOR["inkwear_l"], epochs=3)


def test_stored_options_are_read_under_todays_names() -> None:
    stored = {"recipe": "ours", "also": "digits.npz 0123", "held_out": 1000, "averaging": 0.5, "mixing": 0, "lr": 0.1}
    assert current_config(stored) == {
        "recipe": "default",
        "extra_images": "digits.npz 0123",
        "validation_size": 1000,
        "ema_epochs": 0.5,
        "cutmix": 0,
        "lr": 0.1,
    }
    assert current_config({"recipe": "real", "teaching": 0.9}) == {"recipe": "real", "distillation": 0.9}


def test_earlier_spellings_of_arguments_are_understood() -> None:
    earlier = [
        "--recipe",
        "ours",
        "--also",
        "a.npz",
        "--also=b.npz",
        "--held-out",
        "100",
        "--mixing=0.5",
        "--model",
        "ours",
    ]
    assert " ".join(current_arguments(earlier)) == (
        "--recipe default --extra-images a.npz --extra-images=b.npz --validation-size 100 --cutmix=0.5 --model ours"
    )
    assert current_arguments(["--recipe=ours"]) == ["--recipe=default"]
