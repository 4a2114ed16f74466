from itertools import combinations

import pytest

from training.charts import Point, frontier, unbeaten


def test_the_frontier_is_what_nothing_quicker_beats() -> None:
    points = [(3.0, 0.99), (1.0, 0.95), (1.0, 0.96), (2.0, 0.94), (4.0, 0.98), (5.0, 0.995)]
    assert unbeaten(points) == [2, 0, 5]


@pytest.mark.slow
def test_names_of_points_that_lie_together_do_not_cover_each_other() -> None:
    points = [Point(f"network_{i}", 0.1 + i / 1000, 200 + i, 0.99 + i / 1e5) for i in range(5)]
    figure = frontier({"MNIST digits": [*points, Point("far", 9, 9000, 0.9)]})
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
        assert len(boxes) == 6
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
