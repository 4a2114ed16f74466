"""``python -m app.doctor``: what is wrong with this installation, and how to fix it."""

import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.console import EXPORTS, SOME_FAILED
from inkwear.onnx.session import Device, cuda_fallback_reason

if TYPE_CHECKING:
    from app.catalog import Catalog

cli = typer.Typer(add_completion=False)

MIN_PYTHON = (3, 11)

REQUIREMENTS = Path(__file__).parent / "requirements.txt"

INSTALL = f"Run: pip install -r {REQUIREMENTS}"

MARKS = {"fine": "✓", "note": "·", "wrong": "✗"}


@dataclass(frozen=True)
class Finding:
    """The result of one check: fine, worth knowing, or wrong and then with a remedy."""

    what: str
    state: Literal["fine", "note", "wrong"]
    message: str
    remedy: str = ""


# ------------------------------------------------------------------------------------------------------------- checks


def check_python() -> Iterator[Finding]:
    """Check the version of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < MIN_PYTHON:
        oldest = ".".join(map(str, MIN_PYTHON))
        remedy = f"Make the environment with Python {oldest} or newer: make app PYTHON=python{oldest}"
        yield Finding("python", "wrong", f"Python {found} is older than {oldest}.", remedy)
    else:
        yield Finding("python", "fine", f"Python {found}")


def check_packages(requirements: Path = REQUIREMENTS) -> Iterator[Finding]:
    """Compare the installed packages with ``requirements.txt``."""
    remedy = f"Run: pip install -r {requirements}"
    complete = True
    for name, asked in re.findall(r"^([\w-]+)\s*(?:==([^;\s]+)|)", requirements.read_text(), re.MULTILINE):
        if name.startswith("onnxruntime"):
            continue  # one of two packages, as the next check says
        found = _version(name)
        if not found:
            complete = False
            yield Finding("packages", "wrong", f"{name} is not installed.", remedy)
        elif asked and found != asked:
            yield Finding("packages", "note", f"{name} {found} is installed; this app was tested with {asked}.", remedy)
    if complete:
        yield Finding("packages", "fine", "all that the app needs is installed")


def check_onnx_runtime() -> Iterator[Finding]:
    """Check that exactly one package of ONNX Runtime is installed, as two overwrite each other, and that it loads."""
    installed = {name: _version(name) for name in ("onnxruntime", "onnxruntime-gpu") if _version(name)}
    if not installed:
        yield Finding("onnxruntime", "wrong", "ONNX Runtime is not installed.", INSTALL)
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
            yield Finding("onnxruntime", "fine", " ".join(f"{name} {found}" for name, found in installed.items()))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _scan(exports: Path, device: Device) -> "Catalog":
    from app.catalog import scan  # numpy, which a broken installation may lack, must not keep the doctor from starting

    return scan(exports, device)


def check_cuda(device: Device, exports: Path = EXPORTS) -> Iterator[Finding]:
    """Check whether CUDA is used, and whether its libraries have the major version that ONNX Runtime needs."""
    try:
        obstacle = cuda_fallback_reason()
    except ImportError:
        return  # the check of ONNX Runtime has reported it
    if obstacle is None:
        catalog = _scan(exports, "auto")
        if not catalog.entries:
            message = "CUDA seems to be available; only a model can show whether it works, and there is none."
            yield Finding("cuda", "note", message, "Name the folder of models: --exports FOLDER")
            return
        entry, classifier = catalog.choose(None, "auto")
        obstacle = classifier.runtime.fallback_reason
        if obstacle is None:
            yield Finding(
                "cuda", "fine", f"{entry.name} has read its reference picture on {classifier.runtime.provider}"
            )
            return
    harmless = device != "cuda" and obstacle.code in ("no_driver", "no_gpu", "cpu_package", "not_asked")
    remedy = _other_major(obstacle.reason) or obstacle.remedy
    yield Finding("cuda", "note" if harmless else "wrong", f"CUDA is not in use: {obstacle.reason}.", remedy)


def _other_major(reason: str) -> str:
    """The remedy where another major version of CUDA is installed than the error names, as in ``libcublas.so.12``."""
    wanted = re.search(r"lib(?:cublas|cublasLt|cudart|cufft|curand)\w*\.so\.(\d+)", reason)
    if not wanted:
        return ""
    packages = ("nvidia-cublas-cu11", "nvidia-cublas-cu12", "nvidia-cublas-cu13", "nvidia-cublas")
    majors = {found.partition(".")[0] for found in map(_version, packages) if found}
    others = ", ".join(sorted(majors - {wanted[1]}))
    if not others:
        return ""
    return (
        f"ONNX Runtime wants CUDA {wanted[1]}, and CUDA {others} is installed. "
        "Run: pip install 'onnxruntime-gpu[cuda,cudnn]', in an environment of its own."
    )


def check_models(exports: Path) -> Iterator[Finding]:
    """Open every export and let it read its reference picture; note the datasets that have no model."""
    if not exports.is_dir():
        remedy = "Name the folder: --exports FOLDER; or export: python -m training.export CHECKPOINT"
        yield Finding("models", "wrong", f"There is no folder {exports}.", remedy)
        return
    try:
        catalog = _scan(exports, "cpu")
        for entry in catalog.entries.values():
            catalog.examine(entry)
    except ImportError:
        return  # the check of the packages has reported it
    for name, reason in catalog.refused.items():
        remedy = f"Export it again, or remove it: {exports / name}.onnx"
        yield Finding("models", "wrong", f"{name} cannot be used: {reason}", remedy)
    known = {entry.metadata.dataset for entry in catalog.entries.values()}
    for missing in sorted({"mnist", "fashion_mnist"} - known):
        remedy = f"Run: python -m training.train --dataset {missing} --model convnet, then python -m training.export"
        yield Finding("models", "note" if known else "wrong", f"There is no model for {missing}.", remedy)
    if catalog.entries:
        yield Finding("models", "fine", f"{len(catalog.entries)} models open and read their reference picture")


def check_folders(corrections: Path | None) -> Iterator[Finding]:
    """Check that the folders the app writes to are writable."""
    for what, folder, remedy in (
        ("temporary files", Path(tempfile.gettempdir()), "Set TMPDIR to a folder that can be written."),
        ("corrections", corrections, "Choose another folder."),
    ):
        if folder is None:
            continue
        nearest = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            yield Finding("folders", "fine", f"{folder} ({what}) can be written")
        else:
            yield Finding("folders", "wrong", f"{nearest} ({what}) cannot be written.", remedy)


def check_port(host: str, port: int) -> Iterator[Finding]:
    """Check that the address is free."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
        remedy = f"Stop what listens there, or choose another: python -m app --port {port + 1 if port < 65535 else 0}"
        yield Finding("port", "wrong", f"{host}:{port} cannot be opened ({reason}).", remedy)
    else:
        yield Finding("port", "fine", f"{host}:{port} is free")


