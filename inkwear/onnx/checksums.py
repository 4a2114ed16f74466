"""``python -m inkwear.onnx.checksums FILE…``: the digests by which a damaged export is known, inside the file and beside it.

Inside: ``metadata_props["sha256"]`` is a JSON string of 64 hexadecimal digits, the SHA-256 of the file's bytes with
these 64 digits replaced by ``0``. ``metadata_props["seal"]`` says so, and that there must be such a digest; it stands
before all other metadata, so that a file that has lost the digest and nothing else is known as damaged too.

Beside: ``SHA256SUMS`` has a line for each export, as ``sha256sum -c SHA256SUMS`` reads it. What stands in it was put in
place by ``training.publish.export``, or by somebody who called this command and thereby vouches for it; what does not is
examined before it is opened (``inkwear.onnx.sandbox``).
"""

import argparse
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from inkwear.files import atomic_path, locked, write_text
from inkwear.onnx.props import KEY, METADATA_PROPS, VALUE, PropsError, find_props
from inkwear.onnx.wire import written
from inkwear.report import ReportError, read_report, report_path

SEAL, DIGEST = "seal", "sha256"
"""The keys in ``metadata_props``."""

RULE = json.dumps("SHA-256 with its own digits as 0")

BLANK = "0" * 64

SUMS = "SHA256SUMS"

HOW_TO_MEND = "Put an intact copy in its place, or export it again with python -m training.export"


class SealError(ValueError):
    """A file that is not what its digest says; the message says how that is known, and what to do."""


# ---------------------------------------------------------------------------------------------------------- inside


def has_seal(data: bytes) -> bool:
    """Whether an ONNX file carries its digest; where it does, the file is held against it.

    Raises:
        SealError: the file is damaged.
        PropsError: it is no ONNX file.
    """
    props = find_props(io.BytesIO(data))
    ours = {key: [prop for prop in props if prop.key == key] for key in (SEAL, DIGEST)}
    if not any(ours.values()):
        return False
    if [len(props) for props in ours.values()] != [1, 1] or ours[SEAL][0].value != RULE:
        raise SealError(f"its seal is damaged, and so may be the rest. {HOW_TO_MEND}")
    [stated] = ours[DIGEST]
    if not re.fullmatch('"[0-9a-f]{64}"', stated.value):
        raise SealError(f"its seal is damaged, and so may be the rest. {HOW_TO_MEND}")
    if blank_digest(data, stated.value_at + 1) != stated.value[1:-1]:
        raise SealError(f"its content is not what its seal says: the file is damaged. {HOW_TO_MEND}")
    return True


def blank_digest(data: bytes, at: int) -> str:
    """Return the SHA-256 of ``data`` with the 64 digits from ``at`` on taken as ``0``, in hexadecimal."""
    digest = hashlib.sha256(data[:at])
    digest.update(BLANK.encode())
    digest.update(memoryview(data)[at + len(BLANK) :])
    return digest.hexdigest()


def seal(data: bytes) -> bytes:
    """Return an ONNX file with its digest in it; nothing else of it changes, weights least of all.

    Raises:
        SealError: it carries a digest already, and is damaged: a new one would hide that.
        PropsError: it is no ONNX file.
    """
    if has_seal(data):
        return data
    props = find_props(io.BytesIO(data))
    first = props[0].field.begin if props else len(data)
    unsigned = data[:first] + _entry(SEAL, RULE) + data[first:] + _entry(DIGEST, json.dumps(BLANK))
    at = len(unsigned) - 1 - len(BLANK)  # before the last quotation mark
    return unsigned[:at] + blank_digest(unsigned, at).encode() + unsigned[at + len(BLANK) :]


def unseal(data: bytes) -> bytes:
    """Return a file without its digest, whether that fits or not.

    Raises:
        PropsError: it is no ONNX file.
    """
    cuts = [prop.field for prop in find_props(io.BytesIO(data)) if prop.key in (SEAL, DIGEST)]
    for field in reversed(cuts):
        data = data[: field.begin] + data[field.end :]
    return data


def _entry(key: str, value: str) -> bytes:
    return written(METADATA_PROPS, written(KEY, key.encode()) + written(VALUE, value.encode()))


# ---------------------------------------------------------------------------------------------------------- beside


