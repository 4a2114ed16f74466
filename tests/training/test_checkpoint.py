import re
import zipfile
from pathlib import Path

import pytest
import torch

from tests.mutations import MUTATIONS, flip_a_bit, mutants
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.errors import CheckpointError


def same(one: Checkpoint, other: Checkpoint) -> bool:
    stated = [(each.config, each.metrics, each.history, each.totals.tolist()) for each in (one, other)]
    return stated[0] == stated[1] and all(tensor.equal(other.weights[name]) for name, tensor in one.weights.items())


def test_a_checkpoint_is_read_back(checkpoint: Path, tmp_path: Path) -> None:
    save_checkpoint(load_checkpoint(checkpoint), tmp_path / "copy.pt")
    assert same(load_checkpoint(tmp_path / "copy.pt"), load_checkpoint(checkpoint))


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", {"fc.weight": torch.zeros(3)}, {"config": Evil()}])
def test_what_is_no_checkpoint_is_refused_and_not_run(content, tmp_path: Path, capsys) -> None:
    path = tmp_path / "best.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(CheckpointError, match=f"{path}: not a checkpoint of Inkwear, or damaged"):
        load_checkpoint(path)
    assert "executed" not in capsys.readouterr().out


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


def test_a_checkpoint_of_an_earlier_version_is_read_under_todays_names(checkpoint: Path, tmp_path: Path) -> None:
    """Such a file said that it had a digest, as the comment of the archive, and named some options otherwise."""
    fields = torch.load(checkpoint, weights_only=True) | {"sealed": True}
    fields["config"]["recipe"], fields["config"]["averaging"] = "ours", fields["config"].pop("ema_epochs")
    torch.save(fields, tmp_path / "old.pt")
    with zipfile.ZipFile(tmp_path / "old.pt", "a") as archive:
        archive.comment = b"Inkwear: SHA-256 with its own digits as 0: " + b"0" * 64
    assert same(load_checkpoint(tmp_path / "old.pt"), load_checkpoint(checkpoint))
