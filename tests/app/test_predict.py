import csv
import io
import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from app.batch.output.table import SpooledTable
from tests.app.command import predict
from tests.conftest import ROOT
from tests.hand import DIGITS, render, write_number


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Digits in a folder and a folder below it, among them damaged, blank and foreign files."""
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    for digit in DIGITS:
        render(digit).save(folder / f"{digit}.png")
    render("4").convert("CMYK").save(folder / "below" / "four.JPG", "JPEG")
    (folder / "2a.png").write_bytes((folder / "2.png").read_bytes()[:500])
    (folder / "2b.png").write_bytes(b"")
    Image.new("L", (200, 200), 255).save(folder / "2c.png")
    (folder / "notes.txt").write_text("not a picture")
    return folder


LEFT_OUT = "Left out of folders, as their endings are not read: 1 .txt. Name a file itself to have it tried."
"""What a run over these says of notes.txt."""


def run(*arguments: str | os.PathLike[str], model: str = "mnist-convnet") -> tuple[int, str, str]:
    result = predict(*arguments, "--model", model, "--device", "cpu")
    return result.exit_code, result.stdout, result.stderr


def test_one_row_for_each_input_in_order_whatever_happens(pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "table.csv"
    code, stdout, stderr = run(pictures, pictures / "nowhere.png", pictures / "7.png", "--output", output)
    assert (code, stdout) == (1, "")
    rows = list(csv.DictReader(output.open(encoding="utf-8")))
    names = [*("0", "1", "2", "2a", "2b", "2c", *"3456789"), "four", "nowhere", "7"]
    assert [Path(row["path"]).stem for row in rows] == names
    labels = [*("0", "1", "2", "", "", "", *"3456789"), "4", "", "7"]
    assert [row["label"] for row in rows] == labels
    assert [row["status"] for row in rows if not row["label"]] == ["error", "error", "blank", "error"]
    for row, reason in ((3, "damaged or cut short"), (4, "the file is empty"), (-2, "No such file")):
        assert reason in rows[row]["error"]
    top = json.loads(rows[0]["top_k"])
    assert list(top) == sorted(top, key=top.get, reverse=True)
    assert len(top) == 3
    assert "16 inputs: 12 read, 0 unsure, 1 blank, 3 failed" in stderr
    assert LEFT_OUT in stderr


def test_stdout_holds_the_table_and_nothing_else(tmp_path: Path) -> None:
    write_number("4711").save(tmp_path / "number.png")
    render("5").save(tmp_path / "one.png")
    code, stdout, stderr = run(tmp_path, "--output", "-")
    assert code == 0
    number, one = csv.DictReader(io.StringIO(stdout))
    assert (number["status"], number["label"], number["class_id"], number["top_k"]) == ("ok", "4711", "", "{}")
    assert (number["text"], one["text"]) == ("4711", "5")
    digits = json.loads(number["digits"])
    assert [digit[0] for digit in digits] == list("4711")
    assert float(number["confidence"]) == min(digit[1] for digit in digits)
    assert all(left < right and top < bottom for _, _, left, top, right, bottom in digits)
    assert (one["label"], one["digits"]) == ("5", "[]")
    assert "2 inputs: 2 read, 0 unsure, 0 blank, 0 failed." in stderr
    assert "with mnist-convnet on CPU." in stderr
    assert "Left out" not in stderr


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("--output", "{folder}/table.csv"), 2, "already there"),
        (("--output", "table.xlsx"), 2, "the ending must be .csv, .jsonl"),
        (("--output", "no/such/folder/table.csv"), 2, "cannot be written"),
        (("--output", "-", "--labels", "folders"), 2, "name a file as --output"),
        (("--output", "-", "--sheet", "sheet.html"), 2, "name a file as --output"),
        (("--top-k", "0"), 2, "not a whole number from 1 on"),
        (("--exports", "nowhere"), 2, "holds no usable .onnx file"),
        (("--model", "mnist-lenett"), 2, "Did you mean 'mnist-lenet'?"),
        (("--model", "mnist-lenett"), 2, "Or give the path of an .onnx file."),
        (("--model", "no/such.onnx"), 2, "There is no file no/such.onnx. Give a path that exists, or a name: fashion"),
        (("--model", "bad", "--exports", "{folder}"), 2, "The model 'bad' cannot be used"),
        (("--model", "{folder}/bad.onnx"), 4, "bad.onnx: it is not an ONNX file"),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_its_exit_code(tmp_path: Path, arguments, code: int, reason: str) -> None:
    render("5").save(tmp_path / "five.png")
    (tmp_path / "table.csv").write_text("precious")
    (tmp_path / "bad.onnx").write_bytes(b"bad")
    options = [argument.format(folder=tmp_path) for argument in arguments]
    result = predict(tmp_path / "five.png", "--model", "mnist-convnet", *options)
    assert result.exit_code == code
    assert reason in " ".join(result.stderr.split())
    assert (tmp_path / "table.csv").read_text() == "precious"


@pytest.mark.slow
def test_labels_and_a_sheet_of_the_least_certain(pictures: Path, tmp_path: Path) -> None:
    labels, sheet = tmp_path / "labels.csv", tmp_path / "sheet.html"
    labels.write_text("path,label\n" + "".join(f"pictures/{digit}.png,{digit}\n" for digit in DIGITS) + "2c.png,x\n")
    output = tmp_path / "table.parquet"
    code, _, stderr = run(pictures, "--output", output, "--labels", labels, "--sheet", sheet)
    assert code == 1
    assert "10 of 14 rows have a known label." in stderr
    assert "Accuracy 100.00 % of the 10 answered; coverage 100.00 %." in stderr
    assert "2c.png: x" in stderr
    assert f"The 11 least certain answers are in {sheet}" in stderr
    assert sheet.read_text().count("<img") == 11
    before = output.read_bytes()
    code, _, stderr = run(pictures, "--output", output, "--labels", "folders", "--resume")
    assert code == 0
    assert "is complete already" in stderr
    assert "0 of 14 rows have a known label" in stderr
    assert output.read_bytes() == before


def test_a_run_that_was_interrupted_says_how_to_go_on_and_does(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.batch.command.CHUNK", 4)
    whole, output = tmp_path / "whole.csv", tmp_path / "table.csv"
    assert run(pictures, "--output", whole)[0] == 1
    add = SpooledTable.add

    def interrupted(self, answered) -> None:
        add(self, answered)
        if self.done == 8:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SpooledTable, "add", interrupted)
        code, _, stderr = run(pictures, "--output", output)
    assert code == 130
    assert f"8 rows are safe in {output}.partial; the same command with --resume goes on" in stderr
    for options, reason in (([], "--resume"), (["--resume", "--top-k", "2"], "--top-k was 3 and is 2")):
        code, _, stderr = run(pictures, "--output", output, *options)
        assert (code, reason in " ".join(stderr.split())) == (2, True)
    code, _, stderr = run(pictures, "--output", output, "--resume")
    assert code == 1
    assert "14 inputs" in stderr
    assert "8 of them had been answered before" in stderr
    assert LEFT_OUT in stderr
    assert output.read_bytes() == whole.read_bytes()


def test_auto_reads_digits_and_clothing_into_one_table(tmp_path: Path) -> None:
    render("5").save(tmp_path / "five.png")
    shutil.copy(ROOT / "app" / "page" / "examples" / "trouser.png", tmp_path)
    (tmp_path / "bad.png").write_bytes(b"bad")
    output = tmp_path / "table.csv"
    code, _, stderr = run(tmp_path, "--output", output, model="auto")
    rows = list(csv.DictReader(output.open(encoding="utf-8")))
    assert code == 1
    assert [(Path(row["path"]).stem, row["status"], row["label"]) for row in rows] == [
        ("bad", "error", ""),
        ("five", "ok", "5"),
        ("trouser", "ok", "Trouser"),
    ]
    digits, photographs = "mnist-inkwear_s", "fashion_mnist-efficientnet_lite0"
    assert rows[1]["notes"].endswith(f"{digits} was surer than {photographs}")
    assert rows[2]["notes"].endswith(f"{photographs} was surer than {digits}")
    assert "with auto on CPU" in stderr
    assert f"Models: {digits} SHA-256" in stderr


def test_auto_is_scored_against_the_classes_of_all_sets(tmp_path: Path) -> None:
    for name, picture in (("5", render("5")), ("7", render("7"))):
        (tmp_path / "in" / name).mkdir(parents=True)
        picture.save(tmp_path / "in" / name / "a.png")
    (tmp_path / "in" / "Trouser").mkdir()
    shutil.copy(ROOT / "app" / "page" / "examples" / "trouser.png", tmp_path / "in" / "Trouser")
    code, _, stderr = run(tmp_path / "in", "--output", tmp_path / "t.csv", "--labels", "folders", model="auto")
    assert code == 0
    assert "100.00 %" in stderr


def test_auto_is_not_for_a_cluster(tmp_path: Path) -> None:
    render("5").save(tmp_path / "five.png")
    result = predict(tmp_path, "--model", "auto", "--engine", "ray", "--output", tmp_path / "t.csv")
    assert result.exit_code == 2
    assert "reads with one model, not with auto: name one as --model, such as mnist-inkwear_s or" in result.stderr
    assert not (tmp_path / "t.csv").exists()
