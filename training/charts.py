"""Charts of runs and exports, drawn from plain numbers and saved as a file or embedded in a page.

matplotlib is imported when the first chart is drawn: that takes half a second, long for a run of a few seconds.
"""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkwear.files import atomic_path
from inkwear.preprocess.spec import Pixels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GRAY, RED = "#1f2933", "#8a8f98", "#d1495b"


@dataclass(frozen=True)
class Point:
    """The cost of a network, in time an image and in size of its file, and its accuracy from 0 to 1."""

    name: str
    milliseconds: float
    kilobytes: float
    accuracy: float


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def curves(history: list[dict[str, float]]) -> "Figure":
    """Draw loss and accuracy of training and validation over the epochs of ``history``."""
    from matplotlib import ticker

    figure = _figure(9, 3.6)
    epochs = [epoch["epoch"] for epoch in history]
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, color in (("train", GRAY), ("validation", RED)):
            axes.plot(epochs, [epoch[f"{part}_{measure}"] for epoch in history], label=part, color=color, marker=".")
        axes.set(xlabel="epoch", title=measure)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        _plain(axes)
    axes.yaxis.set_major_formatter(ticker.PercentFormatter(xmax=1))
    axes.legend(frameon=False)
    return figure


def learning_rates(rates: list[float], losses: list[float], suggestion: float) -> "Figure":
    """Draw the loss over the learning rates of a sweep, and mark the suggested rate.

    Args:
        rates: of the sweep, growing.
        losses: smoothed training loss at each rate.
        suggestion: the rate to mark.
    """
    figure = _figure(6, 3.6)
    axes = figure.subplots()
    axes.plot(rates, losses, color=INK)
    axes.axvline(suggestion, color=RED, linestyle="--")
    axes.annotate(f" {suggestion:.2g}", (suggestion, max(losses)), color=RED, va="top")
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss, smoothed")
    _plain(axes)
    return figure


def confusion(counts: NDArray[np.int64], class_names: tuple[str, ...]) -> "Figure":
    """Draw how often each class (row) was classified as each class (column); right answers stay pale."""
    figure = _figure(6.4, 5.6)
    axes = figure.subplots()
    mistakes = counts - np.diag(np.diag(counts))
    axes.imshow(mistakes, cmap="Reds", vmin=0, vmax=max(1, mistakes.max()))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = row != column and count > 0.6 * mistakes.max()
            color = GRAY if row == column else "white" if dark else INK
            axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set(xlabel="read as", ylabel="is")
    axes.spines[:].set_visible(False)
    return figure


def reliability(confidence: NDArray[np.float64], accuracy: NDArray[np.float64], share: NDArray[np.float64]) -> "Figure":
    """Draw accuracy over confidence in bins; on the diagonal confidence equals accuracy.

    Args:
        confidence: (bins,) mean confidence of a bin.
        accuracy: (bins,) share of its images that were classified right.
        share: (bins,) share of all images, drawn as the size of the dot.
    """
    from matplotlib import ticker

    figure = _figure(4.4, 4.2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GRAY, linestyle="--", linewidth=1)
    axes.plot(confidence, accuracy, color=RED)
    axes.scatter(confidence, accuracy, s=20 + 400 * share, color=RED, alpha=0.8, clip_on=False)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(ticker.PercentFormatter(xmax=1))
    _plain(axes)
    return figure


def frontier(measured: dict[str, list[Point]]) -> "Figure":
    """Draw accuracy over latency and over size, a row a data set; the line joins networks that no cheaper one beats."""
    figure = _figure(9, 3.8 * len(measured))
    panels = []
    for (title, points), (left, right) in zip(
        measured.items(), figure.subplots(len(measured), 2, squeeze=False), strict=True
    ):
        left.set(ylabel=f"{title}: test accuracy", xlabel="ms an image")
        right.set(xlabel="kB")
        panels.append((left, points, [(point.milliseconds, point.accuracy) for point in points]))
        panels.append((right, points, [(point.kilobytes, point.accuracy) for point in points]))
    for axes, _, places in panels:
        _frontier(axes, places)
    figure.draw_without_rendering()  # places the points, which the names are moved away from
    for axes, points, places in panels:
        _name_points(axes, [point.name for point in points], places)
    return figure


def _frontier(axes: "Axes", places: list[tuple[float, float]]) -> None:
    from matplotlib import ticker

    costs, accuracies = np.array(places).T
    best = unbeaten(places)
    axes.step(costs[best], accuracies[best], where="post", color=RED, linewidth=1, alpha=0.6)
    axes.scatter(costs, accuracies, s=18, c=_colors(places), zorder=3)
    axes.set_xscale("log")
    # From 99.0 to 99.5 % is as far as from 90 to 95 %: half of the mistakes. Such an axis cannot show 100 %.
    axes.set_yscale("function", functions=(lambda y: -np.log(np.maximum(1 - y, 1e-6)), lambda z: 1 - np.exp(-z)))
    axes.margins(x=0.2, y=0.1)
    axes.yaxis.set_major_locator(ticker.FixedLocator(_ticks(accuracies)))
    axes.yaxis.set_major_formatter(ticker.PercentFormatter(xmax=1, decimals=1))
    _plain(axes)


def _colors(places: list[tuple[float, float]]) -> list[str]:
    best = unbeaten(places)
    return [RED if index in best else GRAY for index in range(len(places))]


def _ticks(accuracies: NDArray[np.float64]) -> list[float]:
    """Return round accuracies between the worst and the best, denser towards 1."""
    steps = [0.5, 0.6, 0.7, 0.8, 0.84, 0.88, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.994, 0.996, 0.998]
    return [step for step in steps if accuracies.min() - 0.01 <= step <= accuracies.max() + 0.001]


def _name_points(axes: "Axes", names: list[str], places: list[tuple[float, float]]) -> None:
    """Write each name near its point, apart from the others, with a line to the point where it is far away."""
    from adjustText import adjust_text

    texts = [
        axes.text(*place, name, fontsize=7, color=color)
        for name, place, color in zip(names, places, _colors(places), strict=True)
    ]
    line = {"arrowstyle": "-", "color": GRAY, "linewidth": 0.5}
    # Limited by steps; limited by time, which is the default, the result would depend on the machine.
    adjust_text(texts, ax=axes, expand=(1.3, 1.8), min_arrow_len=2, iter_lim=1000, arrowprops=line)


def unbeaten(points: list[tuple[float, float]]) -> list[int]:
    """Return the indices of (cost, accuracy) that no point as cheap beats in accuracy, the cheapest first."""
    found: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1])):
        if not found or points[index][1] > points[found[-1]][1]:
            found.append(index)
    return found


def filters(weights: NDArray[np.float32]) -> "Figure":
    """Draw the weights (K, H, W) of a first layer side by side: white adds, black subtracts."""
    columns = min(len(weights), 16)
    rows = -(-len(weights) // columns)
    figure = _figure(0.55 * columns, 0.55 * rows)
    for axes, weight in zip(figure.subplots(rows, columns, squeeze=False).flat, weights, strict=False):
        limit = float(np.abs(weight).max()) or 1.0
        axes.imshow(weight, cmap="gray", vmin=-limit, vmax=limit)
    for axes in figure.axes:
        axes.set_axis_off()
    return figure


def save(figure: "Figure", path: Path) -> None:
    """Write a figure as PNG, atomically."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)


def as_svg(figure: "Figure") -> str:
    """Return a figure as a ``data:`` address for an image inside a page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def as_png(pixels: Pixels) -> str:
    """Return a gray picture, (H, W) uint8, as a ``data:`` address for an image inside a page."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _plain(axes: "Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
