import hashlib
import zipfile
from pathlib import Path

import pytest
import torch

from tests.mutations import MUTATIONS, flip_a_bit, mutants
from training.checkpoint import load_checkpoint, save_checkpoint
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


def test_no_mutant_is_accepted(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    for mutant in mutants(checkpoint.read_bytes(), 120, seed=2, mutations=(flip_a_bit, *MUTATIONS)):
        path.write_bytes(mutant)
        with pytest.raises(CheckpointError, match=f"{path}: not a checkpoint of Inkwear, or damaged .*Train again"):
            load_checkpoint(path)


def test_the_digest_can_be_checked_by_anybody_and_the_file_is_a_whole_archive(checkpoint: Path) -> None:
    content = checkpoint.read_bytes()
    with zipfile.ZipFile(checkpoint) as archive:
        assert archive.testzip() is None
        comment = archive.comment.decode()
    digest = comment.removeprefix("Inkwear: SHA-256 with its own digits as 0: ")
    assert hashlib.sha256(content.removesuffix(digest.encode()) + b"0" * 64).hexdigest() == digest
    assert torch.load(checkpoint, weights_only=True)["sealed"] is True


def of_an_earlier_version(checkpoint: Path, path: Path) -> Path:
    """The same without a digest."""
    fields = torch.load(checkpoint, weights_only=True)
    del fields["sealed"]
    torch.save(fields, path)
    return path


def test_a_checkpoint_of_an_earlier_version_is_read_and_that_is_said(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = of_an_earlier_version(checkpoint, tmp_path / "old.pt")
    assert load_checkpoint(old).config == load_checkpoint(old).config
    assert capsys.readouterr().err.count(f"{old}: it is of an earlier version and carries no digest") == 1


def test_damaged_weights_of_an_earlier_version_are_found_too(checkpoint: Path, tmp_path: Path) -> None:
    old = of_an_earlier_version(checkpoint, tmp_path / "old.pt")
    weights = load_checkpoint(checkpoint).weights["classifier.weight"].numpy().tobytes()
    content = old.read_bytes()
    at = content.index(weights)
    old.write_bytes(content[:at] + b"x" + content[at + 1 :])
    with pytest.raises(CheckpointError, match=r"the part .*/data/\d+ is not what its checksum says|Bad CRC"):
        load_checkpoint(old)


def test_a_checkpoint_that_lost_its_digest_is_damaged(checkpoint: Path, tmp_path: Path) -> None:
    fields = torch.load(checkpoint, weights_only=True)
    torch.save(fields, tmp_path / "lost.pt")
    with pytest.raises(CheckpointError, match="its digest is gone"):
        load_checkpoint(tmp_path / "lost.pt")
