import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

import inkwear.onnx.checksums
from inkwear.classifier import Classifier
from inkwear.onnx.checksums import SUMS, SealError, has_seal, is_listed, read_sums, seal, seal_file, sealed_path, unseal
from inkwear.onnx.props import read_props
from inkwear.onnx.session import ModelFileError
from inkwear.report import read_report
from tests.conftest import EXPORTS, ROOT, some_exports
from tests.mutations import mutants

LENET = EXPORTS / "mnist-lenet.onnx"

SMALL = EXPORTS / "mnist-mlp_small.onnx"


@pytest.mark.parametrize("path", sorted(EXPORTS.glob("*.onnx")), ids=lambda path: path.stem)
def test_every_shipped_export_is_sealed_and_listed(path: Path) -> None:
    content = path.read_bytes()
    assert has_seal(content)
    assert is_listed(path.name, hashlib.sha256(content).hexdigest(), EXPORTS)


def test_the_list_names_what_there_is_and_sha256sum_understands_it() -> None:
    assert set(read_sums(EXPORTS)) == {path.name for path in EXPORTS.glob("*.onnx")}
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=EXPORTS, check=True)


def test_the_rule_can_be_followed_by_anybody() -> None:
    """As the metadata states it: the digest over the file with its own digits as 0."""
    content, stated = LENET.read_bytes(), json.loads(read_props(LENET)["sha256"])
    assert content.count(stated.encode()) == 1
    assert hashlib.sha256(content.replace(stated.encode(), b"0" * 64)).hexdigest() == stated
    assert json.loads(read_props(LENET)["seal"]) == "SHA-256 with its own digits as 0"


def test_a_seal_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each search goes through the whole file, of hundreds of megabytes where somebody brings one."""
    searched: list[object] = []
    real = inkwear.onnx.checksums.find_props
    monkeypatch.setattr(inkwear.onnx.checksums, "find_props", lambda file: (searched.append(file), real(file))[1])
    assert has_seal(LENET.read_bytes())
    assert len(searched) == 1


def test_a_seal_changes_nothing_else() -> None:
    content = LENET.read_bytes()
    bare = unseal(content)
    assert seal(bare) == content
    before, after = onnx.load_from_string(bare), onnx.load_from_string(content)
    assert len(after.metadata_props) == len(before.metadata_props) + 2
    del after.metadata_props[:], before.metadata_props[:]
    assert before == after


def test_what_is_sealed_is_not_sealed_again_and_what_is_damaged_not_at_all() -> None:
    content = LENET.read_bytes()
    assert seal(content) is content
    with pytest.raises(SealError, match=r"the file is damaged\. Put an intact copy"):
        seal(content.replace(b"lenet for MNIST", b"lanet for MNIST"))


@pytest.mark.parametrize("key", ["seal", "sha256"])
def test_a_file_that_lost_half_of_its_seal_is_damaged(key: str) -> None:
    model = onnx.load(LENET)
    kept = [entry for entry in model.metadata_props if entry.key != key]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    with pytest.raises(SealError, match="its seal is damaged"):
        has_seal(model.SerializeToString())


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "alone"])
def test_no_mutant_is_accepted(tmp_path: Path, listed: bool) -> None:
    if listed:
        shutil.copy(EXPORTS / SUMS, tmp_path)
    path = tmp_path / SMALL.name
    for mutant in mutants(SMALL.read_bytes(), 120, seed=1):
        path.write_bytes(mutant)
        with pytest.raises(ModelFileError, match=f"{path}: .{{20}}"):
            Classifier(path, "cpu").self_test()


def test_cut_anywhere_at_a_border_it_is_refused(tmp_path: Path) -> None:
    """A file that ends before one of its fields is a whole protocol buffer, and may be a whole network."""
    import io

    from inkwear.onnx.wire import fields

    content, path = SMALL.read_bytes(), tmp_path / SMALL.name
    for field in fields(io.BytesIO(content), 0, len(content), 1000):
        for mutant in (content[: field.begin], content[: field.begin] + content[field.end :]):
            path.write_bytes(mutant)
            with pytest.raises(ModelFileError):
                Classifier(path, "cpu").self_test()


def test_another_file_than_the_listed_one_is_refused_until_somebody_vouches(tmp_path: Path) -> None:
    folder = some_exports(tmp_path, ["mnist-mlp_small"])
    path = folder / "mnist-mlp_small.onnx"
    shutil.copy(LENET, path)
    with pytest.raises(
        ModelFileError, match=f"not the file that {folder / SUMS} lists.*python -m inkwear.onnx.checksums {path}"
    ):
        Classifier(path, "cpu")
    seal_file(path)
    assert Classifier(path, "cpu").metadata.architecture == "lenet"


def test_a_list_that_cannot_be_read_says_how_to_make_it_again(tmp_path: Path) -> None:
    folder = some_exports(tmp_path, ["mnist-mlp_small"])
    (folder / SUMS).write_text("nonsense\n")
    with pytest.raises(ModelFileError, match=r"SHA256SUMS, .*damaged in line 1.*python -m inkwear\.onnx\.checksums"):
        Classifier(folder / "mnist-mlp_small.onnx", "cpu")
    seal_file(folder / "mnist-mlp_small.onnx")
    assert list(read_sums(folder)) == ["mnist-mlp_small.onnx"]


def test_the_command_seals_lists_and_keeps_the_report(tmp_path: Path) -> None:
    folder = some_exports(tmp_path, ["mnist-mlp_small"])
    path = folder / "mnist-mlp_small.onnx"
    bare = unseal(path.read_bytes())
    path.write_bytes(bare)
    (folder / SUMS).unlink()
    report = folder / "reports/mnist-mlp_small.json"
    sealed = hashlib.sha256(SMALL.read_bytes()).hexdigest()
    report.write_text(report.read_text().replace(sealed, hashlib.sha256(bare).hexdigest()))
    command = [sys.executable, "-m", "inkwear.onnx.checksums", str(path)]
    first, second = (subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True) for _ in "12")
    assert first.stdout == f"{path}  sealed\n"
    assert second.stdout == f"{path}  was sealed already\n"
    assert path.read_bytes() == SMALL.read_bytes()
    assert read_sums(folder) == {path.name: (sealed,)}
    assert read_report(path).sha256 == sealed


def test_the_command_refuses_what_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(SMALL.read_bytes()[:-1] + b"x")
    done = subprocess.run(
        [sys.executable, "-m", "inkwear.onnx.checksums", str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 4
    assert f"Error: {path}: it" in done.stderr
    assert not (tmp_path / SUMS).exists()


def test_while_a_file_is_replaced_the_old_and_the_new_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever the process ends, what lies there is listed."""
    folder = some_exports(tmp_path, ["mnist-mlp_small"])
    path = folder / "mnist-mlp_small.onnx"
    known = set(read_sums(folder)[path.name])

    def die(self: Path, target: Path) -> Path:
        if target == path:
            raise KeyboardInterrupt
        return replace(self, target)

    replace = Path.replace
    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(KeyboardInterrupt), sealed_path(path) as temporary:
        shutil.copy(LENET, temporary)
    assert set(read_sums(folder)[path.name]) == known | {hashlib.sha256(LENET.read_bytes()).hexdigest()}
    assert Classifier(path, "cpu").metadata.architecture == "mlp_small"
    monkeypatch.undo()
    with sealed_path(path) as temporary:
        shutil.copy(LENET, temporary)
    assert len(read_sums(folder)[path.name]) == 1
