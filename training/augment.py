"""Random changes to a whole batch at once; all keep the class of an image but ``cut_mix``, which shares it out.

A digit is never mirrored: a flipped 2 is no 2, a turned 6 is a 9.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate, max_pool2d

from training.datasets import Augmentation


def augment(images: Tensor, augmentation: Augmentation, background: float, *, strong: bool = False) -> Tensor:
    """Move every image of a batch by an amount of its own: (N, 1, H, W) -> (N, 1, H, W).

    Args:
        images: normalized.
        augmentation: the limits.
        background: the value of an empty pixel, which also fills what moves in from outside.
        strong: whether images are also bent, their strokes made thicker or thinner, and some kept sharp.
    """
    matrices, light = _random_affine(images, augmentation), images - background
    if strong:
        sharp = (torch.rand(len(images), device=images.device) < augmentation.sharp)[:, None, None]
        matrices = torch.where(sharp, _whole_pixels(matrices, images.shape[-1]), matrices)
    grid = affine_grid(matrices, list(images.shape), align_corners=False)
    if strong and augmentation.bend:
        grid = grid + _random_bends(images, augmentation.bend).masked_fill(sharp[..., None], 0)
    if strong and augmentation.stroke:
        light = _change_strokes(light, augmentation.stroke)
    return grid_sample(light, grid, align_corners=False) + background


def erase(images: Tensor, share: float, background: float, white: float) -> Tensor:
    """Replace a rectangle of a ``share`` of the images by noise: (N, 1, H, W) -> (N, 1, H, W).

    The rectangle takes 2 to 33 % of the image, and one side is at most 3.3 times the other; what would lie outside of
    the image is cut off (Zhong et al., "Random erasing data augmentation", 2017, section 3).

    Args:
        images: normalized.
        share: of the images, drawn at random.
        background: the value of an empty pixel.
        white: the value of a full one.
    """
    count, device = len(images), images.device
    area = torch.empty(count, device=device).uniform_(0.02, 0.33)
    aspect = torch.empty(count, device=device).uniform_(-math.log(3.3), math.log(3.3)).exp()
    erased = _rectangles(images, (area * aspect).sqrt(), (area / aspect).sqrt())
    erased &= (torch.rand(count, device=device) < share)[:, None, None, None]
    return torch.where(erased, torch.empty_like(images).uniform_(background, white), images)


def cut_mix(images: Tensor, share: float) -> tuple[Tensor, Tensor, Tensor]:
    """Replace a rectangle of a ``share`` of the images by the same part of another image of the batch.

    The rectangle takes any part of the image, with the image's own proportions (Yun et al., "CutMix", 2019, section
    3.1, there with one draw for the whole batch).

    Returns:
        The images (N, 1, H, W), the index of the other image (N,) for each, and the share (N,) of each that is its own.
    """
    count, device = len(images), images.device
    side = torch.rand(count, device=device).sqrt() * (torch.rand(count, device=device) < share)
    foreign = _rectangles(images, side, side)
    others = torch.randperm(count, device=device)
    return torch.where(foreign, images[others], images), others, 1 - foreign.float().mean(dim=(1, 2, 3))


def shade(images: Tensor, augmentation: Augmentation, background: float, white: float, share: float = 1.0) -> Tensor:
    """Change the light inside of every object, and leave the background empty: (N, 1, H, W) -> (N, 1, H, W).

    Args:
        images: normalized.
        augmentation: the limits.
        background: the value of an empty pixel.
        white: the value of a full one.
        share: of the images, drawn at random; the others stay as they are.
    """
    light = (images - background) / (white - background)
    each = (len(images), 1, 1, 1)
    exponent = ((torch.rand(each, device=images.device) * 2 - 1) * augmentation.gamma).exp()
    changed = light.clamp(0, 1).pow(exponent)
    negated = torch.rand(each, device=images.device) < augmentation.negate
    changed = torch.where(negated, 1 - 0.9 * changed, changed)
    inside = light > 0.02  # a little more than what moving an image by a fraction of a pixel leaves outside
    if share < 1:
        inside &= torch.rand(each, device=images.device) < share
    return torch.where(inside, changed, light) * (white - background) + background


def _rectangles(images: Tensor, heights: Tensor, widths: Tensor) -> Tensor:
    """Draw a rectangle anywhere in each image, its (N,) sides as fractions of the image's: (N, 1, H, W) masks."""
    count, device = len(images), images.device

    def inside(size: int, side: Tensor) -> Tensor:
        first = torch.rand(count, device=device) * (1 - side).clamp(min=0) * size
        place = torch.arange(size, device=device) + 0.5
        return (place >= first[:, None]) & (place < (first + side * size)[:, None])

    rows, columns = inside(images.shape[-2], heights), inside(images.shape[-1], widths)
    return rows[:, None, :, None] & columns[:, None, None, :]


