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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import lacking

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inkwear-tests"

NO_NETWORK = re.compile(
    "ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT"
    "|NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|ProtocolError"
)
"""What npm and pip say where the registry cannot be reached; all else is a failure."""


def npm_package(name: str, version: str, sha512: str) -> Path:
    """Return the folder of an npm package, without those it depends on; ``sha512`` in base64, as npm writes it."""
    folder = CACHE / f"{name}-{version}-{hashlib.sha256(sha512.encode()).hexdigest()[:12]}"
    if folder.exists():
        return folder / "package"
    if not shutil.which("npm"):
        lacking("npm is not installed (Debian: apt-get install npm)")
    with _fetched("sha512", base64.b64decode(sha512), "npm", "pack", f"{name}@{version}") as archive:
        unpacked = archive.parent / "unpacked"
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
        _keep(unpacked, folder)
    return folder / "package"


def wheel(name: str, version: str, sha256: str) -> Path:
    """Return a wheel that pip downloads, without those it depends on; ``sha256`` in hexadecimal."""
    kept = CACHE / f"{name}-{version}-{sha256[:12]}.whl"
    if kept.exists():
        return kept
    pip = (sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:")
    with _fetched("sha256", bytes.fromhex(sha256), *pip, f"{name}=={version}") as archive:
        _keep(archive, kept)
    return kept


@contextmanager
def _fetched(algorithm: str, digest: bytes, *command: str) -> Iterator[Path]:
    """Run a client of a registry in an empty folder; yield the one file that it leaves there, once it is verified."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        if done.returncode and (why := NO_NETWORK.search(done.stderr)):
            lacking(f"the registry of {command[-1]} cannot be reached ({why[0]})")
        assert not done.returncode, done.stderr
        [archive] = Path(folder).iterdir()
        found = hashlib.new(algorithm, archive.read_bytes()).digest()
        assert found == digest, f"{command[-1]} is not what it was: its {algorithm} is {found.hex()}"
        yield archive


def _keep(made: Path, place: Path) -> None:
    """Move into the cache, unless another process was quicker."""
    try:
        made.rename(place)
    except OSError:
        assert place.exists()
