from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.runs import invoke
from training.checkpoint import load_checkpoint, save_checkpoint
from training.compare import cli
from training.leaderboard import Row, to_markdown


@pytest.fixture
def runs(checkpoint: Path, tmp_path: Path) -> Path:
    """Three finished runs of one network: two seeds of ours, one of the tutorial's recipe; and one unfinished."""
    run = load_checkpoint(checkpoint)
    del run.metrics["test_accuracy"]
    for name, recipe, measured in (
        ("a", "default", {"test_accuracy": 0.99}),
        ("b", "default", {"test_accuracy": 0.98}),
        ("c", "tutorial", {"test_accuracy": 0.9}),
        ("d", "default", {}),
    ):
        copy = replace(run, config=run.config | {"recipe": recipe}, metrics=run.metrics | measured)
        save_checkpoint(copy, tmp_path / "runs" / name / "best.pt")
    return tmp_path / "runs"


def cells_of(output: str) -> list[str]:
    [line] = [line for line in output.splitlines() if line.startswith("| `mnist-convnet`")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_seeds_are_averaged_and_recipes_kept_apart(runs: Path, checkpoint: Path, export: Path) -> None:
    output = invoke(cli, f"--checkpoints={runs}", f"--exports={export.parent}")
    cells, metrics = cells_of(output), load_checkpoint(checkpoint).metrics
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


def test_an_export_alone_has_a_row_with_its_own_accuracy_and_a_point_in_the_picture(
    export: Path, tmp_path: Path
) -> None:
    table, picture = tmp_path / "table.md", tmp_path / "frontier.png"
    options = [f"--checkpoints={tmp_path}", f"--output={table}", f"--picture={picture}"]
    invoke(cli, *options, f"--exports={export.parent}")
    assert "| `mnist-convnet` | 29,034 |" in table.read_text()
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_was_not_measured_is_a_dash_and_without_an_export_a_seed_speaks(runs: Path, tmp_path: Path) -> None:
    [*_, line] = to_markdown([Row("mnist", "mlp", 1, 2_000_000)]).splitlines()
    assert line == "| `mnist-mlp` | 1 | 2.00 M | – | – | – | – | – | – | – | – |"
    output = invoke(cli, f"--checkpoints={runs}", f"--exports={tmp_path}")
    assert cells_of(output)[3:7] == ["–", "99.00 %", "98.50 % ± 0.71 (2)", "90.00 %"]


def test_nothing_to_compare_or_to_draw_is_a_sentence(runs: Path, tmp_path: Path) -> None:
    empty = f"--exports={tmp_path}"
    assert "Train or export one first" in invoke(cli, f"--checkpoints={tmp_path}", empty, code=2)
    output = invoke(cli, f"--checkpoints={runs}", empty, f"--picture={tmp_path / 'frontier.png'}", code=2)
    assert "There is no export to draw" in output
