"""The doctor, on installations with one thing broken each."""

import json
import socket
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import doctor
from app.doctor import Finding, cli
from inkwear.onnx import session as runtime
from inkwear.onnx.session import FallbackReason
from tests.conftest import some_exports


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    return some_exports(tmp_path / "exports", ["mnist-lenet", "fashion_mnist-lenet"])


def only(found: Iterable[Finding], what: str) -> Finding:
    [finding] = [each for each in found if (each.what, each.state) == (what, "wrong")]
    assert finding.remedy
    return finding


def test_the_command_says_what_it_finds_for_people_and_for_programs(exports: Path) -> None:
    options = ["--exports", str(exports), "--port", "0"]
    people, programs = (CliRunner().invoke(cli, [*options, *more]) for more in ([], ["--json"]))
    assert people.exit_code == programs.exit_code == 0
    assert "✓ models: 2 models open" in people.stdout
    checked = {each["what"] for each in json.loads(programs.stdout)}
    assert checked >= {"python", "packages", "onnxruntime", "models", "folders", "port"}
    broken = CliRunner().invoke(cli, ["--exports", str(exports / "nowhere"), "--port", "0"])
    assert broken.exit_code == 1
    assert "✗ models: There is no folder" in broken.stdout


def test_a_broken_export_and_a_set_without_a_model_are_named(exports: Path) -> None:
    data = bytearray((exports / "mnist-lenet.onnx").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4_000] = bytes(4_000)
    (exports / "mnist-lenet.onnx").write_bytes(data)
    found = [*doctor.check_models(exports)]
    assert "mnist-lenet cannot be used" in only(found, "models").message
    [note] = [each for each in found if each.state == "note"]
    assert note.message == "There is no model for mnist."
    assert "--dataset mnist" in note.remedy


def test_two_onnx_runtimes_are_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: "1.31.1")
    monkeypatch.setattr(runtime, "_is_installed", lambda name: True)
    assert "overwrite each other" in only(doctor.check_onnx_runtime(), "onnxruntime").message
    assert only(doctor.check_cuda("cuda"), "cuda").remedy.startswith(
        "Run: pip uninstall -y onnxruntime onnxruntime-gpu"
    )


@pytest.mark.parametrize(
    ("code", "device", "state"),
    [("no_driver", "auto", "note"), ("no_driver", "cuda", "wrong"), ("missing_library", "auto", "wrong")],
)
def test_what_keeps_cuda_from_use(code, device, state, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "cuda_fallback_reason", lambda: FallbackReason(code, "it lacks", "Install it."))
    [finding] = doctor.check_cuda(device)
    assert (finding.state, finding.remedy) == (state, "Install it.")


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


def test_an_old_python_and_a_missing_package_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MIN_PYTHON", (9, 0))
    assert "older than 9.0" in only(doctor.check_python(), "python").message
    (tmp_path / "requirements.txt").write_text("numpy>=2\nno-such-package==1.0\n")
    assert only(doctor.check_packages(tmp_path / "requirements.txt"), "packages").message.startswith("no-such-")


def test_a_taken_port_a_folder_that_cannot_be_written_and_a_check_that_fails_hide_no_other(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks() -> None:
        raise RuntimeError("broken beyond words")

    monkeypatch.setattr(doctor, "check_packages", breaks)
    (tmp_path / "file").write_text("no folder")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = ["--exports", str(exports), "--corrections", str(tmp_path / "file" / "corrections"), "--port", port]
        found = [Finding(**each) for each in json.loads(CliRunner().invoke(cli, [*options, "--json"]).stdout)]
    assert "broken beyond words" in only(found, "packages").message
    assert "cannot be written" in only(found, "folders").message
    assert "cannot be opened (Address already in use)" in only(found, "port").message