# --------------------------------------------------------------------------------------------------------------- main


def _findings(checks: Mapping[str, Callable[[], Iterator[Finding]]]) -> list[Finding]:
    """Run every check; one that fails itself is a finding too and hides no other."""
    found: list[Finding] = []
    for what, check in checks.items():
        try:
            found += check()
        except Exception as error:  # the doctor is for machines on which anything may be broken
            found.append(Finding(what, "wrong", f"The check has failed: {type(error).__name__}: {error}", INSTALL))
    return found


@cli.command()
def doctor(
    exports: Annotated[Path, typer.Option(help="The folder of .onnx files.")] = EXPORTS,
    device: Annotated[Device, typer.Option(help="With cuda, whatever keeps CUDA from use is wrong.")] = "auto",
    corrections: Annotated[Path | None, typer.Option(help="The folder that the app will keep corrections in.")] = None,
    host: Annotated[str, typer.Option(help="The address that the app will listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 7860,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Say what is wrong with this installation and how to fix it; exit code 1 where something is."""
    found = _findings(
        {
            "python": check_python,
            "packages": check_packages,
            "onnxruntime": check_onnx_runtime,
            "cuda": lambda: check_cuda(device, exports),
            "models": lambda: check_models(exports),
            "folders": lambda: check_folders(corrections),
            "port": lambda: check_port(host, port),
        }
    )
    if as_json:
        print(json.dumps([asdict(finding) for finding in found], ensure_ascii=False, indent=2))
    else:
        for finding in found:
            print(f"{MARKS[finding.state]} {finding.what}: {finding.message}")
            if finding.remedy:
                print(f"    {finding.remedy}")
    if any(finding.state == "wrong" for finding in found):
        raise typer.Exit(SOME_FAILED)


if __name__ == "__main__":
    cli()
