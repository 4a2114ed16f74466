from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.training.commands import invoke
from training.checkpoint import load_checkpoint, save_checkpoint
from training.compare import cli
from training.leaderboard import Row, to_markdown


@pytest.fixture
def runs(checkpoint: Path, tmp_path: Path) -> Path:
    """Three finished runs of one network: two seeds of ours, one of the tutorial's recipe; and one unfinished."""
    for name, recipe, accuracy in (
        ("a", "default", 0.99),
        ("b", "default", 0.98),
        ("c", "tutorial", 0.9),
        ("d", "default", None),
    ):
        run = load_checkpoint(checkpoint)
        run.config["recipe"] = recipe
        del run.metrics["test_accuracy"]
        if accuracy is not None:
            run.metrics["test_accuracy"] = accuracy
        save_checkpoint(run, tmp_path / "runs" / name / "best.pt")
    return tmp_path / "runs"


def test_seeds_are_averaged_and_recipes_kept_apart(runs: Path, checkpoint: Path, export: Path) -> None:
    output = invoke(cli, f"--checkpoints={runs}", f"--exports={export.parent}")
    [line] = [line for line in output.splitlines() if line.startswith("| `mnist-convnet`")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    metrics = load_checkpoint(checkpoint).metrics
    assert cells[1:8] == [
        "29,034",
        "2.86 M",
        f"{export.stat().st_size / 1000:.0f} kB",
        f"{100 * metrics['test_accuracy']:.2f} %",
        "98.50 % ± 0.71 (2)",
        "90.00 %",
        f"{100 * metrics['validation_accuracy']:.2f} %",
    ]
    assert all(float(cell.replace(",", "")) > 0 for cell in cells[8:11])


def test_an_export_alone_has_a_row_with_its_own_accuracy(export: Path, tmp_path: Path) -> None:
    output = tmp_path / "table.md"
    arguments = [f"--checkpoints={tmp_path}", f"--exports={export.parent}", f"--output={output}"]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert "| `mnist-convnet` | 29,034 |" in output.read_text()


def test_the_frontier_is_drawn_of_the_exports(export: Path, tmp_path: Path) -> None:
    picture = tmp_path / "frontier.png"
    options = [f"--checkpoints={tmp_path}", f"--exports={export.parent}", f"--picture={picture}"]
    assert CliRunner().invoke(cli, options).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_run_without_an_export_is_not_drawn(runs: Path, tmp_path: Path) -> None:
    options = [f"--checkpoints={runs}", f"--exports={tmp_path}", f"--picture={tmp_path / 'frontier.png'}"]
    output = invoke(cli, *options, code=2)
    assert "There is no export to draw" in output


def test_nothing_to_compare_is_a_sentence(tmp_path: Path) -> None:
    output = invoke(cli, f"--checkpoints={tmp_path}", f"--exports={tmp_path}", code=2)
    assert "Train or export one first" in output


def test_what_was_not_measured_is_a_dash() -> None:
    [*_, line] = to_markdown([Row("mnist", "mlp", 1, 2_000_000)]).splitlines()
    assert line == "| `mnist-mlp` | 1 | 2.00 M | – | – | – | – | – | – | – | – |"


def test_without_an_export_the_first_seed_speaks(runs: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, [f"--checkpoints={runs}", f"--exports={tmp_path}"])
    cells = [cell.strip() for cell in result.output.splitlines()[2].strip("|").split("|")]
    assert cells[3:7] == ["–", "99.00 %", "98.50 % ± 0.71 (2)", "90.00 %"]
