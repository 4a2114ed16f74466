from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.checkpoint import load_checkpoint, save_checkpoint
from training.compare import Row, cli, to_markdown


@pytest.fixture
def runs(checkpoint: Path, tmp_path: Path) -> Path:
    """Three finished runs of one network: two seeds of ours, one of the tutorial's recipe; and one unfinished."""
    for name, recipe, accuracy in (
        ("a", "ours", 0.99),
        ("b", "ours", 0.98),
        ("c", "tutorial", 0.9),
        ("d", "ours", None),
    ):
        run = load_checkpoint(checkpoint)
        run.config["recipe"] = recipe
        del run.metrics["test_accuracy"]
        if accuracy is not None:
            run.metrics["test_accuracy"] = accuracy
        save_checkpoint(run, tmp_path / "runs" / name / "best.pt")
    return tmp_path / "runs"


def test_seeds_are_averaged_and_recipes_kept_apart(runs: Path, export: Path) -> None:
    result = CliRunner().invoke(cli, [f"--checkpoints={runs}", f"--exports={export.parent}"])
    assert result.exit_code == 0, result.output
    [line] = [line for line in result.output.splitlines() if line.startswith("| convnet")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1:5] == ["29,034", "2.86 M", "98.50 % ± 0.71 (2 seeds)", "90.00 %"]
    assert cells[6] == f"{export.stat().st_size / 1e6:.2f} MB"
    assert float(cells[7].removesuffix(" ms")) > 0
    assert int(cells[8].replace(",", "")) > 0


def test_an_export_alone_has_a_row_with_its_own_accuracy(export: Path, tmp_path: Path) -> None:
    output = tmp_path / "table.md"
    arguments = [f"--checkpoints={tmp_path}", f"--exports={export.parent}", f"--output={output}"]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert "| convnet | 29,034 |" in output.read_text()


def test_nothing_to_compare_is_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, [f"--checkpoints={tmp_path}", f"--exports={tmp_path}"])
    assert result.exit_code == 2
    assert "Train or export one first" in result.output


def test_what_was_not_measured_is_a_dash() -> None:
    [*_, line] = to_markdown([Row("mnist", "mlp", 1, 2_000_000)]).splitlines()
    assert line == "| mlp | 1 | 2.00 M | – | – | – | – | – | – |"
