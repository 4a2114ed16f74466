from dataclasses import replace

import pytest

from models import list_models
from training.recipes import OURS, OURS_FOR, find_recipe


@pytest.mark.parametrize("model", list_models())
def test_a_recipe_for_real_pictures_is_ours_with_other_light_and_outliers(model: str) -> None:
    ours, real = OURS_FOR.get(model, OURS), find_recipe("real", model)
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
    recipe = find_recipe("ours", "inkwear_l", epochs=3, lr=None)
    assert recipe == replace(OURS_FOR["inkwear_l"], epochs=3)
