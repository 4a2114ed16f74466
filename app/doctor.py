"""``python -m app.doctor``: what is wrong with this installation, and what mends it."""

import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.console import EXPORTS, SOME_FAILED, Device

cli = typer.Typer(add_completion=False)

OLDEST_PYTHON = (3, 11)

REQUIREMENTS = Path(__file__).parent / "requirements.txt"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: fine, worth knowing, or wrong, and then with what mends it."""

    what: str
    state: Literal["fine", "note", "wrong"]
    message: str
    remedy: str = ""


def fine(what: str, message: str) -> Finding:
    """What is as it should be."""
    return Finding(what, "fine", message)


# -------------------------------------------------------------------------------------------------------------- looks


def look_at_python() -> Iterator[Finding]:
    """The version of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        remedy = f"Make the environment with Python {oldest} or newer: make app PYTHON=python{oldest}"
        yield Finding("python", "wrong", f"Python {found} is older than {oldest}.", remedy)
    else:
        yield fine("python", f"Python {found}")


def look_at_packages(requirements: Path = REQUIREMENTS) -> Iterator[Finding]:
    """What ``requirements.txt`` asks for, beside what is installed."""
    wrong = False
    for name, asked in re.findall(r"^([\w-]+)\s*(==[^;\s]+|)", requirements.read_text(), re.MULTILINE):
        if name.startswith("onnxruntime"):
            continue  # one of two, as the next look says
        try:
            found = version(name)
        except PackageNotFoundError:
            wrong = True
            yield Finding("packages", "wrong", f"{name} is not installed.", f"Run: pip install -r {requirements}")
            continue
        if asked and found != asked.removeprefix("=="):
            message = f"{name} {found} is installed; this app was tested with {asked.removeprefix('==')}."
            yield Finding("packages", "note", message, f"Run: pip install -r {requirements}")
    if not wrong:
        yield fine("packages", "all that the app needs is installed")


def look_at_onnx_runtime() -> Iterator[Finding]:
    """Which ONNX Runtime is there; two overwrite each other."""
    installed = {name: _version(name) for name in ("onnxruntime", "onnxruntime-gpu") if _version(name)}
    if not installed:
        remedy = f"Run: pip install -r {REQUIREMENTS}"
        yield Finding("onnxruntime", "wrong", "ONNX Runtime is not installed.", remedy)
    elif len(installed) == 2:
        remedy = "Run: pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'onnxruntime-gpu[cuda,cudnn]'"
        message = "onnxruntime and onnxruntime-gpu are both installed and overwrite each other."
        yield Finding("onnxruntime", "wrong", message, remedy)
    else:
        try:
            import onnxruntime  # noqa: F401
        except Exception as error:  # a missing library is an ImportError, a damaged package anything
            remedy = f"Run: pip install --force-reinstall -r {REQUIREMENTS}"
            yield Finding("onnxruntime", "wrong", f"ONNX Runtime cannot be loaded: {error}", remedy)
        else:
            yield fine("onnxruntime", " ".join(f"{name} {found}" for name, found in installed.items()))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def look_at_cuda(device: Device, exports: Path = EXPORTS) -> Iterator[Finding]:
    """Whether CUDA is used, and whether its libraries are of the major version that ONNX Runtime wants."""
    from inkwear.onnx.session import cuda_fallback_reason

    try:
        obstacle = cuda_fallback_reason()
    except ImportError:
        return  # the look at ONNX Runtime has said it
    if obstacle is None:
        from app.catalog import scan

        catalog = scan(exports, "auto")
        if not catalog.entries:
            message = "Nothing stands against CUDA; only a model tells whether it works, and there is none."
            yield Finding("cuda", "note", message, "Name the folder of models: --exports FOLDER")
            return
        entry, classifier = catalog.choose(None, "auto")
        obstacle = classifier.runtime.fallback_reason
        if obstacle is None:
            yield fine("cuda", f"{entry.name} has read its reference picture on {classifier.runtime.provider}")
            return
    harmless = device != "cuda" and obstacle.code in ("no_driver", "no_gpu", "cpu_package", "not_asked")
    remedy = _other_major(obstacle.reason) or obstacle.remedy
    yield Finding("cuda", "note" if harmless else "wrong", f"CUDA is not in use: {obstacle.reason}.", remedy)


def _other_major(reason: str) -> str:
    """The remedy where a library is missing of one CUDA and there of another: the error names ``libcublas.so.12``."""
    wanted = re.search(r"lib(cublas|cublasLt|cudart|cufft|curand|cudnn)\w*\.so\.(\d+)", reason)
    if not wanted:
        return ""
    majors = {
        match[1]
        for name in ("nvidia-cublas-cu11", "nvidia-cublas-cu12", "nvidia-cublas-cu13", "nvidia-cublas")
        if _version(name) and (match := re.match(r"(\d+)", _version(name)))
    }
    others = ", ".join(sorted(majors - {wanted[2]}))
    if not others or wanted[1] == "cudnn":
        return ""
    return (
        f"ONNX Runtime wants CUDA {wanted[2]}, and CUDA {others} is installed. "
        "Run: pip install 'onnxruntime-gpu[cuda,cudnn]', in an environment of its own."
    )


