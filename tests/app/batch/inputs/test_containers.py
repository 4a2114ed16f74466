from pathlib import Path

from app.batch.inputs.arguments import Inputs
from tests.app.archives.packed import png, tarred, zipped

PICTURES = {f"{digit}.png": png(digit) for digit in "0123456789"}


def test_damage_in_one_container_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(PICTURES)[:-300])
    (tmp_path / "b.tar.gz").write_bytes(tarred(PICTURES, "gz")[:-2000])
    (tmp_path / "c.zip").write_bytes(zipped(PICTURES))
    by_archive: dict[str, list[bool]] = {}
    for item in Inputs([str(tmp_path)]):
        name = Path(item.path).relative_to(tmp_path).parts[0]
        by_archive.setdefault(name, []).append(isinstance(item.source, bytes))
    assert by_archive["a.zip"] == [False]
    assert by_archive["b.tar.gz"][-1] is False
    assert sum(by_archive["b.tar.gz"]) > 2
    assert by_archive["c.zip"] == [True] * 10
