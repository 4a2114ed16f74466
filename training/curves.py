"""The curves of a run as a picture: loss and accuracy over epochs."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from training.files import atomic_path


def save_curves(history: list[dict[str, float]], path: Path) -> None:
    """Draw loss and accuracy, of training and validation, over the epochs of ``history``; written atomically."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [epoch["epoch"] for epoch in history]
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, colour in (("train", "#8a8f98"), ("validation", "#d1495b")):
            axes.plot(epochs, [epoch[f"{part}_{measure}"] for epoch in history], label=part, color=colour, marker=".")
        axes.set(xlabel="epoch", title=measure)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.legend(frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=120)
