import ctypes
from pathlib import Path

import onnxruntime as ort
import pytest

from inkwear.errors import DeviceError, ModelFileError
from inkwear.onnx import session as runtime
from inkwear.onnx.session import CPU, CUDA, FallbackReason, cuda_fallback_reason, open_session, require_device
from tests.conftest import EXPORTS

LENET = EXPORTS / "mnist-lenet.onnx"

HAS_GPU = cuda_fallback_reason() is None


class Driver:
    """An NVIDIA driver of our own making."""

    def __init__(self, gpus: int, init: int = 0) -> None:
        self.gpus, self.init = gpus, init

    def cuInit(self, flags: int) -> int:  # noqa: N802
        return self.init

    def cuDeviceGetCount(self, count) -> int:  # noqa: N802
        count._obj.value = self.gpus
        return 0


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Pretend what is installed: packages, what ONNX Runtime was built for, and the shared libraries that load."""

    def pretend(packages=("onnxruntime-gpu",), providers=(CUDA, CPU), driver: Driver | None = None, missing: str = ""):
        monkeypatch.setattr(runtime, "_is_installed", lambda name: name in packages)
        monkeypatch.setattr(ort, "get_available_providers", lambda: list(providers))
        monkeypatch.setattr(ort, "preload_dlls", lambda: None)

        def load(name: str, mode: int = 0):
            if "libcuda.so" in name:
                if driver is None:
                    raise OSError("libcuda.so.1: cannot open shared object file")
                return driver
            if missing:
                raise OSError(f"{missing}: cannot open shared object file: No such file or directory")
            return object()

        monkeypatch.setattr(ctypes, "CDLL", load)

    return pretend


@pytest.mark.parametrize(
    ("pretended", "code", "words"),
    [
        ({"packages": ("onnxruntime", "onnxruntime-gpu")}, "two_packages", "uninstall -y onnxruntime onnxruntime-gpu"),
        ({"packages": ("onnxruntime",), "providers": (CPU,)}, "cpu_package", "built for the CPU only"),
        ({}, "no_driver", "no NVIDIA driver is installed"),
        ({"driver": Driver(0)}, "no_gpu", "finds no GPU"),
        ({"driver": Driver(1, init=100)}, "no_gpu", "finds no GPU"),
        ({"driver": Driver(1), "missing": "libcurand.so.10"}, "missing_library", "libcurand.so.10"),
    ],
)
def test_what_stands_against_cuda_is_named_with_its_cure(machine, pretended: dict, code: str, words: str) -> None:
    machine(**pretended)
    obstacle = cuda_fallback_reason()
    assert obstacle is not None
    assert obstacle.code == code
    assert words in str(obstacle)
    with pytest.raises(DeviceError, match="CUDA is not available: "):
        open_session(LENET, "cuda")
    with pytest.raises(DeviceError):
        require_device("cuda")
    fallback = open_session(LENET, "auto")
    assert (fallback.device, fallback.provider, fallback.fallback_reason) == ("cpu", CPU, obstacle)


@pytest.mark.skipif(HAS_GPU, reason="CUDA works here")
def test_a_session_that_fails_on_cuda_falls_back_with_the_reason(machine) -> None:
    machine(driver=Driver(2))
    assert cuda_fallback_reason() is None
    opened = open_session(LENET, "auto")  # all seems well, but there is no GPU
    assert opened.provider == opened.session.get_providers()[0] == CPU
    assert opened.fallback_reason is not None
    assert opened.fallback_reason.code == "failed"
    with pytest.raises(DeviceError, match="ONNX Runtime could not open CUDA"):
        open_session(LENET, "cuda")


@pytest.mark.skipif(not HAS_GPU, reason="there is no CUDA here")
def test_cuda_is_used_where_it_works() -> None:
    opened = open_session(LENET, "cuda")
    assert opened.provider == opened.session.get_providers()[0] == CUDA
    assert opened.fallback_reason is None


def test_the_cpu_is_used_when_asked_for() -> None:
    opened = open_session(LENET, "cpu")
    assert (opened.provider, opened.session.get_providers()) == (CPU, [CPU])
    assert opened.fallback_reason == FallbackReason("not_asked", "the CPU was asked for")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ValueError, match="Known: auto, cpu, cuda"):
        open_session(LENET, "tpu")  # type: ignore[arg-type]


@pytest.mark.parametrize("device", ["cpu", "auto"])
@pytest.mark.parametrize("content", [b"", b"not a model", LENET.read_bytes()[:5000]])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes, device) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=f"{path}: ONNX Runtime cannot open it"):
        open_session(path, device)
