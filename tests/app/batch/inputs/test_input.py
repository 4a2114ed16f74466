import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.batch.inputs.input import Failure, Input, fingerprint_of


def test_a_fingerprint_changes_with_the_file_and_its_listing(tmp_path: Path) -> None:
    item = Input(str(tmp_path / "a.png"))
    missing = fingerprint_of([item])
    Path(item.path).write_bytes(b"one")
    there = fingerprint_of([item])
    assert fingerprint_of([item]) == there
    os.utime(item.path, ns=(1, 1))
    others = (item, replace(item, listing_digest=b"listing"), replace(item, source=b"in memory"))
    assert len({missing, there, *(fingerprint_of([other]) for other in others)}) == 5


def test_bytes_in_memory_are_counted() -> None:
    sources = (None, b"four", np.zeros((2, 3), np.uint8), Failure("empty", "no"))
    assert [Input("a", source).held_bytes for source in sources] == [0, 4, 6, 0]