def look_at_models(exports: Path) -> Iterator[Finding]:
    """Every export: whether it can be opened and reads the picture whose answer it states; and one for each set."""
    from app.catalog import scan

    if not exports.is_dir():
        remedy = "Name the folder: --exports FOLDER; or export: python -m training.export CHECKPOINT"
        yield Finding("models", "wrong", f"There is no folder {exports}.", remedy)
        return
    catalog = scan(exports, "cpu")
    try:
        for entry in catalog.entries.values():
            catalog.examine(entry)
    except ImportError:
        return  # the look at ONNX Runtime has said it
    for name, reason in catalog.refused.items():
        remedy = f"Export it again, or remove it: {exports / name}.onnx"
        yield Finding("models", "wrong", f"{name} cannot be used: {reason}", remedy)
    sets = {entry.metadata.dataset for entry in catalog.entries.values()}
    for missing in sorted({"mnist", "fashion_mnist"} - sets):
        remedy = f"Run: python -m training.train --dataset {missing} --model convnet, then python -m training.export"
        yield Finding("models", "note" if sets else "wrong", f"There is no model for {missing}.", remedy)
    if catalog.entries:
        yield fine("models", f"{len(catalog.entries)} models open and read their reference picture")


def look_at_folders(corrections: Path | None) -> Iterator[Finding]:
    """Whether what is written can be written."""
    for what, folder in (("temporary files", Path(tempfile.gettempdir())), ("corrections", corrections)):
        if folder is None:
            continue
        nearest = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            remedy = "Set TMPDIR to a folder that can be written." if what[0] == "t" else "Choose another folder."
            yield Finding("folders", "wrong", f"{nearest} ({what}) cannot be written.", remedy)
        else:
            yield fine("folders", f"{folder} ({what}) can be written")


def look_at_the_port(host: str, port: int) -> Iterator[Finding]:
    """Whether the address is free."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
        remedy = f"Stop what listens there, or choose another: python -m app --port {port + 1 if port < 65535 else 0}"
        yield Finding("port", "wrong", f"{host}:{port} cannot be opened ({reason}).", remedy)
    else:
        yield fine("port", f"{host}:{port} is free")


# --------------------------------------------------------------------------------------------------------------- main


def examine(
    exports: Path = EXPORTS,
    device: Device = "auto",
    corrections: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 7860,
) -> list[Finding]:
    """Look at everything; a look that fails is a finding, and hides no other."""
    looks: dict[str, Callable[[], Iterator[Finding]]] = {
        "python": look_at_python,
        "packages": look_at_packages,
        "onnxruntime": look_at_onnx_runtime,
        "cuda": lambda: look_at_cuda(device, exports),
        "models": lambda: look_at_models(exports),
        "folders": lambda: look_at_folders(corrections),
        "port": lambda: look_at_the_port(host, port),
    }
    found: list[Finding] = []
    for what, look in looks.items():
        try:
            found += look()
        except Exception as error:  # the doctor is for machines on which anything may be broken
            remedy = f"Run: pip install -r {REQUIREMENTS}"
            found.append(Finding(what, "wrong", f"It cannot be looked at: {type(error).__name__}: {error}", remedy))
    return found


@cli.command()
def doctor(
    exports: Annotated[Path, typer.Option(help="The folder of .onnx files.")] = EXPORTS,
    device: Annotated[Device, typer.Option(help="With cuda, what keeps CUDA from use is wrong.")] = "auto",
    corrections: Annotated[Path | None, typer.Option(help="The folder that the app is to be given.")] = None,
    host: Annotated[str, typer.Option(help="Where the app is to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 7860,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what is wrong with this installation and how to mend each; exit code 1 where something is."""
    found = examine(exports, device, corrections, host, port)
    if as_json:
        print(json.dumps([asdict(finding) for finding in found], ensure_ascii=False, indent=2))
    else:
        for finding in found:
            print(f"{ {'fine': '✓', 'note': '·', 'wrong': '✗'}[finding.state] } {finding.what}: {finding.message}")
            if finding.remedy:
                print(f"    {finding.remedy}")
    if any(finding.state == "wrong" for finding in found):
        raise typer.Exit(SOME_FAILED)


def main() -> None:
    """Run the command with the arguments of the process."""
    cli()


if __name__ == "__main__":
    main()
