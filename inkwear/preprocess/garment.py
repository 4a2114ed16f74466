"""Cutting a garment out of its background, which becomes exactly zero.

On a plain background, such as a shop's, the garment is what differs from it (``plain_background``). On any other,
GrabCut (Rother, Kolmogorov, Blake, "GrabCut", 2004) starts from several guesses of where the garment lies, and the
most plausible outline is taken.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from inkwear.preprocess.grayscale import to_grayscale
from inkwear.preprocess.masks import Mask, border, holes, without_small_parts
from inkwear.preprocess.notes import Note
from inkwear.preprocess.plain_background import before_plain
from inkwear.preprocess.scaling import shrink
from inkwear.preprocess.spec import Floats, Pixels

GRABCUT_SIDE = 96
"""Pixels of the longer side at which GrabCut runs."""

LIGHT_GARMENT = 170
"""Mean gray level from which a garment is not negated; white ones, which the data set left out, would vanish."""

PLAUSIBLE = 0.75
"""Plausibility from which an outline is taken without trying another guess."""


def cut_out(picture: Pixels) -> tuple[Floats, list[Note]]:
    """Cut the garment out of its background, negated as in Fashion-MNIST unless it is white.

    Args:
        picture: (H, W) or (H, W, 3) uint8.

    Returns:
        foreground: (h, w) float32, at most as large as the picture: 0 for background, 1 to 255 for the garment. All
            0 where nothing stands out.
        notes: what was done.
    """
    colors = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB) if picture.ndim == 2 else picture
    if plain := before_plain(colors):
        (colors, mask), notes = plain, [Note("plain_background")]
    else:
        colors = shrink(colors, GRABCUT_SIDE)
        mask, notes = _most_plausible(colors), [Note("cut_out")]
    mask, of_a_pair = _one_of_a_pair(mask)
    notes += [Note("one_of_a_pair")] if of_a_pair else []
    if not mask.any():
        return np.zeros(mask.shape, np.float32), []
    gray = to_grayscale(colors).astype(np.float32)
    if gray[mask].mean() < LIGHT_GARMENT:
        gray = 255 - gray
        notes.append(Note("negated"))
    return np.where(mask, gray.clip(1, 255), 0).astype(np.float32), notes


# ------------------------------------------------------------------------------------------------- any background


def _most_plausible(colors: Pixels) -> Mask:
    """Run GrabCut from one guess after another until an outline is plausible, and take the most plausible one."""
    cv2.setRNGSeed(0)  # k-means and GrabCut use OpenCV's generator: the same picture gets the same outline
    unusual = _distance_from_border_colors(colors)
    best, best_score = np.zeros(colors.shape[:2], bool), -1.0
    for seeds in _guesses(unusual):
        mask = _tidied(_grab_cut(colors, seeds), unusual)
        score = _plausibility(mask, unusual)
        if score > best_score:
            best, best_score = mask, score
        if score >= PLAUSIBLE:
            break
    return best


def _distance_from_border_colors(colors: Pixels) -> Floats:
    """Distance of each pixel from the border's colors, in standard deviations of the nearest of four clusters."""
    lab = cv2.cvtColor(colors, cv2.COLOR_RGB2LAB).astype(np.float32)
    samples = lab[border(lab.shape[:2])]
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    _, nearest, _ = cv2.kmeans(samples, 4, None, criteria, 1, cv2.KMEANS_PP_CENTERS)
    distances = []
    for group in (samples[nearest[:, 0] == index] for index in range(4)):
        if len(group) >= max(6, 0.04 * len(samples)):
            precision = np.linalg.inv(np.cov(group.T) + np.diag([30, 6, 6])).astype(np.float32)
            offset = lab - group.mean(axis=0)
            distances.append(np.einsum("hwi,ij,hwj->hw", offset, precision, offset))
    return np.sqrt(np.min(distances, axis=0)).astype(np.float32)


def _guesses(unusual: Floats) -> Iterator[Pixels]:
    """Yield seeds for GrabCut: unusual colors near the middle; all but the rim; all unusual colors; an ellipse."""
    height, width = unusual.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    central = np.clip(30 * np.minimum(unusual, 8) * np.exp(-(x * x + y * y) / 1.6), 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(central, 0, 255, cv2.THRESH_OTSU)
    edge = border(unusual.shape)
    probable = (
        central > threshold,
        (abs(x) < 0.85) & (abs(y) < 0.88),
        (unusual > 3) & (abs(x) < 0.93) & (abs(y) < 0.95),
        (x / 0.6) ** 2 + (y / 0.75) ** 2 < 1,
    )
    for index, guess in enumerate(probable):
        seeds = np.where(guess, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        if index == 3:
            seeds[(abs(x) < 0.12) & (abs(y) < 0.25)] = cv2.GC_FGD
        seeds[edge] = cv2.GC_BGD
        yield seeds


def _grab_cut(colors: Pixels, seeds: Pixels) -> Mask:
    if (seeds & 1).any():  # GC_FGD and GC_PR_FGD are odd
        cv2.grabCut(colors, seeds, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    return (seeds & 1).astype(bool)


def _tidied(mask: Mask, unusual: Floats) -> Mask:
    """Drop thin and small parts, and close holes except large ones that look like the background."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    kept = without_small_parts(opened.astype(bool), min_share=0.15)
    count, numbers = holes(kept)
    for hole in (numbers == index for index in range(1, count + 1)):
        if hole.sum() < 0.03 * kept.sum() or unusual[hole].mean() > 3:
            kept |= hole
    return kept


def _plausibility(mask: Mask, unusual: Floats) -> float:
    """Rate an outline from 0 to 1: a garment is large, central, compact, and unlike its background."""
    height, width = mask.shape
    area = float(mask.mean())
    if area < 0.01:
        return 0.0
    rows, columns = np.nonzero(mask)
    extent = min(np.ptp(rows) / height, np.ptp(columns) / width)
    drift = max(abs(rows.mean() / height - 0.5), abs(columns.mean() / width - 0.5))
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    solidity = mask.sum() / max(sum(cv2.contourArea(cv2.convexHull(outline)) for outline in outlines), 1)
    size = min(1, area / 0.08) * np.clip((0.85 - area) / 0.2, 0, 1) * min(1, extent / 0.2)
    unlike = np.clip(float(np.median(unusual[mask])) / 3, 0.4, 1)
    return float(size * unlike * (1 - min(1, 1.5 * drift)) * (0.5 + 0.5 * min(1, solidity)))


# ------------------------------------------------------------------------------------------------------------ masks


def _one_of_a_pair(mask: Mask) -> tuple[Mask, bool]:
    """Keep the larger of two parts of about the same size and shape, such as a pair of shoes."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count != 3:
        return mask, False
    sizes = stats[1:, [cv2.CC_STAT_AREA, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]]
    if (sizes.min(axis=0) < 0.7 * sizes.max(axis=0)).any():
        return mask, False
    return parts == 1 + int(np.argmax(sizes[:, 0])), True
