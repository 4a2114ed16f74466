import shutil
from pathlib import Path

import onnx
import pytest

from inkwear.report import Report
from tests.conftest import EXPORTS, change_metadata, some_exports
from tests.training.publish.test_exports import small_model
from tests.training.runs import invoke
from training.publish.readme import SNIPPETS, cli, describe_training, make_readme, most_confused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two of the shipped exports, with their reports."""
    return some_exports(tmp_path, ["mnist-mlp_small", "fashion_mnist-mlp_small"])


def test_the_readme_is_what_the_command_makes_of_the_files_that_lie_here() -> None:
    committed = (EXPORTS / "README.md").read_text(encoding="utf-8")
    assert committed == make_readme(EXPORTS), (
        "an export changed, or the template: run python -m training.publish.readme"
    )
    for path in SNIPPETS.iterdir():
        assert f"\n{path.read_text(encoding='utf-8').rstrip()}\n```\n" in committed


def test_a_report_of_another_file_is_not_believed(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    change_metadata(folder / "mnist-mlp_small.onnx", temperature=2.125)
    text = make_readme(folder)
    assert "temperature 2.125" in text
    row = next(line for line in text.splitlines() if line.startswith("| [`mnist-mlp_small`]"))
    assert [cell.strip() for cell in row.split("|")][3:9] == ["–", "–", "–", "–", "25,818", "–"]
    assert "is of another file of this name" in caplog.text


def test_what_is_no_classifier_is_listed_with_what_it_says(folder: Path) -> None:
    assert "## No classifiers" not in make_readme(folder)
    model = small_model(["lines", 1, 32, "width"])
    onnx.helper.set_model_props(
        model, {"kind": '"line reader"', "height": "32", "alphabet": "not | JSON", "x": "y" * 900}
    )
    onnx.save(model, folder / "lines.onnx")
    _, _, strangers = make_readme(folder).partition("## No classifiers")
    for told in (
        "### lines\n",
        "`in (lines, 1, 32, width) float32` → `out (lines, 1, 32, width) float32`",
        "opset 18: Identity",
        "| kind | `line reader` |",
        "| height | `32` |",
        r"| alphabet | `not \| JSON` |",
        f"| x | `{'y' * 160} …` |",
    ):
        assert told in strangers


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({}, ""),
        ({"epochs": 1, "seed": 0}, "1 epoch, seed 0"),
        (
            {
                "epochs": 2.5,
                "optimizer": "sgd",
                "batch_size": 8,
                "lr": 0.005,
                "one_cycle": True,
                "teacher": "a big one",
            },
            "2.5 epochs of SGD in batches of 8, one cycle of the learning rate up to 0.005, taught by a net",
        ),
        (
            {"lr": 0.1, "augment": True, "strength": 0.4, "held_out": 1000, "mixing": 0.5},
            "learning rate 0.1, images moved at random, 40 % as far as usual, "
            "all but 1,000 of the training images learnt from, a part of another image put into 50% of them",
        ),
    ],
)
def test_a_training_is_told_in_a_line(recipe: dict, told: str) -> None:
    assert describe_training(recipe) == told


def test_the_most_frequent_mistake() -> None:
    found = most_confused(Report("", (), (), ((5, 1, 0), (0, 4, 2), (2, 0, 4))), ["a", "b", "c"])
    assert found is not None
    assert (found.label, found.read_as, found.times, found.images) == ("b", "c", 2, 6)
    assert most_confused(Report("", (), (), ((5, 0), (0, 4))), ["a", "b"]) is None


def test_the_command_writes_it_beside_the_exports(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    invoke(cli, f"--exports={folder}")
    assert (folder / "README.md").read_text(encoding="utf-8") == make_readme(folder)
    assert {path.name for path in folder.iterdir()} == before | {"README.md"}


def test_what_cannot_be_described_is_said_and_nothing_written(folder: Path, tmp_path: Path) -> None:
    def error(exports: Path) -> str:
        output = invoke(cli, f"--exports={exports}", code=2)
        assert not (exports / "README.md").exists()
        return output

    (tmp_path / "empty").mkdir()
    assert "holds no .onnx file" in error(tmp_path / "empty")
    assert "is no folder" in error(tmp_path / "nowhere")
    onnx.save(small_model([1]), tmp_path / "empty" / "small.onnx")
    assert "holds no classifier of Inkwear" in error(tmp_path / "empty")
    shutil.copy(EXPORTS / "mnist-lenet.onnx", folder)
    (folder / "mnist-lenet.onnx").write_bytes((folder / "mnist-lenet.onnx").read_bytes()[:5000])
    assert "mnist-lenet.onnx: it is not an ONNX file, or cut short" in error(folder)
