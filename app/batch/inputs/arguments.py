"""The arguments of the command line as inputs, in a fixed order (``docs/batch.md``)."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from app.batch.inputs.files import SUFFIXES, in_file, is_picture
from app.batch.inputs.folders import LeftOut, in_folder
from app.batch.inputs.input import Input, failed, or_else
from app.batch.inputs.lists import NameList
from app.batch.inputs.patterns import is_pattern, matches

MANY_ARGUMENTS = 1000
"""Arguments from which on they are taken for a pattern's names, whose endings are trusted as in a folder."""

MAX_CHUNK_BYTES = 64_000_000
"""Bytes that the inputs of a chunk hold in memory, not counting its last one."""

STDIN, LIST = "-", "@"
"""The argument that is a list of names on stdin, and the first character of one that names a file with a list."""


class Inputs:
    """All inputs that the arguments name; they can be iterated over repeatedly, and are not held in memory.

    Each argument gives at least one input: where there is nothing to read, one that says so. An argument is the first
    of these that it can be: ``-``, a list of names on stdin; a file, a folder, an archive or a table of pictures with
    exactly that name; a list in a file (``@names.txt``); a pattern (``scans/**/*.png``).

    Attributes:
        left_out: the files of folders that gave no input, counted anew in each iteration.
    """

    def __init__(self, arguments: Sequence[str], stdin: BinaryIO | None = None) -> None:
        self.arguments = tuple(arguments)
        self.left_out = LeftOut()
        self._stdin = NameList(STDIN, stdin)

    def __iter__(self) -> Iterator[Input]:
        """Yield the inputs in a fixed order: arguments as given, files of a folder by name."""
        self.left_out = left_out = LeftOut()
        for argument in self.arguments:
            if argument == STDIN:
                yield from _in_list(self._stdin, left_out)
            elif argument.startswith(LIST) and not os.path.lexists(argument):
                yield from _in_list(NameList(argument[len(LIST) :]), left_out)
            elif is_pattern(argument) and not os.path.lexists(argument):
                yield from _matching(argument, left_out)
            else:
                yield from _named(argument, left_out, trust_ending=len(self.arguments) >= MANY_ARGUMENTS)


def in_chunks(inputs: Iterable[Input], max_length: int) -> Iterator[list[Input]]:
    """Cut inputs into chunks of ``max_length``, or of fewer where they hold large pictures of an archive."""
    chunk, held_bytes = list[Input](), 0
    for item in inputs:
        chunk.append(item)
        held_bytes += item.held_bytes
        if len(chunk) == max_length or held_bytes >= MAX_CHUNK_BYTES:
            yield chunk
            chunk, held_bytes = [], 0
    if chunk:
        yield chunk


def _in_list(names: NameList, left_out: LeftOut) -> Iterator[Input]:
    listing_digest = names.digest()
    for name in names:
        if isinstance(name, Input):
            yield name
        else:
            yield from _named(name, left_out, listing_digest, trust_ending=True)


def _matching(pattern: str, left_out: LeftOut) -> Iterator[Input]:
    paths, files_only = matches(pattern), "**" in pattern
    listing_digest = paths.digest()
    inputs = (
        item
        for path in paths
        if not (files_only and os.path.isdir(path))
        for item in _named(path, left_out, listing_digest, trust_ending=True)
    )
    wanted = "file (with ** folders are gone through, not named)" if files_only else "file or folder"
    reason = f"no {wanted} has a name like this; look at the spelling and the quotes"
    return or_else(inputs, failed(pattern, "missing", reason))


def _named(path: str, left_out: LeftOut, listing_digest: bytes = b"", trust_ending: bool = False) -> Iterator[Input]:
    """Yield the inputs under one name: a picture, the pictures of a folder, an archive or a table, or a failure.

    Args:
        path: the name, taken literally.
        left_out: counts the files of a folder that give no input.
        listing_digest: that of the input where it is a picture.
        trust_ending: whether a file with a picture's ending is taken for one, which saves opening it twice.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        yield failed(path, "missing", f"cannot be read ({error.strerror}); look at the spelling")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        yield failed(path, "unreadable", f"cannot be read ({getattr(error, 'strerror', None) or error})")
    else:
        if stat.S_ISDIR(mode):
            endings = ", ".join(sorted(SUFFIXES))
            reason = f"the folder holds no pictures; taken are {endings}, archives, IDX and Parquet files"
            yield from or_else(in_folder(path, left_out), failed(path, "empty", reason))
        elif stat.S_ISREG(mode) and trust_ending and is_picture(path):
            yield Input(path, None, listing_digest)
        else:
            yield from in_file(path, listing_digest)
