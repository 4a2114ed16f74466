from pathlib import Path

import numpy as np
import pytest

from inkwear.numbers.line_reader import ROWS
from training.simulator import lines
from training.simulator.characters import Characters
from training.simulator.lines import alphabet, make_lines
from training.simulator.scenes import line_scene


@pytest.fixture(autouse=True)
def _few_characters(characters: Characters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "load_characters", lambda *_: characters)


def test_a_line_depends_on_its_number_and_on_nothing_else() -> None:
    together = make_lines("mnist", 60, 0, Path(), "train", first=0, count=8)
    later = make_lines("mnist", 60, 0, Path(), "train", first=5, count=3)
    for (strip, classes), (same, likewise) in zip(together[5:], later, strict=True):
        assert classes == likewise
        assert np.array_equal(strip, same)
    assert len({classes for _, classes in together}) > 4


def test_strips_have_the_rows_that_the_reader_needs_and_bright_ink() -> None:
    for strip, classes in make_lines("mnist", 60, 1, Path(), "train", first=0, count=40):
        assert strip.shape[0] == ROWS
        assert strip.dtype == np.uint8
        assert strip.max() > 100
        assert all(0 <= each < len(alphabet("0123456789")) for each in classes)


def test_the_alphabet_begins_with_the_class_names() -> None:
    assert alphabet("0123456789").startswith("0123456789")
    assert len(set(alphabet("0123456789"))) == len(alphabet("0123456789")) == 21


def test_the_ink_as_found_stays_in_the_box_of_the_line(characters: Characters) -> None:
    lost = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scene = line_scene(characters, rng)
        found = lines._as_found(scene, rng)
        left, top, right, bottom = scene.lines[0].box
        assert found.shape == scene.gray.shape
        beyond = found.copy()
        beyond[max(0, top - 6) : bottom + 6, max(0, left - 6) : right + 6] = 0  # a blur reaches as far
        assert not (beyond >= 128).any()
        box = np.s_[top:bottom, left:right]
        lost += ((found[box] < 64) & (scene.ink[box] > 0.9)).any()
    assert 2 < lost < 35
