from pathlib import Path

import numpy as np

from inkwear.numbers.line_reader import ROWS
from training.simulator.lines import make_lines


def test_a_line_depends_on_its_number_and_on_nothing_else(data_dir: Path) -> None:
    together = make_lines("mnist", 100, 0, data_dir, first=0, count=8)
    later = make_lines("mnist", 100, 0, data_dir, first=5, count=3)
    for (strip, classes), (same, likewise) in zip(together[5:], later, strict=True):
        assert classes == likewise
        assert np.array_equal(strip, same)
    assert all(strip.shape[0] == ROWS and strip.max() > 100 for strip, _ in together)
    assert len({classes for _, classes in together}) > 4
