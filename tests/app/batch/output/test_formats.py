import csv
import io
import json
import os
import random
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from app.batch.output.formats import Format, as_bytes, defused, encode, format_of, header, plain
from app.batch.output.parquet_rows import DIGIT, GROUP, write
from app.batch.output.parse import of_json, rows
from app.batch.output.row import COLUMNS, Row

FORMS: tuple[Format, ...] = ("csv", "jsonl", "parquet")

PLAIN = Row(
    "pictures/5.png",
    "ok",
    "5",
    "5",
    5,
    0.9999839067459106,
    (("5", 0.9999839067459106), ("3", 1e-07)),
    ("inverted", "cut out"),
)
NUMBER = Row(
    "n.png", "unsure", "47", "4.7", None, 0.25, (), (), None, None, (("4", 0.5, 1, 2, 30, 40), ("7", 0.25, 9, 2, 3, 4))
)
ERROR = Row("gone.png", "error", error="gone.png: cannot be read (No such file); was it moved?", code="missing")

NASTY_NAMES = [
    *("=1+1.png", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "'=1", "''-1", "'plain", "=cmd|' /C calc'!A0"),
    *("a;=1+1", "a;'=1", "a\t=1", "a\n=1", 'quo"te', 'quo";=te', "com,ma", "a\r\nb", "new\nline", "\x00null"),
    *(" space ", "naïve ü 数字 🎉.png", "\u2028", "\x85", "\\udcfc", '"'),
    *map(os.fsdecode, (b"f\xfcnf.png", b"=\xff\xfe;=\x80")),
]

ROWS = [
    PLAIN,
    NUMBER,
    ERROR,
    Row("blank.png", "blank", notes=("nothing stands out from the background",)),
    *(replace(PLAIN, path=name) for name in NASTY_NAMES),
    *(replace(ERROR, path=name, error=f"{name}: the file is empty; accepted are PNG.") for name in NASTY_NAMES[:20]),
    replace(PLAIN, label="=1", top_k=(("=1", 0.5), ('T-shirt/"top";=2', 0.25), ("数", 0.25))),
    *(replace(NUMBER, text=text) for text in ("-4\n=7", "4\n\n7", '4"7', "4;-7", "'-47", "4,-\r\n7", "12 345")),
    replace(PLAIN, confidence=1.0, class_id=-1, top_k=(("5", 5e-324), ("6", 1.0))),
]


def written(tmp_path: Path, form: Format, table: list[Row]) -> Path:
    path = tmp_path / f"table.{form}"
    if form == "parquet":
        write(encode(table, form).splitlines(), str(path))
    else:
        path.write_bytes(header(form) + encode(table, form))
    return path


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_is_written_is_read_back(tmp_path: Path, form: Format) -> None:
    assert list(rows(str(written(tmp_path, form, ROWS)), form)) == ROWS


def test_what_is_written_to_parquet_is_read_back_but_for_bytes_in_sentences(tmp_path: Path) -> None:
    found = list(rows(str(written(tmp_path, "parquet", ROWS)), "parquet"))
    assert [row.path for row in found] == [row.path for row in ROWS]
    for row, expected in zip(found, ROWS, strict=True):
        assert replace(row, error=None) == replace(expected, error=None)
        if expected.error:
            assert row.error == as_bytes(expected.error).decode("utf-8", "backslashreplace")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_rows_are_encoded_one_by_one(form: Format) -> None:
    assert encode(ROWS, form) == b"".join(encode([row], form) for row in ROWS)


def test_json_lines_are_those_of_the_library() -> None:
    assert encode(ROWS, "jsonl").decode() == "".join(json.dumps(asdict(row)) + "\n" for row in ROWS)
    assert encode(ROWS, "parquet") == encode(ROWS, "jsonl")
    assert [of_json(line) for line in encode(ROWS, "jsonl").splitlines()] == ROWS


def test_json_lines_give_the_bytes_of_a_name_back() -> None:
    [name] = (
        json.loads(line)["path"]
        for line in encode([replace(PLAIN, path=os.fsdecode(b"=\xff\xfe;=\x80"))], "jsonl").splitlines()
    )
    assert os.fsencode(name) == b"=\xff\xfe;=\x80"


def test_csv_is_that_of_the_library_for_rows_that_hide_nothing() -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    for row in (PLAIN, NUMBER, ERROR):
        top_k, digits = json.dumps(dict(row.top_k)), json.dumps(row.digits)
        values = asdict(row) | {"top_k": top_k, "notes": "; ".join(row.notes), "digits": digits}
        writer.writerow(values.values())
    theirs = list(csv.reader(io.StringIO(file.getvalue(), newline="")))
    ours = encode([PLAIN, NUMBER, ERROR], "csv").decode()
    assert list(csv.reader(io.StringIO(ours, newline=""))) == theirs
    assert theirs[0][5] == "0.9999839067459106"


