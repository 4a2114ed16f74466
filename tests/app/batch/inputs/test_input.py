import os
from pathlib import Path

import numpy as np

from app.batch.inputs.input import Failure, Input, failed, fingerprint_of, or_else


def test_a_fingerprint_changes_with_the_file_and_its_listing(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    prints = [fingerprint_of([Input(str(path))])]
    path.write_bytes(b"one")
    prints.append(fingerprint_of([Input(str(path))]))
    assert fingerprint_of([Input(str(path))]) == prints[-1]
    os.utime(path, ns=(1, 1))
    prints.append(fingerprint_of([Input(str(path))]))
    prints.append(fingerprint_of([Input(str(path), None, b"listing")]))
    prints.append(fingerprint_of([Input(str(path), b"in memory")]))
    assert len(set(prints)) == len(prints)


def test_bytes_in_memory_are_counted() -> None:
    sources = (None, b"four", np.zeros((2, 3), np.uint8), Failure("empty", "no"))
    assert [Input("a", source).held_bytes for source in sources] == [0, 4, 6, 0]


def test_nothing_is_replaced_by_a_failure() -> None:
    nothing = failed("a", "empty", "holds nothing")
    assert nothing.source == Failure("empty", "a: holds nothing.")
    assert list(or_else(iter([]), nothing)) == [nothing]
    assert [item.path for item in or_else(iter([Input("b"), Input("c")]), nothing)] == ["b", "c"]