def is_listed(name: str, digest: str, folder: Path) -> bool:
    """Whether the list beside the exports has this file; False where it has none of this name, or there is no list.

    Raises:
        SealError: the list has another file of this name, or cannot be read.
    """
    known = read_sums(folder).get(name)
    if known and digest not in known:
        raise SealError(
            f"it is not the file that {folder / SUMS} lists under its name. {HOW_TO_MEND}; if you put this one there "
            f"yourself and trust it: python -m inkwear.onnx.checksums {folder / name}"
        )
    return bool(known)


def read_sums(folder: Path) -> dict[str, tuple[str, ...]]:
    """Read ``SHA256SUMS``: the digests of each name; of a file that is just being replaced there are two.

    Raises:
        SealError: it cannot be read, or a line is none of ``sha256sum``.
    """
    path = folder / SUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SealError(f"{path}, which lists its digest, cannot be read ({error})") from error
    sums: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line)
        if not match:
            raise SealError(
                f"{path}, which lists its digest, is damaged in line {number}. Make it again: "
                f"python -m inkwear.onnx.checksums {folder}/*.onnx"
            )
        sums[match[2]] = (*sums.get(match[2], ()), match[1])
    return sums


def write_sums(sums: Mapping[str, tuple[str, ...]], folder: Path) -> None:
    """Write ``SHA256SUMS``, whole or not at all."""
    lines = [f"{digest}  {name}\n" for name, digests in sorted(sums.items()) for digest in digests]
    write_text(folder / SUMS, "".join(lines))


# ----------------------------------------------------------------------------------------------------------- write


@contextmanager
def sealed_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path; when the block ends well, what was written there is sealed, listed and takes its place.

    Where the list has the old file, it names both before the one takes the other's place, and the new one alone
    thereafter; where it does not, it names the new one only then. So whenever the process ends, what lies there is not
    contradicted by the list.

    Raises:
        SealError, PropsError: as ``seal`` and ``read_sums``.
    """
    with atomic_path(path) as temporary:
        yield temporary
        content = seal(unseal(temporary.read_bytes()))
        temporary.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        with locked(path.parent):
            if known := _sums(path.parent).get(path.name):
                _list(path, (*known, digest))
    with locked(path.parent):
        _list(path, (digest,))


def _list(path: Path, digests: tuple[str, ...]) -> None:
    write_sums(_sums(path.parent) | {path.name: tuple(dict.fromkeys(digests))}, path.parent)


def _sums(folder: Path) -> dict[str, tuple[str, ...]]:
    """The list, without the files that are gone; where it is damaged it begins anew, and the others are foreign."""
    try:
        sums = read_sums(folder)
    except SealError:
        return {}
    return {name: digests for name, digests in sums.items() if (folder / name).exists()}


def seal_file(path: Path) -> bool:
    """Seal a file in its place, list it, and let its report tell the new digest; False where all that was so already.

    Raises:
        SealError: it is sealed already, and damaged since.
        PropsError: it is no ONNX file.
        OSError: it cannot be read or written.
    """
    before = path.read_bytes()
    old = hashlib.sha256(before).hexdigest()
    content = seal(before)
    if content == before and _sums(path.parent).get(path.name) == (old,):
        return False
    try:
        report = read_report(path)
    except ReportError:  # there is none, or one of another file: then it stays what it is
        report = None
    with sealed_path(path) as temporary:
        temporary.write_bytes(content)
    if report:
        new = hashlib.sha256(content).hexdigest()
        write_text(report_path(path), report.to_json().replace(old, new))
    return True


def main() -> None:
    """Seal the files named on the command line: exit code 0 all fine, 2 usage, 4 a file cannot be sealed."""
    parser = argparse.ArgumentParser(
        prog="python -m inkwear.onnx.checksums", description="Seal exports that you vouch for."
    )
    parser.add_argument("exports", nargs="+", type=Path, metavar="FILE.onnx")
    failed = False
    for path in parser.parse_args().exports:
        try:
            print(f"{path}  {'sealed' if seal_file(path) else 'was sealed already'}")
        except (SealError, PropsError, OSError) as error:
            print(f"Error: {path}: {error}.", file=sys.stderr)
            failed = True
    sys.exit(4 if failed else 0)


if __name__ == "__main__":
    main()
