import numpy as np

from training.photograph_augment import changed


def photograph() -> np.ndarray:
    gray = np.full((90, 120), 220, np.uint8)
    gray[20:70, 40:80] = 40
    return gray


def test_a_photograph_is_changed_otherwise_each_time_and_keeps_its_object() -> None:
    squares = [changed(photograph(), 64, np.random.default_rng(seed)) for seed in range(60)]
    assert all((square.shape, square.dtype) == ((64, 64), np.uint8) for square in squares)
    assert len({square.tobytes() for square in squares}) == 60
    middles = [int(square[26:38, 26:38].mean()) for square in squares]
    edges = [int(square[[0, -1]].mean()) for square in squares]
    assert np.mean([middle < edge - 20 for middle, edge in zip(middles, edges, strict=True)]) > 0.8


def test_the_same_seed_changes_alike() -> None:
    one, same = (changed(photograph(), 64, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, same)