BEND_POINTS = 5
"""Points a side of an image that are displaced at random; the pixels between follow them smoothly."""


def _random_bends(images: Tensor, limit: float) -> Tensor:
    """Draw displacements of at most ``limit`` pixels: (N, H, W, 2), in the units of ``affine_grid``.

    Elastic deformation (Simard, Steinkraus, Platt, "Best practices for convolutional neural networks", 2003, section
    2), with an enlarged coarse grid instead of blurred fine noise.
    """
    coarse = (torch.rand(len(images), 2, BEND_POINTS, BEND_POINTS, device=images.device) * 2 - 1) * limit
    smooth = interpolate(coarse, size=images.shape[-2:], mode="bicubic", align_corners=True)
    return smooth.permute(0, 2, 3, 1) * (2 / images.shape[-1])


def _change_strokes(light: Tensor, limit: float) -> Tensor:
    """Move each image, 0 where it is empty, part of the way to its dilation or its erosion by a pixel."""
    thick, thin = max_pool2d(light, 3, stride=1, padding=1), -max_pool2d(-light, 3, stride=1, padding=1)
    part = (torch.rand(len(light), 1, 1, 1, device=light.device) * 2 - 1) * limit
    return torch.where(part > 0, light + part * (thick - light), light - part * (thin - light))


def _whole_pixels(matrices: Tensor, size: int) -> Tensor:
    """Reduce (N, 2, 3) matrices to mirroring and a shift, rounded to pixels of an image of ``size``."""
    whole = torch.zeros_like(matrices)
    whole[:, 0, 0], whole[:, 1, 1] = matrices[:, 0, 0].sign(), 1
    whole[:, :, 2] = (matrices[:, :, 2] * size / 2).round() * 2 / size
    return whole


def _random_affine(images: Tensor, limits: Augmentation) -> Tensor:
    """Draw (N, 2, 3) matrices from output to input coordinates, both from -1 to 1 (``affine_grid``)."""
    count, half_side = len(images), images.shape[-1] / 2

    def uniform(limit: float, columns: int) -> Tensor:
        return (torch.rand(count, columns) * 2 - 1) * limit

    angle = uniform(math.radians(limits.degrees), 1)[:, 0]
    cos, sin = angle.cos(), angle.sin()
    rotation = torch.stack([cos, -sin, sin, cos], dim=1).view(count, 2, 2)
    slant = torch.eye(2).repeat(count, 1, 1)
    slant[:, 0, 1] = uniform(limits.shear, 1)[:, 0]
    stretch = 1 + uniform(limits.scale, 2)
    if limits.mirror:
        stretch[:, 0] *= torch.randint(0, 2, (count,)) * 2 - 1
    shift = uniform(limits.shift / half_side, 2)
    matrices = torch.cat([rotation @ slant * stretch.unsqueeze(1), shift.unsqueeze(2)], dim=2)
    return matrices.to(images.device)
