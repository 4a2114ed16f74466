from pathlib import Path

from app.batch.inputs.arguments import Inputs
from tests.app.archives.packed import png, tarred, zipped

PICTURES = {f"{digit}.png": png(digit) for digit in "0123456789"}


def test_damage_in_one_container_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(PICTURES)[:-300])
    (tmp_path / "b.tar.gz").write_bytes(tarred(PICTURES, "gz")[:-2000])
    (tmp_path / "c.zip").write_bytes(zipped(PICTURES))
    first, *others = (isinstance(item.source, bytes) for item in Inputs([str(tmp_path)]))
    assert not first
    assert others[-11:] == [False] + [True] * 10
    assert others[:2] == [True, True]
