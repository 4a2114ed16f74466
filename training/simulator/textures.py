"""Backgrounds of photographs: from (height, width) and a generator to (H, W, 3) float32 from 0 to 255."""

import cv2
import numpy as np

from inkwear.preprocess.steps import Floats

Size = tuple[int, int]


def white(size: Size, rng: np.random.Generator) -> Floats:
    """Draw the white of a shop's page, as behind the products of Fashion-MNIST (#fdfdfd)."""
    return _even(size, np.full(3, rng.integers(250, 256)))


def off_white(size: Size, rng: np.random.Generator) -> Floats:
    """Draw a wall or a sheet."""
    return _even(size, rng.uniform(185, 245) + rng.uniform(-10, 10, 3))


def plain(size: Size, rng: np.random.Generator) -> Floats:
    """Draw an even color."""
    return _even(size, rng.uniform(20, 245, 3))


def dark(size: Size, rng: np.random.Generator) -> Floats:
    """Draw a dark table."""
    return _even(size, rng.uniform(5, 70) + rng.uniform(0, 25, 3))


def gradient(size: Size, rng: np.random.Generator) -> Floats:
    """Draw a gradient from one color to a similar one."""
    first = rng.uniform(60, 245, 3)
    second = (first + rng.uniform(-60, 60, 3)).clip(0, 255)
    y, x = np.mgrid[0 : 1 : size[0] * 1j, 0 : 1 : size[1] * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    share = ((along - along.min()) / np.ptp(along))[..., None]
    return (first + (second - first) * share).astype(np.float32)


def wood(size: Size, rng: np.random.Generator) -> Floats:
    """Draw planks with a grain, along or across."""
    height, width = size
    grain = _noise((height, width), rng, (0.004 * width + 0.6, 0.12 * width)) + 0.5 * _noise(size, rng, (1, 4))
    plank = rng.uniform(0.15, 0.4) * height
    starts = (np.arange(height) + rng.uniform(0, plank)) // plank
    tones = rng.uniform(-18, 18, int(starts.max()) + 1)
    seams = np.where(np.diff(starts, prepend=starts[0]) > 0, rng.uniform(20, 70), 0)
    light = grain * rng.uniform(6, 18) + (tones[starts.astype(int)] - seams)[:, None]
    brown = rng.uniform(70, 215) * np.array([1.1, rng.uniform(0.8, 1), rng.uniform(0.55, 0.95)])
    return _turned(_shaded(brown, light), size, rng)


def carpet(size: Size, rng: np.random.Generator) -> Floats:
    """Draw a carpet, grainy and in patches."""
    grain = _noise(size, rng, (0.8, 0.8)) * rng.uniform(10, 28)
    patches = _noise(size, rng, (size[0] / 12, size[1] / 12)) * rng.uniform(3, 15)
    return _shaded(rng.uniform(40, 210) + rng.uniform(-35, 35, 3), grain + patches)


def cloth(size: Size, rng: np.random.Generator) -> Floats:
    """Draw a bedspread with large soft folds and a weave."""
    folds = _noise(size, rng, tuple(rng.uniform(0.03, 0.12, 2) * size)) * rng.uniform(8, 22)
    weave = _noise(size, rng, (0.7, 0.7)) * rng.uniform(1, 6)
    return _shaded(rng.uniform(60, 235) + rng.uniform(-60, 60, 3), folds + weave)


def tiles(size: Size, rng: np.random.Generator) -> Floats:
    """Draw a floor of tiles with joints, each tile a little different."""
    side, joint = rng.uniform(0.18, 0.5) * min(size), rng.uniform(1, 4)
    y, x = np.mgrid[: size[0], : size[1]] + rng.uniform(0, side, 2)[:, None, None]
    tone = rng.normal(0, 6, (64, 64))[(y // side).astype(int) % 64, (x // side).astype(int) % 64]
    joints = np.where((y % side < joint) | (x % side < joint), rng.uniform(-60, 40), 0)
    stone = _noise(size, rng, (2, 2)) * rng.uniform(1, 8)
    return _shaded(rng.uniform(90, 230) + rng.uniform(-20, 20, 3), tone + joints + stone)


def pattern(size: Size, rng: np.random.Generator) -> Floats:
    """Draw stripes, squares or ornaments of two or three colors."""
    y, x = np.mgrid[: size[0], : size[1]] / rng.uniform(0.04, 0.15) / min(size)
    waves = np.sin(2 * np.pi * x + rng.uniform(0, 6)), np.sin(2 * np.pi * y + rng.uniform(0, 6))
    shape = (waves[0], waves[0] * waves[1], waves[0] + waves[1], _noise(size, rng, (6, 6)))[rng.integers(4)]
    light = cv2.GaussianBlur(np.sign(shape).astype(np.float32), (0, 0), 1) * rng.uniform(8, 35)
    colors = _shaded(rng.uniform(60, 220) + rng.uniform(-40, 40, 3), light)
    return (colors + light[..., None] * rng.uniform(-0.8, 0.8, 3)).clip(0, 255).astype(np.float32)


def _even(size: Size, color: np.ndarray) -> Floats:
    return np.tile(color.clip(0, 255).astype(np.float32), (*size, 1))


def _noise(size: Size, rng: np.random.Generator, deviations: tuple[float, float]) -> Floats:
    """Draw noise of mean 0 and deviation 1, blurred by ``deviations`` in pixels, vertical and horizontal."""
    shrink = max(1.0, min(deviations) / 2)
    coarse = [max(4, round(side / shrink)) for side in size]
    noise = rng.standard_normal(coarse, np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), deviations[1] / shrink, sigmaY=deviations[0] / shrink)
    noise = cv2.resize(noise, size[::-1], interpolation=cv2.INTER_LINEAR)
    return noise / max(float(noise.std()), 1e-6)


def _shaded(color: np.ndarray, light: np.ndarray) -> Floats:
    """Vary the lightness of a color by ``light`` gray levels: (3,) and (H, W) -> (H, W, 3)."""
    return (color * (1 + light[..., None] / max(float(color.mean()), 60))).clip(0, 255).astype(np.float32)


def _turned(picture: Floats, size: Size, rng: np.random.Generator) -> Floats:
    """Turn a picture by a right angle half of the time."""
    if rng.random() < 0.5:
        return picture
    return cv2.resize(np.ascontiguousarray(picture.transpose(1, 0, 2)), size[::-1], interpolation=cv2.INTER_AREA)
