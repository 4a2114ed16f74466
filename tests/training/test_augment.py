import torch

from training.augment import Augmentation, augment, shade
from training.datasets import DATASETS

NOTHING = Augmentation(degrees=0, shear=0, scale=0, shift=0, mirror=False)
EMPTY = -0.4


def image_of(*pixels: tuple[int, int]) -> torch.Tensor:
    image = torch.full((64, 1, 28, 28), EMPTY)
    for row, column in pixels:
        image[:, :, row, column] = 2.0
    return image


def test_without_limits_nothing_changes() -> None:
    images = image_of((4, 7), (20, 11))
    torch.testing.assert_close(augment(images, NOTHING, EMPTY), images, atol=1e-5, rtol=0)


def test_a_shift_stays_within_its_limit_and_the_empty_is_filled() -> None:
    moved = augment(image_of((14, 14)), Augmentation(0, 0, 0, shift=2, mirror=False), EMPTY)
    brightness = (moved - EMPTY).squeeze(1)
    rows = brightness.sum(dim=2) @ torch.arange(28.0) / brightness.sum(dim=(1, 2))
    assert 1 <= (rows - 14).abs().max() <= 2.01
    assert moved.min() >= EMPTY - 1e-6


def test_every_image_moves_on_its_own() -> None:
    moved = augment(image_of((14, 14), (6, 20)), DATASETS["mnist"].augmentation, EMPTY)
    assert len({image.numpy().tobytes() for image in moved}) == 64


def test_a_digit_is_never_mirrored() -> None:
    assert not DATASETS["mnist"].augmentation.mirror
    left = augment(image_of((14, 4)), DATASETS["mnist"].augmentation, EMPTY)
    assert (left[..., 14:] - EMPTY).abs().max() < 1e-5


def test_clothing_is_mirrored_half_the_time() -> None:
    images = augment(image_of((14, 4)), Augmentation(0, 0, 0, 0, mirror=True), EMPTY)
    mirrored = images[..., 14:].amax(dim=(1, 2, 3)) > 0
    assert 16 <= int(mirrored.sum()) <= 48


def test_a_turn_goes_as_far_as_its_limit() -> None:
    turned = augment(image_of((4, 14)), Augmentation(degrees=30, shear=0, scale=0, shift=0, mirror=False), EMPTY)
    columns = (turned - EMPTY).sum(dim=(1, 2)) @ torch.arange(28.0) / (turned - EMPTY).sum(dim=(1, 2, 3))
    assert 3 <= (columns - 13.75).abs().max() <= 6


def test_shading_changes_the_object_and_leaves_the_background_empty() -> None:
    images = image_of((4, 7), (20, 11))
    images[:, :, 4, 7] = 0.5
    shaded = shade(images, Augmentation(0, 0, 0, 0, mirror=False, gamma=0.7, negate=0.5), EMPTY, white=2.0)
    assert torch.equal(shaded[images == EMPTY], images[images == EMPTY])
    assert len(shaded[:, 0, 4, 7].unique()) == 64
    assert 16 <= int((shaded[:, 0, 20, 11] < 0).sum()) <= 48
    assert shaded.max() <= 2.0 + 1e-6
