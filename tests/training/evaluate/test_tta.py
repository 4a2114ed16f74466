from pathlib import Path

import numpy as np

from tests.training.commands import invoke
from training.evaluate.__main__ import cli
from training.evaluate.tta import views


def test_views_are_shifted_and_mirrored_and_lose_no_pixel_inside() -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 10, 4] = 200
    seen = list(views(images, mirror=True))
    assert np.array_equal(seen[0], images)
    places = [tuple(int(i) for i in np.argwhere(view[0])[0]) for view in seen]
    assert places == [(10, 4), (10, 5), (10, 3), (11, 4), (9, 4), (10, 23), (10, 24), (10, 22), (11, 23), (9, 23)]
    assert len(list(views(images, mirror=False))) == 5


def test_evaluate_averages_over_views(export: Path, data_dir: Path) -> None:
    output = invoke(cli, str(export), "--views", f"--data-dir={data_dir}")
    assert "of 200 right" in output
    assert int(output.split()[0]) > 180
