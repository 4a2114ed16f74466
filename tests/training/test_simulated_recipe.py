import pytest

from training.simulated_recipe import SimulatedRecipe

RECIPE = SimulatedRecipe(1000, batch_size=10, lr=0.4, warmup=100, decay=200)


@pytest.mark.parametrize(
    ("seen", "rate"), [(0, 0.04), (40, 0.2), (90, 0.4), (500, 0.4), (800, 0.4), (900, 0.2), (1000, 0), (1010, 0)]
)
def test_the_learning_rate_rises_stays_and_falls(seen: int, rate: float) -> None:
    assert RECIPE.rate(seen) == pytest.approx(rate)
