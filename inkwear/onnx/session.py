"""From the name of a device to a session, the provider really in use, and the reason where they differ."""

import contextlib
import ctypes
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import onnxruntime as ort

    from inkwear.preprocess.spec import Floats

Device = Literal["auto", "cpu", "cuda"]

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"

THREADS = 1
"""For networks of this size one thread is fastest, alone and in batches; several sessions run side by side instead."""


@dataclass(frozen=True)
class FallbackReason:
    """Why CUDA is not in use: a code for programs, a reason for people, and the command that mends it."""

    code: Literal["not_asked", "two_packages", "cpu_package", "no_driver", "no_gpu", "missing_library", "failed"]
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.reason}. {self.remedy}".strip()


NVIDIA_SMI = "Run nvidia-smi to see whether the GPU is there; until then choose the CPU: --device cpu."

NOT_ASKED = FallbackReason("not_asked", "the CPU was asked for")


class DeviceError(RuntimeError):
    """CUDA was asked for and cannot be had; the message says why and what mends it."""


class ModelFileError(RuntimeError):
    """A model file that breaks its contract; the message names the file and says how."""


@dataclass(frozen=True)
class Runtime:
    """A session and where it runs: ``asked`` for, ``device`` and ``provider`` in use, and ``obstacle`` between them."""

    session: "ort.InferenceSession"
    asked: Device
    provider: str
    obstacle: FallbackReason | None

    @property
    def device(self) -> Literal["cpu", "cuda"]:
        return "cuda" if self.provider == CUDA else "cpu"

    def run(self, output: str, inputs: "dict[str, Floats]") -> "Floats":
        """Run the network.

        Raises:
            DeviceError: it was opened on CUDA, and CUDA fails now.
        """
        try:
            return self.session.run([output], inputs)[0]
        except Exception as error:  # onnxruntime's exceptions share no base class of their own
            if self.provider != CUDA:
                raise
            raise DeviceError(f"CUDA has failed: {_essence(error)}. {NVIDIA_SMI}") from error


def open_session(path: Path, device: Device = "auto", data: bytes | None = None) -> Runtime:
    """Open a model on the device asked for; ``auto`` takes CUDA where it works, and says why where it does not.

    Args:
        path: the file; only its name is used where ``data`` is given.
        device: ``auto``, ``cpu`` or ``cuda``.
        data: what the file held when it was read.

    Raises:
        DeviceError: ``cuda`` was asked for and is not to be had.
        ModelFileError: ONNX Runtime cannot read the file.
        ValueError: no such device.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"There is no device {device!r}. Known: auto, cpu, cuda.")
    if device == "cpu":
        return Runtime(_session(path, data, CPU), device, CPU, NOT_ASKED)
    obstacle = cuda_fallback_reason()
    if obstacle is None:
        session, obstacle = _cuda_session(path, data)
        if session is not None:
            return Runtime(session, device, CUDA, None)
    if device == "cuda":
        raise DeviceError(f"CUDA is not available: {obstacle}")
    return Runtime(_session(path, data, CPU), device, CPU, obstacle)


def share_session(runtime: Runtime, device: Device) -> Runtime | None:
    """Return the same session under another name of its device, ``cpu`` or ``auto``; None where it is another device.

    ``auto`` on a machine without CUDA is the CPU, so that one session answers for both.
    """
    if runtime.asked == device:
        return runtime
    if runtime.provider != CPU or device == "cuda":
        return None
    obstacle = NOT_ASKED if device == "cpu" else cuda_fallback_reason()
    return Runtime(runtime.session, device, CPU, obstacle) if obstacle else None


def fallen_back(runtime: Runtime, error: DeviceError) -> Runtime:
    """The same session on the CPU, taken for ``auto`` because CUDA opened the file and then failed."""
    reason = str(error).removesuffix(NVIDIA_SMI).strip().rstrip(".")
    return Runtime(runtime.session, "auto", CPU, FallbackReason("failed", reason, NVIDIA_SMI))


def require_device(device: Device) -> None:
    """Raise where ``device`` is sure not to be had, before any model is opened.

    Raises:
        DeviceError: ``cuda`` was asked for and something stands against it.
    """
    if device == "cuda" and (obstacle := cuda_fallback_reason()):
        raise DeviceError(f"CUDA is not available: {obstacle}")


def cuda_fallback_reason() -> FallbackReason | None:
    """Say what keeps ONNX Runtime from CUDA as far as can be known without opening a session; None if nothing."""
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
    """Whether pip put it where ONNX Runtime lies; ``importlib.metadata`` takes as long to load as half of Pillow."""
    import onnxruntime as ort

    folder = Path(ort.__file__).parents[1]
    return any(folder.glob(f"{package.replace('-', '_')}-[0-9]*.dist-info"))


def _driver_fallback_reason() -> FallbackReason | None:
    """Ask the CUDA driver itself, which every NVIDIA driver brings."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return FallbackReason("no_driver", "no NVIDIA driver is installed", "Install the driver of your NVIDIA GPU.")
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0:
        return FallbackReason("no_gpu", "the NVIDIA driver finds no GPU", "Run nvidia-smi to see what the driver sees.")
    return None


def _library_fallback_reason() -> FallbackReason | None:
    """Load the CUDA libraries that pip installed, then ONNX Runtime's own, whose error names what is missing."""
    import onnxruntime as ort

    if sys.platform == "win32":
        return None
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find, where results belong
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
        _session(path, data, CPU)  # a file that is broken on the CPU too is the file's fault, and raises
        reason = _essence(error.__cause__ or error)
        return None, FallbackReason("failed", f"ONNX Runtime could not open CUDA ({reason})", NVIDIA_SMI)
    used = session.get_providers()[0]
    if used != CUDA:  # whatever was asked for, what counts is where it runs
        return None, FallbackReason("failed", f"ONNX Runtime was asked for CUDA and took {used}", NVIDIA_SMI)
    return session, None


def _session(path: Path, data: bytes | None, provider: str) -> "ort.InferenceSession":
    import onnxruntime as ort  # when the first model is opened, not when the page is

    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 4  # what goes wrong is raised; ONNX Runtime would print it as well
    if provider == CUDA:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        # Without enable_fallback=0 a session whose GPU fails goes on with the CPU, at opening and in mid-run.
        source = str(path) if data is None else data
        return ort.InferenceSession(source, options, providers=[provider], enable_fallback=0)
    except Exception as error:  # onnxruntime's exceptions share no base class of their own
        raise ModelFileError(f"{path}: ONNX Runtime cannot open it ({_essence(error)})") from error


def _essence(error: BaseException) -> str:
    """Pick out of an error of ONNX Runtime what a person can use: the CUDA failure it names, or its first line."""
    message = str(error).strip()
    failure = re.search(r"CUDA failure \d+: [^;]+", message)
    return (failure[0] if failure else message.splitlines()[0]).strip()
