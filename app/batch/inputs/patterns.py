"""Patterns of file names: ``*``, ``?``, ``[...]``, and ``**`` for folders at any depth.

Unlike ``glob``, which holds all names of a folder and all that match in memory, this one keeps neither.
"""

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import groupby

from app.batch.inputs.names import Names

MAGIC = frozenset("*?[")

ANY_DEPTH = "**"


def is_pattern(argument: str) -> bool:
    return not MAGIC.isdisjoint(argument)


def matches(pattern: str) -> Names:
    """Find all names that match, in order. As in a shell, ``*`` does not match a dot at the beginning of a name.

    Args:
        pattern: ``scans/*/[0-9].png``; a pattern that ends in ``**`` means all files below. ``**`` follows no links.
    """
    names = Names()
    parts = [part for part, _ in groupby(pattern.split("/")) if part]
    if parts[-1] == ANY_DEPTH:
        parts.append("*")
    for path in _below("/" if pattern.startswith("/") else "", parts):
        names.add(path)
    return names


def _below(folder: str, parts: Sequence[str]) -> Iterator[str]:
    part, rest = parts[0], parts[1:]
    if part == ANY_DEPTH:
        yield from _below(folder, rest)
        for entry in _entries(folder):
            if not entry.name.startswith(".") and _is_folder(entry, follow_links=False):
                yield from _below(os.path.join(folder, entry.name), parts)
    elif not is_pattern(part):
        path = os.path.join(folder, part)
        if rest:
            yield from _below(path, rest)
        elif os.path.lexists(path):
            yield path
    else:
        for entry in _entries(folder):
            if fnmatchcase(entry.name, part) and (part.startswith(".") or not entry.name.startswith(".")):
                path = os.path.join(folder, entry.name)
                if not rest:
                    yield path
                elif _is_folder(entry, follow_links=True):
                    yield from _below(path, rest)


def _entries(folder: str) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder or ".") as entries:
            yield from entries
    except OSError:  # as in a shell, nothing matches in a folder that cannot be listed
        return


def _is_folder(entry: "os.DirEntry[str]", follow_links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_links)
    except OSError:
        return False
