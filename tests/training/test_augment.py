from dataclasses import replace

import pytest
import torch
from torch import Tensor

from training.augment import augment, cut_mix, erase, shade
from training.datasets import DATASETS, Augmentation

NOTHING = Augmentation(degrees=0, shear=0, scale=0, shift=0, mirror=False)
MNIST = DATASETS["mnist"].augmentation
EMPTY = -0.4


@pytest.fixture(autouse=True)
def same_chances() -> None:
    torch.manual_seed(1)


def image_of(*pixels: tuple[int, int]) -> Tensor:
    image = torch.full((64, 1, 28, 28), EMPTY)
    for row, column in pixels:
        image[:, :, row, column] = 2.0
    return image


def light(images: Tensor, limits: Augmentation = NOTHING, strong: bool = False, **changed: float) -> Tensor:
    """Change images, and return what they are brighter than an empty one."""
    return augment(images, replace(limits, **changed), EMPTY, strong=strong) - EMPTY


def center(light: Tensor, dim: int) -> Tensor:
    """Return the mean row (dim 3) or column (dim 2) of each image's light."""
    return light.sum(dim=(1, dim)) @ torch.arange(28.0) / light.sum(dim=(1, 2, 3))


def test_without_limits_or_with_those_of_strong_augmentation_nothing_changes_but_where_it_is_strong() -> None:
    images = image_of((14, 14), (6, 20))
    strong = {"bend": 2, "stroke": 0.5, "sharp": 0.5}
    torch.testing.assert_close(light(images, **strong), images - EMPTY, atol=1e-5, rtol=0)
    changed = light(images, strong=True, **strong) - (images - EMPTY)
    assert changed.abs().amax(dim=(1, 2, 3)).min() > 0.01
    torch.testing.assert_close(light(images), images - EMPTY, atol=1e-5, rtol=0)


def test_a_shift_stays_within_its_limit_and_the_empty_is_filled() -> None:
    moved = light(image_of((14, 14)), shift=2)
    assert 1 <= (center(moved, 3) - 14).abs().max() <= 2.01
    assert moved.min() >= -1e-6


def test_a_turn_goes_as_far_as_its_limit() -> None:
    assert 3 <= (center(light(image_of((4, 14)), degrees=30), 2) - 13.75).abs().max() <= 6


def test_every_digit_moves_on_its_own_and_is_never_mirrored() -> None:
    assert not MNIST.mirror
    moved = light(image_of((14, 4)), MNIST)
    assert len({image.numpy().tobytes() for image in moved}) == 64
    assert moved[..., 14:].abs().max() < 1e-5


def test_clothing_is_mirrored_half_the_time() -> None:
    mirrored = light(image_of((14, 4)), mirror=True)[..., 14:].amax(dim=(1, 2, 3)) > 1
    assert 16 <= int(mirrored.sum()) <= 48


def test_shading_changes_the_object_and_leaves_the_background_empty() -> None:
    images, limits = image_of((4, 7), (20, 11)), replace(NOTHING, gamma=0.7)
    images[:, :, 4, 7] = 0.5
    shaded = shade(images, replace(limits, negate=0.5), EMPTY, white=2.0)
    assert torch.equal(shaded[images == EMPTY], images[images == EMPTY])
    assert len(shaded[:, 0, 4, 7].unique()) == 64
    assert 16 <= int((shaded[:, 0, 20, 11] < 0).sum()) <= 48
    assert shaded.max() <= 2.0 + 1e-6
    half = shade(images, limits, EMPTY, white=2.0, share=0.5)
    assert 16 <= int(((half - images).abs().amax(dim=(1, 2, 3)) < 1e-6).sum()) <= 48


def test_half_the_strength_is_half_of_every_limit_but_mirrors_and_keeps_sharp_as_before() -> None:
    half = DATASETS["fashion_mnist"].augmentation.scaled(0.5)
    assert (half.scale, half.shift, half.gamma, half.negate, half.erase) == (0.025, 0.5, 0.35, 0.125, 0.25)
    assert (half.mirror, half.sharp) == (True, 0.5)
    assert MNIST.scaled(1.0) == MNIST


def test_a_bend_stays_within_its_limit_and_neighbors_go_alike() -> None:
    bent = light(image_of((14, 4), (14, 5), (14, 24)), strong=True, bend=2)
    left, right = (center(torch.nn.functional.pad(half, (0, 14)), 3) for half in (bent[..., :14], bent[..., 14:]))
    assert 0.7 <= (left - 14).abs().max() <= 3
    assert (left - right).abs().max() > 1, "far from each other they go on their own"
    assert bent[..., 2:8].amax(dim=(1, 2, 3)).min() > 0.3, "the pair is still a pair"


@pytest.mark.parametrize(("limit", "least", "most"), [(0.0, 1, 1), (0.6, 0.3, 7)])
def test_strokes_become_thicker_and_thinner(limit: float, least: float, most: float) -> None:
    images = image_of(*((row, column) for row in range(5, 23) for column in (13, 14, 15)))
    changed = light(images, strong=True, stroke=limit)
    ink = (changed.sum(dim=(1, 2, 3)) / (images - EMPTY).sum(dim=(1, 2, 3))).tolist()
    assert least <= min(ink) <= max(ink) <= most
    assert (min(ink) < 0.8 and max(ink) > 1.2) == bool(limit)


def test_sharp_images_move_by_whole_pixels() -> None:
    limits = Augmentation(degrees=9, shear=0.2, scale=0.1, shift=2, mirror=True, bend=2, sharp=1.0)
    moved = light(image_of((14, 11)), limits, strong=True)
    assert torch.allclose(moved.amax(dim=(1, 2, 3)), torch.tensor(2.0 - EMPTY), atol=1e-4)
    assert ((moved > 1e-3).sum(dim=(1, 2, 3)) == 1).all(), "one pixel, as before"
    places = {divmod(int(image.argmax()), 28) for image in moved}
    assert {column > 13 for _, column in places} == {True, False}, "mirrored and not"
    assert len(places) > 10


def is_rectangle(mask: Tensor) -> bool:
    return torch.equal(mask, mask.any(dim=1)[:, None] & mask.any(dim=0)[None])


def test_a_rectangle_is_erased_from_its_share_of_the_images() -> None:
    images = torch.full((400, 1, 28, 28), 0.5)
    changed = erase(images, 0.25, EMPTY, 2.0) != images
    erased = changed.flatten(1).sum(dim=1)
    assert 60 <= int((erased > 0).sum()) <= 140
    inside = erased[erased > 0] / 28**2
    assert 0.01 < inside.min() < 0.1 < 0.25 < inside.max() < 0.4
    assert all(is_rectangle(mask) for mask in changed[erased > 0][:, 0])


def test_a_part_of_another_image_is_put_into_a_share_of_them() -> None:
    images = torch.arange(400.0)[:, None, None, None].expand(400, 1, 28, 28)
    mixed, others, own = cut_mix(images, 0.5)
    for image, (mask,), other, share in zip(range(400), mixed != images, others.tolist(), own.tolist(), strict=True):
        assert set(mixed[image].unique().tolist()) <= {image, other}
        assert other == image or share == pytest.approx(1 - float(mask.float().mean()))
        assert is_rectangle(mask)
    assert 150 <= int((own < 1).sum()) <= 250
    assert 0.35 < float(own[own < 1].mean()) < 0.65, "any part of the image"
    assert float(own.min()) < 0.1
