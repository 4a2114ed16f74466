import re
import shutil
from pathlib import Path

import pytest

from tests.training.runs import invoke
from training.run_report import cli


@pytest.fixture(scope="module")
def page(checkpoint: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    copy = Path(shutil.copy(checkpoint, tmp_path_factory.mktemp("report")))
    output = invoke(cli, copy, f"--data-dir={data_dir}")
    assert output.strip() == str(copy.with_name("report.html"))
    return copy.with_name("report.html").read_text(encoding="utf-8")


def test_the_report_needs_nothing_from_outside(page: str) -> None:
    addresses = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')\s>]+)", page)
    assert addresses
    assert all(address.startswith("data:image/") for address in addresses)
    assert "<script" not in page
    assert "http" not in re.sub(r"data:image/[^\"]*", "", page)


def test_the_report_holds_every_chapter(page: str) -> None:
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles[:2] == ["Curves", "Which class is taken for which"]
    assert titles[-4:] == [
        "Is it as sure as it is right?",
        "Labels that may be wrong",
        "What the first layer looks for",
        "Recipe",
    ]
    assert page.count('alt="loss and accuracy') == 1


def test_the_report_counts_the_validation_images_and_shows_each_mistake(page: str) -> None:
    rows = re.findall(r"<tr><td>(\d)</td><td>(\d+)</td>", page)
    assert [name for name, _ in rows] == list("0123456789")
    assert sum(int(images) for _, images in rows) == 100, "a twelfth of 1,200"
    wrong = re.search(r"(\d+) of 100 were read wrong", page)
    shown = page.split("<h2>Worst mistakes</h2>")[-1].split("<h2>Is it as sure")[0].count("<figure")
    assert wrong is None or int(wrong[1]) == shown


def test_a_missing_checkpoint_is_exit_code_4(data_dir: Path, tmp_path: Path) -> None:
    output = invoke(cli, str(tmp_path / "best.pt"), f"--data-dir={data_dir}", code=4)
    assert "there is no such checkpoint" in output
