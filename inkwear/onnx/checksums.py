"""``python -m inkwear.onnx.checksums FILE…``: keeps ``SHA256SUMS``, the list of the model files that are trusted.

The list lies beside the exports and has a line for each, as ``sha256sum --check SHA256SUMS`` reads it. Files that
``training.publish.export`` writes are added to it; this command adds a file that you trust. Any other file is first
loaded in a child process (``inkwear.onnx.sandbox``).
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from inkwear.errors import ChecksumError, ProtobufError
from inkwear.files import atomic_path, file_digest, locked, write_text
from inkwear.onnx.props import read_props

SUMS = "SHA256SUMS"

HOW_TO_MEND = "Put an intact copy in its place, or export it again with python -m training.export"


def is_listed(name: str, digest: str, folder: Path) -> bool:
    """Return whether the list of a folder has this file; False where it has none of this name, or there is no list.

    Args:
        name: of the file.
        digest: SHA-256 of its content, in hexadecimal.
        folder: holds the list.

    Raises:
        ChecksumError: the list has another file of this name, or cannot be read.
    """
    known = read_sums(folder).get(name)
    if known and digest not in known:
        raise ChecksumError(
            f"it is not the file that {folder / SUMS} lists under its name. {HOW_TO_MEND}; if you put this one there "
            f"yourself and trust it: python -m inkwear.onnx.checksums {folder / name}"
        )
    return bool(known)


def read_sums(folder: Path) -> dict[str, tuple[str, ...]]:
    """Read ``SHA256SUMS``: the digests of each name, two while a file is being replaced.

    Raises:
        ChecksumError: it cannot be read, or a line is not one of ``sha256sum``.
    """
    path = folder / SUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ChecksumError(f"{path}, which lists its digest, cannot be read ({error})") from error
    sums: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line)
        if not match:
            raise ChecksumError(
                f"{path}, which lists its digest, is damaged in line {number}. Make it again: "
                f"python -m inkwear.onnx.checksums {folder}/*.onnx"
            )
        sums[match[2]] = (*sums.get(match[2], ()), match[1])
    return sums


def write_sums(sums: Mapping[str, tuple[str, ...]], folder: Path) -> None:
    """Write ``SHA256SUMS`` atomically."""
    lines = [f"{digest}  {name}\n" for name, digests in sorted(sums.items()) for digest in digests]
    write_text(folder / SUMS, "".join(lines))


@contextmanager
def listed_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path; when the block ends well, the file written there is listed and moved to ``path``.

    If the list has the old file, it names both digests before the file is replaced, and only the new one afterwards;
    if not, the new digest is added afterwards. So the list never contradicts the file, whenever the process ends.
    """
    with atomic_path(path) as temporary:
        yield temporary
        digest = file_digest(temporary)
        with locked(path.parent):
            if known := _present_sums(path.parent).get(path.name):
                _list(path, (*known, digest))
    with locked(path.parent):
        _list(path, (digest,))


def list_file(path: Path) -> bool:
    """Add a file to the list of its folder; return False if it was listed already.

    Raises:
        ProtobufError: it is not an ONNX file.
        OSError: it cannot be read, or the list cannot be written.
    """
    read_props(path)
    digests = (file_digest(path),)
    with locked(path.parent):
        if _present_sums(path.parent).get(path.name) == digests:
            return False
        _list(path, digests)
    return True


def _list(path: Path, digests: tuple[str, ...]) -> None:
    write_sums(_present_sums(path.parent) | {path.name: tuple(dict.fromkeys(digests))}, path.parent)


def _present_sums(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the list without files that were removed; a damaged one starts anew, so its other files become foreign."""
    try:
        sums = read_sums(folder)
    except ChecksumError:
        return {}
    return {name: digests for name, digests in sums.items() if (folder / name).exists()}


def main() -> None:
    """List the files named on the command line: exit code 0 all fine, 2 usage, 4 a file cannot be listed."""
    parser = argparse.ArgumentParser(
        prog="python -m inkwear.onnx.checksums", description=f"Add exports that you trust to {SUMS} beside them."
    )
    parser.add_argument("exports", nargs="+", type=Path, metavar="FILE.onnx")
    failed = False
    for path in parser.parse_args().exports:
        try:
            print(f"{path}  {'listed' if list_file(path) else 'was listed already'}")
        except (ProtobufError, OSError) as error:
            print(f"Error: {path}: {error}.", file=sys.stderr)
            failed = True
    sys.exit(4 if failed else 0)


if __name__ == "__main__":
    main()
