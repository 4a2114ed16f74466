"""What there is to read: arguments of the command line -> items, in a fixed order (``docs/batch.md``)."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from app.batch.inputs.containers import SUFFIXES, in_file, is_picture
from app.batch.inputs.folders import LeftOut, in_folder
from app.batch.inputs.item import Code, Failure, Item
from app.batch.inputs.lists import NameList
from app.batch.inputs.patterns import is_pattern, matches

__all__ = ["SUFFIXES", "Inputs", "in_chunks"]

MANY = 1000
"""So many arguments are names that a shell found for a pattern; a file's ending is trusted then, as in a folder."""

MOST_BYTES = 64_000_000
"""Of what the items of a chunk hold, besides its last one's."""

STDIN, LIST = "-", "@"
"""An argument that is a list of names on stdin; how one that names a file with such a list begins."""


class Inputs:
    """Everything that the arguments name; it can be gone through again and again, and holds none of it in memory.

    Each argument gives one item at least: where there is nothing to read, one that says so. An argument is the first of
    these that it can be: ``-``, a list of names on stdin; a file, a folder, an archive or a table of pictures of that
    very name; a list in a file (``@names.txt``); a pattern (``scans/**/*.png``).

    Attributes:
        left_out: files of folders that gave no item; counted anew each time the inputs are gone through.
    """

    def __init__(self, arguments: Sequence[str], stdin: BinaryIO | None = None) -> None:
        self.arguments = tuple(arguments)
        self.left_out = LeftOut()
        self._stdin = NameList(STDIN, stdin)

    def __iter__(self) -> Iterator[Item]:
        """Yield every input in a fixed order: arguments as given, what is in a folder by name."""
        self.left_out = left_out = LeftOut()
        for argument in self.arguments:
            if argument == STDIN:
                yield from _listed(self._stdin, left_out)
            elif argument.startswith(LIST) and not os.path.lexists(argument):
                yield from _listed(NameList(argument[len(LIST) :]), left_out)
            elif is_pattern(argument) and not os.path.lexists(argument):
                yield from _matched(argument, left_out)
            else:
                yield from _named(argument, left_out, trust_endings=len(self.arguments) >= MANY)


def in_chunks(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """Cut items into runs of ``most``, or of fewer where they hold many bytes: large pictures of an archive."""
    chunk, held = list[Item](), 0
    for item in items:
        chunk.append(item)
        held += len(item.source) if isinstance(item.source, bytes) else getattr(item.source, "nbytes", 0)
        if len(chunk) == most or held >= MOST_BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def _listed(names: NameList, left_out: LeftOut) -> Iterator[Item]:
    origin = names.digest()
    for name in names:
        if isinstance(name, Item):
            yield name
        else:
            yield from _named(name, left_out, origin, trust_endings=True)


def _matched(pattern: str, left_out: LeftOut) -> Iterator[Item]:
    found, files_only = matches(pattern), "**" in pattern
    origin = found.digest()
    nothing = True
    for path in found:
        if not (files_only and os.path.isdir(path)):
            nothing = False
            yield from _named(path, left_out, origin, trust_endings=True)
    if nothing:
        wanted = "file (with ** folders are gone through, not named)" if files_only else "file or folder"
        yield _failed(pattern, "missing", f"no {wanted} has a name like this; look at the spelling and the quotes")


def _named(path: str, left_out: LeftOut, origin: bytes = b"", trust_endings: bool = False) -> Iterator[Item]:
    """What is under a name: a picture, all pictures of a folder, an archive or a table, or why there is none.

    Args:
        path: the name, taken literally.
        left_out: counts the files of a folder that give no item.
        origin: of the item where it is a picture.
        trust_endings: whether a file with a picture's ending is one unseen, as it saves opening it twice.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        yield _failed(path, "missing", f"cannot be read ({error.strerror}); look at the spelling")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        yield _failed(path, "unreadable", f"cannot be read ({getattr(error, 'strerror', None) or error})")
    else:
        if stat.S_ISDIR(mode):
            yield from _in_folder(path, left_out)
        elif stat.S_ISREG(mode) and trust_endings and is_picture(path):
            yield Item(path, None, origin)
        else:
            yield from in_file(path, origin)


def _in_folder(path: str, left_out: LeftOut) -> Iterator[Item]:
    nothing = True
    for item in in_folder(path, left_out):
        nothing = False
        yield item
    if nothing:
        endings = ", ".join(sorted(SUFFIXES))
        yield _failed(
            path, "empty", f"the folder holds no pictures; taken are {endings}, archives, IDX and Parquet files"
        )


def _failed(path: str, code: Code, reason: str) -> Item:
    return Item(path, Failure(code, f"{path}: {reason}."))
