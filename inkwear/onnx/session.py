"""Opens sessions of ONNX Runtime on a device, and says which provider is in use and why."""

import contextlib
import ctypes
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from inkwear.errors import DeviceError, ModelFileError

if TYPE_CHECKING:
    import onnxruntime as ort

    from inkwear.preprocess.spec import Floats

Device = Literal["auto", "cpu", "cuda"]

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"

THREADS = 1
"""Threads of a session: one is fastest for networks of this size, and several sessions can run side by side."""


@dataclass(frozen=True)
class FallbackReason:
    """Why CUDA is not in use: a code for programs, a reason for people, and the remedy."""

    code: Literal["not_asked", "two_packages", "cpu_package", "no_driver", "no_gpu", "missing_library", "failed"]
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.reason}. {self.remedy}".strip()


NVIDIA_SMI = "Run nvidia-smi to see whether the GPU is there; until then choose the CPU: --device cpu."

NOT_ASKED = FallbackReason("not_asked", "the CPU was asked for")


@dataclass(frozen=True)
class Runtime:
    """A session and where it runs.

    Attributes:
        asked: for this device.
        provider: in use.
        fallback_reason: why CUDA is not in use, None if it is.
    """

    session: "ort.InferenceSession"
    asked: Device
    provider: str
    fallback_reason: FallbackReason | None

    @property
    def device(self) -> Literal["cpu", "cuda"]:
        return "cuda" if self.provider == CUDA else "cpu"

    def run(self, output: str, inputs: "dict[str, Floats]") -> "Floats":
        """Run the network and return one output.

        Raises:
            DeviceError: CUDA fails.
        """
        try:
            return self.session.run([output], inputs)[0]
        except Exception as error:  # onnxruntime's exceptions share no base class of their own
            if self.provider != CUDA:
                raise
            raise DeviceError(f"CUDA has failed: {_essence(error)}. {NVIDIA_SMI}") from error


def open_session(path: Path, device: Device = "auto", data: bytes | None = None) -> Runtime:
    """Open a model on a device; ``auto`` is CUDA if that works, and the CPU with a reason if not.

    Args:
        path: the file; only its name is used if there is ``data``.
        device: ``auto``, ``cpu`` or ``cuda``.
        data: content of the file.

    Raises:
        DeviceError: ``cuda`` was asked for and is not available.
        ModelFileError: ONNX Runtime cannot read the file.
        ValueError: the device is unknown.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"There is no device {device!r}. Known: auto, cpu, cuda.")
    if device == "cpu":
        return Runtime(_session(path, data, CPU), device, CPU, NOT_ASKED)
    fallback_reason = cuda_fallback_reason()
    if fallback_reason is None:
        session, fallback_reason = _cuda_session(path, data)
        if session is not None:
            return Runtime(session, device, CUDA, None)
    if device == "cuda":
        raise DeviceError(f"CUDA is not available: {fallback_reason}")
    return Runtime(_session(path, data, CPU), device, CPU, fallback_reason)


def share_session(runtime: Runtime, device: Device) -> Runtime | None:
    """Return a session for another name of its device, ``cpu`` or ``auto``; None if that is another device.

    On a machine without CUDA ``auto`` is the CPU, and one session serves both.
    """
    if runtime.asked == device:
        return runtime
    if runtime.provider != CPU or device == "cuda":
        return None
    fallback_reason = NOT_ASKED if device == "cpu" else cuda_fallback_reason()
    return Runtime(runtime.session, device, CPU, fallback_reason) if fallback_reason else None


def cpu_fallback(runtime: Runtime, error: DeviceError) -> Runtime:
    """Return a session on the CPU for ``auto``, with the reason that CUDA opened the file and then failed."""
    reason = str(error).removesuffix(NVIDIA_SMI).strip().rstrip(".")
    return Runtime(runtime.session, "auto", CPU, FallbackReason("failed", reason, NVIDIA_SMI))


def require_device(device: Device) -> None:
    """Check before any model is opened that a device may be available.

    Raises:
        DeviceError: ``cuda`` was asked for and cannot work.
    """
    if device == "cuda" and (fallback_reason := cuda_fallback_reason()):
        raise DeviceError(f"CUDA is not available: {fallback_reason}")


def cuda_fallback_reason() -> FallbackReason | None:
    """Return why ONNX Runtime cannot use CUDA, as far as is known without a session; None if nothing is known."""
    import onnxruntime as ort

    installed = [name for name in ("onnxruntime", "onnxruntime-gpu") if _is_installed(name)]
    if len(installed) == 2:
        return FallbackReason(
            "two_packages",
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other",
            "Run: pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'onnxruntime-gpu[cuda,cudnn]'",
        )
    if CUDA not in ort.get_available_providers():
        return FallbackReason(
            "cpu_package",
            "the installed onnxruntime was built for the CPU only",
            "Run: pip uninstall -y onnxruntime && pip install 'onnxruntime-gpu[cuda,cudnn]'",
        )
    return _driver_fallback_reason() or _library_fallback_reason()


def _is_installed(package: str) -> bool:
    """Return whether pip installed a package beside ONNX Runtime; ``importlib.metadata`` would be slow to import."""
    import onnxruntime as ort

    folder = Path(ort.__file__).parents[1]
    return any(folder.glob(f"{package.replace('-', '_')}-[0-9]*.dist-info"))


def _driver_fallback_reason() -> FallbackReason | None:
    """Ask the CUDA driver, which is a part of every NVIDIA driver, for GPUs."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return FallbackReason("no_driver", "no NVIDIA driver is installed", "Install the driver of your NVIDIA GPU.")
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return FallbackReason("no_gpu", "the NVIDIA driver finds no GPU", "Run nvidia-smi to see what the driver sees.")
    return None


