import random
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from app.batch.inputs.arguments import Inputs
from app.batch.inputs.input import Input
from tests.app.archives.packed import png
from tests.mutations import mutants
from tests.peak import COUNT_INPUTS, only_linux, peak_of

PICTURES = [png(digit) for digit in "0123456789"] * 5


def items(path: Path) -> list[Input]:
    return list(Inputs([str(path)]))


def as_hugging_face(pictures: list[bytes | None]) -> pa.Table:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": picture, "path": "a.png"} for picture in pictures]
    return pa.table({"label": pa.array(range(len(rows))), "image": pa.array(rows, kind)})


@pytest.mark.parametrize(
    "table",
    [
        as_hugging_face(PICTURES),
        pa.table({"data": pa.array(PICTURES, pa.binary()), "name": ["a"] * 50}),
        pa.table({"data": pa.array(PICTURES, pa.large_binary())}),
        pa.table({"mask": pa.array([b"-"] * 50), "image": pa.array(PICTURES, pa.binary())}),
    ],
    ids=["struct", "binary", "large", "two"],
)
def test_the_column_of_pictures_is_read_group_by_group(tmp_path: Path, table: pa.Table) -> None:
    path = tmp_path / "test.parquet"
    parquet.write_table(table, path, row_group_size=7)
    found = items(path)
    assert [item.path for item in found] == [f"{path}#{index}" for index in range(50)]
    assert [item.source for item in found] == PICTURES
    other = path.rename(tmp_path / "f\udcfcnf.parquet")
    assert [item.source for item in items(other)] == PICTURES


def test_a_table_without_a_clear_column_and_a_bomb_are_a_row(tmp_path: Path) -> None:
    zeros = [bytes(12_000_000)] * 3
    for columns, code, reason in (
        ({"label": [1], "path": ["a.png"]}, "table_damaged", "It has label (int64), path (string); accepted is a"),
        ({"left": [b"a"], "right": [b"b"]}, "table_damaged", "of several, one named image"),
        ({"image": zeros}, "archive_refused", "rows 0 to 2 cannot be read"),
    ):
        path = tmp_path / "test.parquet"
        parquet.write_table(pa.table(columns), path, compression="zstd", use_dictionary=False)
        [only] = items(path)
        assert only.source.code == code
        assert reason in only.source.sentence


def test_rows_without_bytes_and_tables_without_rows(tmp_path: Path) -> None:
    parquet.write_table(as_hugging_face([PICTURES[0], None, PICTURES[1]]), tmp_path / "a.parquet")
    parquet.write_table(as_hugging_face([]), tmp_path / "b.parquet")
    first, without, last, empty = items(tmp_path)
    assert (first.source, last.source) == (PICTURES[0], PICTURES[1])
    assert (without.path, without.source.code) == (f"{tmp_path}/a.parquet#1", "empty")
    assert (empty.path, empty.source.code) == (f"{tmp_path}/b.parquet", "empty")


def test_a_damaged_group_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "test.parquet"
    parquet.write_table(as_hugging_face(PICTURES), path, row_group_size=10, compression="zstd", use_dictionary=False)
    place = parquet.ParquetFile(path).metadata.row_group(2).column(1).data_page_offset
    data = bytearray(path.read_bytes())
    data[place : place + 60] = b"\xff" * 60
    path.write_bytes(data)
    sources = {item.path: item.source for item in items(path)}
    failed = sources.pop(f"{path}#20")
    assert list(sources.values()) == PICTURES[:20] + PICTURES[30:]
    assert "rows 20 to 29 cannot be read" in failed.sentence


@only_linux
@pytest.mark.slow
def test_a_group_of_any_size_takes_little_memory(tmp_path: Path) -> None:
    chance = random.Random(0)
    pictures = [chance.randbytes(100_000) for _ in range(1500)]
    path, small_pages = tmp_path / "large.parquet", {"use_dictionary": False, "write_batch_size": 16}
    parquet.write_table(as_hugging_face(pictures), path, row_group_size=1500, **small_pages)
    printed, peak = peak_of(COUNT_INPUTS, path)
    assert printed == ["1500"]
    assert peak < 200


def test_mutated_tables_give_rows_and_nothing_else(tmp_path: Path) -> None:
    """In a process of its own: what Arrow does not survive would end it."""
    whole = tmp_path / "whole.parquet"
    parquet.write_table(as_hugging_face(PICTURES), whole, row_group_size=10)
    paths = [tmp_path / f"{index}.parquet" for index in range(100)]
    for path, mutant in zip(paths, mutants(whole.read_bytes(), 100, seed=6), strict=True):
        path.write_bytes(mutant)
    printed, peak = peak_of(COUNT_INPUTS, *paths)
    assert len(printed) == 100
    assert "0" not in printed
    assert peak < 200
