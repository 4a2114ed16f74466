import numpy as np
import pytest

from training.simulator.characters import OTHER, SIGNS, Characters
from training.simulator.scenes import Scene, line_scene, page_scene

ALPHABET = set("0123456789" + SIGNS + OTHER)

MAKERS = pytest.mark.parametrize("make", [line_scene, page_scene])


def inked(scene: Scene) -> np.ndarray:
    return scene.ink > 0.5


@pytest.fixture(scope="module")
def line_scenes(characters: Characters) -> list[Scene]:
    return [line_scene(characters, np.random.default_rng(seed)) for seed in range(60)]


@pytest.fixture(scope="module")
def page_scenes(characters: Characters) -> list[Scene]:
    return [page_scene(characters, np.random.default_rng(seed)) for seed in range(60)]


@MAKERS
def test_the_same_seed_makes_the_same_picture(make, characters: Characters) -> None:
    one, same, other = (make(characters, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(one.gray, same.gray)
    assert np.array_equal(one.ink, same.ink)
    assert one.lines == same.lines
    assert one.gray.shape != other.gray.shape or not np.array_equal(one.gray, other.gray)


def test_pictures_are_gray_and_say_where_ink_is(line_scenes: list[Scene], page_scenes: list[Scene]) -> None:
    for scene in (*line_scenes, *page_scenes):
        assert scene.gray.dtype == np.uint8
        assert scene.gray.shape == scene.ink.shape
        assert 0 <= scene.ink.min() <= scene.ink.max() <= 1
        for line in scene.lines:
            assert line.text
            assert set(line.text) <= ALPHABET
            left, top, right, bottom = line.box
            assert 0 <= left < right <= scene.gray.shape[1]
            assert 0 <= top < bottom <= scene.gray.shape[0]


def test_ink_can_be_told_from_paper(line_scenes: list[Scene]) -> None:
    differences = []
    for scene in line_scenes:
        left, top, right, bottom = scene.lines[0].box
        gray, ink = scene.gray[top:bottom, left:right], inked(scene)[top:bottom, left:right]
        if ink.any() and not ink.all():
            differences.append(float(gray[ink].mean()) - float(gray[~ink].mean()))
    assert np.median(np.abs(differences)) > 25
    assert {difference > 0 for difference in differences} == {False, True}


def test_some_crops_are_tight_and_others_have_a_margin(line_scenes: list[Scene]) -> None:
    at_border = [
        any(side.any() for side in (inked(scene)[0], inked(scene)[-1], inked(scene)[:, 0], inked(scene)[:, -1]))
        for scene in line_scenes
    ]
    assert 5 < sum(at_border) < 50


def test_pages_hold_no_line_one_or_several(page_scenes: list[Scene]) -> None:
    counts = [len(scene.lines) for scene in page_scenes]
    assert min(counts) == 0
    assert max(counts) >= 3
    assert sum(len(scene.lines) == 1 and len(scene.lines[0].text) == 1 for scene in page_scenes) > 10
    for scene in page_scenes:
        assert scene.ink.any() == bool(scene.lines)
        tops = [line.box[1] for line in scene.lines]
        assert tops == sorted(tops)


def test_pages_are_of_the_size_asked_for(characters: Characters) -> None:
    shapes = [page_scene(characters, np.random.default_rng(seed), (50, 60)).gray.shape for seed in range(20)]
    assert sum(50 <= side <= 60 for shape in shapes for side in shape) > 30, "letterboxed ones are larger"
    assert all(side >= 50 for shape in shapes for side in shape)