def _library_fallback_reason() -> FallbackReason | None:
    """Load the CUDA libraries from pip, then ONNX Runtime's own, whose error names what is missing."""
    import onnxruntime as ort

    if sys.platform == "win32":
        return None
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find to stdout
        ort.preload_dlls()
    folder = Path(ort.__file__).parent / "capi"
    try:
        ctypes.CDLL(str(folder / "libonnxruntime_providers_shared.so"), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(folder / "libonnxruntime_providers_cuda.so"))
    except OSError as error:
        return FallbackReason(
            "missing_library",
            f"a CUDA library is missing: {error}",
            "Run: pip install 'onnxruntime-gpu[cuda,cudnn]'",
        )
    return None


def _cuda_session(path: Path, data: bytes | None) -> "tuple[ort.InferenceSession | None, FallbackReason | None]":
    try:
        session = _session(path, data, CUDA)
    except ModelFileError as error:
        _session(path, data, CPU)  # raises if the file is broken on the CPU too
        reason = _essence(error.__cause__ or error)
        return None, FallbackReason("failed", f"ONNX Runtime could not open CUDA ({reason})", NVIDIA_SMI)
    used = session.get_providers()[0]
    if used != CUDA:  # ONNX Runtime may choose another provider
        return None, FallbackReason("failed", f"ONNX Runtime was asked for CUDA and took {used}", NVIDIA_SMI)
    return session, None


def _session(path: Path, data: bytes | None, provider: str) -> "ort.InferenceSession":
    import onnxruntime as ort  # 0.1 s, which a start without a model saves

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 4  # errors are raised, and need not be printed too
    if provider == CUDA:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        # Without enable_fallback=0 a session whose GPU fails silently continues on the CPU.
        source = str(path) if data is None else data
        return ort.InferenceSession(source, options, providers=[provider], enable_fallback=0)
    except Exception as error:  # onnxruntime's exceptions share no base class of their own
        raise ModelFileError(f"{path}: ONNX Runtime cannot open it ({_essence(error)})") from error


def _essence(error: BaseException) -> str:
    """Return the CUDA failure that an error of ONNX Runtime names, or its first line."""
    message = str(error).strip()
    failure = re.search(r"CUDA failure \d+: [^;]+", message)
    return (failure[0] if failure else message.splitlines()[0]).strip()
