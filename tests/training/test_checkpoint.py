from pathlib import Path

import pytest
import torch

from training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint


def test_a_checkpoint_is_read_back(checkpoint: Path, tmp_path: Path) -> None:
    first = load_checkpoint(checkpoint)
    save_checkpoint(first, tmp_path / "copy.pt")
    second = load_checkpoint(tmp_path / "copy.pt")
    assert first.config == second.config
    assert first.metrics == second.metrics
    assert all(tensor.equal(second.weights[name]) for name, tensor in first.weights.items())


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"not a checkpoint",
    ],
    ids=["cut short", "empty", "something else"],
)
def test_damage_is_named(checkpoint: Path, tmp_path: Path, damage) -> None:
    path = tmp_path / "best.pt"
    path.write_bytes(damage(checkpoint.read_bytes()))
    with pytest.raises(CheckpointError, match=f"{path}: not a checkpoint of Inkwear, or damaged"):
        load_checkpoint(path)


def test_somebody_elses_weights_are_no_checkpoint(tmp_path: Path) -> None:
    torch.save({"fc.weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="not a checkpoint of Inkwear"):
        load_checkpoint(tmp_path / "other.pt")


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"config": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "evil.pt")
    assert "executed" not in capsys.readouterr().out