def test_names_stand_in_csv_as_the_bytes_they_are() -> None:
    assert encode([replace(PLAIN, path=os.fsdecode(b"f\xfcnf.png"))], "csv").startswith(b"f\xfcnf.png,ok,5,5,5,")


def test_a_surrogate_that_is_no_byte_costs_no_row() -> None:
    row = replace(PLAIN, path="a\ud800b\udcff")
    assert encode([row], "csv").startswith(b"a\\ud800b\xff,ok")
    assert of_json(encode([row], "jsonl")) == row


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_is_a_formula_whatever_the_spreadsheet_takes_for_a_separator(separator: str) -> None:
    text = as_bytes("").decode() + encode(ROWS, "csv").decode("utf-8", "surrogateescape")
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        numbers = row[4:6] if separator == "," else ()
        for cell in row:
            assert cell in numbers or not cell.lstrip('"').startswith(tuple("=+-@\t\r＝＋－＠")), row


def test_numbers_are_never_touched() -> None:
    cells = next(csv.reader([encode([replace(PLAIN, class_id=-1, confidence=1e-07)], "csv").decode()]))
    assert cells[4:6] == ["-1", "1e-07"]


def test_taking_the_apostrophe_away_gives_every_text_back() -> None:
    draw = random.Random(3)
    for _ in range(20_000):
        text = "".join(draw.choice("''=+-@\t\r\n;; a,\"＝") for _ in range(draw.randrange(8)))
        assert plain(defused(text)) == text
    assert defused("'quoted' name") == "'quoted' name"
    assert defused("a-b=c@d; e") == "a-b=c@d; e"


def test_parquet_has_types_and_the_bytes_of_odd_names(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    name = os.fsdecode(b"f\xfcnf.png")
    path = written(tmp_path, "parquet", [PLAIN, replace(PLAIN, path=name), NUMBER])
    table = pq.read_table(path)
    assert table.column_names == [*COLUMNS, "path_bytes"]
    assert table["path"].to_pylist() == ["pictures/5.png", "f\\xfcnf.png", "n.png"]
    assert table["path_bytes"].to_pylist() == [None, b"f\xfcnf.png", None]
    assert table["text"].to_pylist() == ["5", "5", "4.7"]
    assert table["class_id"].to_pylist() == [5, 5, None]
    assert table["top_k"].to_pylist()[0][1] == {"label": "3", "probability": 1e-07}
    assert table["digits"].to_pylist()[2][0] == dict(zip(DIGIT, NUMBER.digits[0], strict=True))


def test_parquet_of_many_groups_and_of_none(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    many = [replace(PLAIN, path=str(number)) for number in range(GROUP + 5)]
    path = written(tmp_path, "parquet", many)
    assert pq.ParquetFile(path).num_row_groups == 2
    assert list(rows(str(path), "parquet")) == many
    assert list(rows(str(written(tmp_path, "parquet", [])), "parquet")) == []


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"name,label\r\n", "its first line must be path,status"),
        ("old.csv", b"path,status,label,class_id,confidence\r\n", "its first line must be path,status,label,text"),
        ("b.csv", header("csv") + b"a,b\r\n", "row 2: not a row"),
        ("a.jsonl", b"[1]\n", "line 1: not a row"),
        ("b.jsonl", b"{\n", "line 1: not a row"),
        ("old.jsonl", b'{"path": "a", "status": "ok", "label": "5"}\n', "its fields must be path, status, label, text"),
        ("a.parquet", b"PAR1", "is not a Parquet file"),
    ],
)
def test_what_is_not_ours_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        list(rows(str(tmp_path / name), format_of(name)))


@pytest.mark.parametrize(
    ("output", "form", "expected"),
    [
        ("a.csv", None, "csv"),
        ("a.JSONL", None, "jsonl"),
        ("a.ndjson", None, "jsonl"),
        ("a.parquet", None, "parquet"),
        ("a.txt", "parquet", "parquet"),
        ("-", None, "csv"),
        ("-", "jsonl", "jsonl"),
    ],
)
def test_the_format_is_what_is_asked_or_what_the_ending_says(output: str, form: Format | None, expected: str) -> None:
    assert format_of(output, form) == expected


@pytest.mark.parametrize(("output", "form"), [("a.xlsx", None), ("a", None), ("-", "parquet")])
def test_no_known_format_is_refused(output: str, form: Format | None) -> None:
    with pytest.raises(ValueError, match=r"--output a|--format parquet"):
        format_of(output, form)
