"""The doctor, on installations with one thing broken each."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import doctor
from app.doctor import Finding, cli, examine
from inkwear.onnx import session as runtime
from inkwear.onnx.session import FallbackReason
from tests.conftest import EXPORTS, some_exports


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    return some_exports(tmp_path / "exports", ["mnist-lenet", "fashion_mnist-lenet"])


def wrong(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.state == "wrong"]


def only(found: list[Finding], what: str) -> Finding:
    [finding] = [each for each in wrong(found) if each.what == what]
    assert finding.remedy
    return finding


def test_a_sound_installation_has_nothing_wrong(exports: Path) -> None:
    found = examine(exports, port=0)
    assert wrong(found) == []
    assert {finding.what for finding in found} >= {"python", "packages", "onnxruntime", "models", "folders", "port"}


def test_the_command_says_it_for_people_and_for_programs(exports: Path) -> None:
    options = ["--exports", str(exports), "--port", "0"]
    people, programs = (CliRunner().invoke(cli, [*options, *more]) for more in ([], ["--json"]))
    assert people.exit_code == programs.exit_code == 0
    assert "✓ models: 2 models open" in people.stdout
    assert {each["what"] for each in json.loads(programs.stdout)} >= {"models", "port"}
    broken = CliRunner().invoke(cli, ["--exports", str(exports / "nowhere"), "--port", "0"])
    assert broken.exit_code == 1
    assert "✗ models: There is no folder" in broken.stdout


def test_a_broken_export_is_named(exports: Path) -> None:
    data = bytearray((exports / "mnist-lenet.onnx").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4_000] = bytes(4_000)
    (exports / "mnist-lenet.onnx").write_bytes(data)
    assert "mnist-lenet cannot be used" in only(examine(exports, port=0), "models").message


def test_a_set_without_a_model_is_noted(exports: Path) -> None:
    (exports / "fashion_mnist-lenet.onnx").unlink()
    [note] = [each for each in examine(exports, port=0) if each.what == "models" and each.state == "note"]
    assert note.message == "There is no model for fashion_mnist."
    assert "--dataset fashion_mnist" in note.remedy


def test_two_onnx_runtimes_are_one_too_many(exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: "1.31.1")
    monkeypatch.setattr(runtime, "_is_installed", lambda name: True)
    found = examine(exports, port=0)
    assert "overwrite each other" in only(found, "onnxruntime").message
    assert only(found, "cuda").remedy.startswith("Run: pip uninstall -y onnxruntime onnxruntime-gpu")


@pytest.mark.parametrize(
    ("obstacle", "device", "state"),
    [
        (FallbackReason("no_driver", "no NVIDIA driver is installed", "Install it."), "auto", "note"),
        (FallbackReason("no_driver", "no NVIDIA driver is installed", "Install it."), "cuda", "wrong"),
        (
            FallbackReason("missing_library", "a CUDA library is missing: libcufft.so.12", "pip install"),
            "auto",
            "wrong",
        ),
    ],
)
def test_what_keeps_cuda_from_use(obstacle, device, state, exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "cuda_fallback_reason", lambda: obstacle)
    [finding] = [each for each in examine(exports, device, port=0) if each.what == "cuda"]
    assert (finding.state, bool(finding.remedy)) == (state, True)


def test_cuda_of_another_major_version_is_told_from_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"nvidia-cublas-cu12": "12.9.1"}
    monkeypatch.setattr(doctor, "_version", lambda name: installed.get(name, ""))
    reason = "a CUDA library is missing: libcublasLt.so.13: cannot open shared object file"
    obstacle = FallbackReason("missing_library", reason, "Run: pip install 'onnxruntime-gpu[cuda,cudnn]'")
    monkeypatch.setattr(doctor, "cuda_fallback_reason", lambda: obstacle)
    [finding] = doctor.check_cuda("auto")
    assert "ONNX Runtime wants CUDA 13, and CUDA 12 is installed" in finding.remedy
    installed.clear()
    [finding] = doctor.check_cuda("auto")
    assert finding.remedy == obstacle.remedy


def test_an_old_python_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MIN_PYTHON", (9, 0))
    assert "older than 9.0" in only(examine(EXPORTS / "none", port=0), "python").message


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy>=2\nno-such-package==1.0\n")
    assert only([*doctor.check_packages(tmp_path / "requirements.txt")], "packages").message.startswith("no-such-")


def test_a_taken_port_and_a_folder_that_cannot_be_written(exports: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = examine(exports, corrections=tmp_path / "file" / "corrections", port=taken.getsockname()[1])
    assert "cannot be opened (Address already in use)" in only(found, "port").message
    assert "cannot be written" in only(found, "folders").message


def test_a_check_that_fails_hides_no_other(exports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks() -> None:
        raise RuntimeError("broken beyond words")

    monkeypatch.setattr(doctor, "check_packages", breaks)
    found = examine(exports, port=0)
    assert "broken beyond words" in only(found, "packages").message
    assert found[-1].what == "port"
