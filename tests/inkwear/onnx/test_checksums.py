import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from inkwear.classifier import Classifier
from inkwear.errors import ModelFileError
from inkwear.onnx.checksums import SUMS, list_file, listed_path, read_sums
from tests.conftest import EXPORTS, ROOT, some_exports
from tests.mutations import mutants

LENET, SMALL = EXPORTS / "mnist-lenet.onnx", EXPORTS / "mnist-mlp_small.onnx"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A copy of a shipped export beside the list."""
    return some_exports(tmp_path, [SMALL.stem]) / SMALL.name


def run_command(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "inkwear.onnx.checksums", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_every_shipped_export_is_listed_as_sha256sum_lists_it() -> None:
    assert set(read_sums(EXPORTS)) == {path.name for path in EXPORTS.glob("*.onnx")}
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=EXPORTS, check=True)


def test_no_mutant_of_a_listed_file_is_accepted(path: Path) -> None:
    for mutant in mutants(SMALL.read_bytes(), 120, seed=1):
        path.write_bytes(mutant)
        with pytest.raises(ModelFileError, match=f"{path}: .{{20}}"):
            Classifier(path, "cpu")


def test_a_foreign_file_with_damaged_weights_is_refused_by_its_reference_picture(tmp_path: Path) -> None:
    model = onnx.load(SMALL)
    weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    weights.raw_data = bytes(len(weights.raw_data))
    onnx.save(model, tmp_path / SMALL.name)
    with pytest.raises(ModelFileError, match="foreign file: it reads its own reference picture otherwise"):
        Classifier(tmp_path / SMALL.name, "cpu")


def test_another_file_than_the_listed_one_is_refused_until_somebody_vouches(path: Path) -> None:
    shutil.copy(LENET, path)
    with pytest.raises(
        ModelFileError, match=f"not the file that {path.parent / SUMS} lists.*python -m inkwear.onnx.checksums {path}"
    ):
        Classifier(path, "cpu")
    list_file(path)
    assert Classifier(path, "cpu").metadata.architecture == "lenet"


def test_a_list_that_cannot_be_read_says_how_to_make_it_again(path: Path) -> None:
    (path.parent / SUMS).write_text("nonsense\n")
    with pytest.raises(ModelFileError, match=r"SHA256SUMS, .*damaged in line 1.*python -m inkwear\.onnx\.checksums"):
        Classifier(path, "cpu")
    list_file(path)
    assert read_sums(path.parent) == {path.name: (sha256(SMALL),)}


def test_the_command_lists_a_file_and_leaves_it_as_it_is(path: Path) -> None:
    (path.parent / SUMS).unlink()
    assert [run_command(path).stdout for _ in range(2)] == [f"{path}  listed\n", f"{path}  was listed already\n"]
    assert read_sums(path.parent) == {path.name: (sha256(SMALL),)}
    assert path.read_bytes() == SMALL.read_bytes()


@pytest.mark.parametrize("content", [SMALL.read_bytes()[:-1], None], ids=["cut short", "missing"])
def test_the_command_refuses_what_is_no_onnx_file(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.onnx"
    if content is not None:
        path.write_bytes(content)
    done = run_command(path)
    assert done.returncode == 4
    assert done.stderr.startswith(f"Error: {path}: ")
    assert not (tmp_path / SUMS).exists()


def test_while_a_file_is_replaced_the_old_and_the_new_are_listed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(self: Path, target: Path) -> Path:
        if target == path:
            raise KeyboardInterrupt
        return replace(self, target)

    replace = Path.replace
    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(KeyboardInterrupt), listed_path(path) as temporary:
        shutil.copy(LENET, temporary)
    assert set(read_sums(path.parent)[path.name]) == {sha256(SMALL), sha256(LENET)}
    assert Classifier(path, "cpu").metadata.architecture == "mlp_small"
    monkeypatch.undo()
    with listed_path(path) as temporary:
        shutil.copy(LENET, temporary)
    assert read_sums(path.parent)[path.name] == (sha256(LENET),)
