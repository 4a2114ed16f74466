import json
from pathlib import Path

import pytest

from inkwear.errors import ReportError
from inkwear.report import Report, read_report, report_path
from tests.conftest import EXPORTS, some_exports

NAME = "mnist-mlp_small"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return some_exports(tmp_path, [NAME]) / f"{NAME}.onnx"


def test_what_is_written_is_read_back(export: Path) -> None:
    report = read_report(export)
    assert Report.from_json(report.to_json()) == report
    assert json.loads(report.to_json()) == json.loads(report_path(export).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, "missing", "python -m training.publish.export_report"),
        (b"{", "damaged", "cannot be read"),
        (b"\xff", "damaged", "cannot be read"),
        (b'{"schema_version": 2}', "damaged", "it is of version 2, this Inkwear reads 1"),
        ((EXPORTS / "reports" / "mnist-mlp.json").read_bytes(), "other_file", "of another file of this name"),
    ],
)
def test_a_report_that_does_not_fit_is_named(export: Path, content: bytes | None, code: str, words: str) -> None:
    report_path(export).unlink()
    if content is not None:
        report_path(export).write_bytes(content)
    with pytest.raises(ReportError, match=words) as error:
        read_report(export)
    assert error.value.code == code
