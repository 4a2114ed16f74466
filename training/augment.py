"""Random changes that leave the class as it is, made on a whole batch at once.

A digit is never mirrored: a flipped 2 is no 2, a turned 6 is a 9.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample


@dataclass(frozen=True)
class Augmentation:
    """How far an image may be moved, drawn evenly from either side of zero.

    Attributes:
        degrees: of rotation.
        shear: pixels to the side per pixel upward.
        scale: fraction, of each axis for itself.
        shift: pixels, of each axis for itself.
        mirror: whether left and right may be exchanged.
        gamma: the logarithm of the exponent that brightens or darkens the object.
        negate: how often light and dark are exchanged inside of the object, as a fraction.
    """

    degrees: float
    shear: float
    scale: float
    shift: float
    mirror: bool
    gamma: float = 0.0
    negate: float = 0.0


def augment(images: Tensor, augmentation: Augmentation, background: float) -> Tensor:
    """Move every image of a batch on its own: (N, 1, H, W) -> (N, 1, H, W).

    Args:
        images: normalised.
        augmentation: the limits.
        background: the value of an empty pixel, which also fills what moves in from outside.
    """
    grid = affine_grid(_random_affine(images, augmentation), list(images.shape), align_corners=False)
    return grid_sample(images - background, grid, align_corners=False) + background


def shade(images: Tensor, augmentation: Augmentation, background: float, white: float) -> Tensor:
    """Change the light inside of every object on its own, and leave the background empty: (N, 1, H, W) alike.

    Args:
        images: normalised.
        augmentation: the limits.
        background: the value of an empty pixel.
        white: the value of a full one.
    """
    light = (images - background) / (white - background)
    each = (len(images), 1, 1, 1)
    exponent = ((torch.rand(each, device=images.device) * 2 - 1) * augmentation.gamma).exp()
    changed = light.clamp(0, 1).pow(exponent)
    negated = torch.rand(each, device=images.device) < augmentation.negate
    changed = torch.where(negated, 1 - 0.9 * changed, changed)
    inside = light > 0.02  # a little more than what moving an image by a fraction of a pixel leaves outside
    return torch.where(inside, changed, light) * (white - background) + background


def _random_affine(images: Tensor, limits: Augmentation) -> Tensor:
    """(N, 2, 3) matrices from output to input coordinates, both from -1 to 1 (``affine_grid``)."""
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
