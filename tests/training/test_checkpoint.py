import re
import zipfile
from pathlib import Path

import pytest
import torch

from tests.mutations import MUTATIONS, flip_a_bit, mutants
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.errors import CheckpointError


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


def same(one: Checkpoint, other: Checkpoint) -> bool:
    return (one.config, one.metrics, one.history, one.totals.tolist()) == (
        other.config,
        other.metrics,
        other.history,
        other.totals.tolist(),
    ) and all(tensor.equal(other.weights[name]) for name, tensor in one.weights.items())


def test_a_mutant_is_refused_unless_nothing_of_its_content_changed(checkpoint: Path, tmp_path: Path) -> None:
    """Not every byte of an archive matters: the times in its headers do not, nor does the padding between its parts."""
    path, whole, refused = tmp_path / "best.pt", load_checkpoint(checkpoint), 0
    for mutant in mutants(checkpoint.read_bytes(), 120, seed=2, mutations=(flip_a_bit, *MUTATIONS)):
        path.write_bytes(mutant)
        try:
            assert same(load_checkpoint(path), whole)
        except CheckpointError as error:
            refused += 1
            assert re.match(f"{path}: not a checkpoint of Inkwear, or damaged .*Train again", str(error))  # noqa: PT017
    assert refused > 100


def test_damaged_weights_are_found(checkpoint: Path, tmp_path: Path) -> None:
    content = checkpoint.read_bytes()
    at = content.index(load_checkpoint(checkpoint).weights["classifier.weight"].numpy().tobytes())
    (tmp_path / "best.pt").write_bytes(content[:at] + b"x" + content[at + 1 :])
    with pytest.raises(CheckpointError, match=r"the part .*/data/\d+ differs from its checksum"):
        load_checkpoint(tmp_path / "best.pt")


def test_a_checkpoint_of_an_earlier_version_is_read_under_todays_names(checkpoint: Path, tmp_path: Path) -> None:
    """Such a file said that it had a digest, as the comment of the archive, and named some options otherwise."""
    fields = torch.load(checkpoint, weights_only=True) | {"sealed": True}
    fields["config"]["recipe"], fields["config"]["averaging"] = "ours", fields["config"].pop("ema_epochs")
    torch.save(fields, tmp_path / "old.pt")
    with zipfile.ZipFile(tmp_path / "old.pt", "a") as archive:
        archive.comment = b"Inkwear: SHA-256 with its own digits as 0: " + b"0" * 64
    assert same(load_checkpoint(tmp_path / "old.pt"), load_checkpoint(checkpoint))
