"""Packages that a test needs and the project does not: from the registries that npm and pip are set to, by npm and pip.

They are kept in the user's cache, outside of the checkout, under their digests; another digest fails the test.
"""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.conftest import lacking

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inkwear-tests"

NO_NETWORK = re.compile(
    "ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT"
    "|NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|ProtocolError"
)
"""What npm and pip say where the registry cannot be reached; all else is a failure."""


def npm_package(name: str, version: str, sha512: str) -> Path:
    """Return the folder of an npm package, without those it depends on.

    Args:
        name: such as ``onnxruntime-web``.
        version: one alone.
        sha512: of its archive in base64, as npm writes it.
    """
    folder = CACHE / f"{name}-{version}-{hashlib.sha256(sha512.encode()).hexdigest()[:12]}"
    if folder.exists():
        return folder / "package"
    if not shutil.which("npm"):
        lacking("npm is not installed (Debian: apt-get install npm)")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        archive = _fetch(Path(temporary), "npm", "pack", f"{name}@{version}")
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        assert found == sha512, f"{name} {version} is not what it was: its SHA-512 is {found}"
        unpacked = Path(temporary) / "unpacked"
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
        _keep(unpacked, folder)
    return folder / "package"


def wheel(name: str, version: str, sha256: str) -> Path:
    """Return a wheel that pip downloads, without those it depends on; ``sha256`` in hexadecimal."""
    kept = CACHE / f"{name}-{version}-{sha256[:12]}.whl"
    if kept.exists():
        return kept
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        archive = _fetch(Path(temporary), *pip, f"{name}=={version}")
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        assert found == sha256, f"{name} {version} is not what it was: its SHA-256 is {found}"
        _keep(archive, kept)
    return kept


def _fetch(folder: Path, *command: str) -> Path:
    """Run a client of a registry in an empty folder and return the one file that it leaves there."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode and (why := NO_NETWORK.search(done.stderr)):
        lacking(f"the registry of {command[-1]} cannot be reached ({why[0]})")
    assert not done.returncode, done.stderr
    [archive] = folder.iterdir()
    return archive


def _keep(made: Path, place: Path) -> None:
    """Move into the cache, unless another process was quicker."""
    try:
        made.rename(place)
    except OSError:
        assert place.exists()
