from pathlib import Path

import pytest

from app.batch.after.post_run import PostRun
from app.batch.inputs.input import Input
from app.batch.output.formats import encode, header
from app.batch.output.row import Row


def test_the_score_and_the_page_are_of_the_table(tmp_path: Path) -> None:
    table, sheet = tmp_path / "table.csv", tmp_path / "sheet.html"
    table.write_bytes(header("csv") + encode([Row("1/a", "ok", "1", confidence=0.9), Row("2/b", "blank")], "csv"))
    post_run = PostRun.of(str(table), "folders", str(sheet), ("1", "2"), overwrite=False)
    report = post_run.report(str(table), "csv", [Input("1/a"), Input("2/b")], "mnist-lenet on CPU")
    assert report.startswith("2 of 2 rows have a known label.\nAccuracy 100.00 % of the 1 answered")
    assert report.endswith(f"The 2 least certain answers are in {sheet}")
    assert f"{table} · mnist-lenet on CPU" in sheet.read_text()
    assert PostRun.of(str(table), None, None, (), overwrite=False).report(str(table), "csv", [], "") == ""


def test_what_cannot_be_done_is_refused_before_the_run(tmp_path: Path) -> None:
    for output, labels, sheet, reason in (
        ("-", "folders", None, "name a file as --output"),
        ("table.csv", None, "sheet.pdf", r"the ending must be \.html"),
        ("table.csv", str(tmp_path / "labels.csv"), None, "cannot be read"),
    ):
        with pytest.raises(ValueError, match=reason):
            PostRun.of(output, labels, sheet, ("1",), overwrite=False)
