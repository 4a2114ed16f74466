"""The pictures of a folder at any depth, by name: its files, then its subfolders one after another."""

import os
import re
from collections import Counter
from collections.abc import Iterator

from app.batch.inputs.containers import in_file, is_companion, is_container, is_picture
from app.batch.inputs.item import Failure, Item
from app.batch.inputs.names import Names

MAX_ENDINGS = 100
"""Different endings that are counted one by one; a folder may hold any number of them."""

SHOWN_ENDINGS = 10
"""Endings that the sentence for people lists, the most frequent first."""

ENDING = re.compile(r"(?:\.tar)?\.[\w-]{1,12}\Z", re.IGNORECASE)
"""A name's ending, ``.tar.zst`` as a whole; what is longer, or holds a space, is a part of a sentence or a number."""


class LeftOut:
    """Counts the files of folders whose endings are not read, by ending; its memory is bounded."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._uncounted = 0

    def add(self, name: str) -> None:
        """Count a file by its name's ending, in lower case."""
        found = ENDING.search(name)
        ending = found[0].lower() if found else ""
        if ending in self._counts or len(self._counts) < MAX_ENDINGS:
            self._counts[ending] += 1
        else:
            self._uncounted += 1

    def in_words(self) -> str:
        """Say how many files were left out, by ending, and what to do about it; empty where there are none."""
        if not self._counts:
            return ""
        in_order = sorted(self._counts.items(), key=lambda counted: (-counted[1], counted[0]))
        parts = [f"{count:,} {ending or 'without an ending'}" for ending, count in in_order[:SHOWN_ENDINGS]]
        others = self._uncounted + sum(count for _, count in in_order[SHOWN_ENDINGS:])
        if others:
            parts.append(f"{others:,} with other endings")
        listed = ", ".join(parts)
        return f"Left out of folders, as their endings are not read: {listed}. Name a file itself to have it tried."


def in_folder(root: str, left_out: LeftOut) -> Iterator[Item]:
    """Yield the pictures of a folder, of archives and tables in it, and of all its subfolders.

    Links to files are read, links to folders are followed where they lead to a place that is not gone through anyway.
    Other files are counted in ``left_out``, but for hidden ones and IDX files of labels.
    """
    tree = _Tree(root)
    waiting: list[Iterator[str]] = [iter((root,))]
    while waiting:
        folder = next(waiting[-1], None)
        if folder is None:
            waiting.pop()
        elif folder is root or tree.enters(folder):
            listing = _Listing(folder, left_out)
            yield from listing.items()
            waiting.append(listing.subfolders())


class _Tree:
    """Which folders a walk goes into: its root, what links lead to, and all below these; each of them once.

    Whatever lies below one of its roots is met there under its own name; so a link to it need not be followed, no loop
    is ever closed, and nothing has to be remembered but the roots.
    """

    def __init__(self, root: str) -> None:
        self._roots = [os.path.realpath(root)]

    def enters(self, folder: str) -> bool:
        if os.path.islink(folder):
            place = os.path.realpath(folder)
            if any(_is_below(place, root) for root in self._roots):
                return False
            self._roots.append(place)
            return True
        return len(self._roots) == 1 or os.path.realpath(folder) not in self._roots


def _is_below(place: str, root: str) -> bool:
    return place == root or place.startswith(os.path.join(root, ""))


class _Listing:
    """What a folder itself holds."""

    def __init__(self, folder: str, left_out: LeftOut) -> None:
        self.folder = folder
        self._left_out = left_out
        self._prefix = os.path.join(folder, "")
        self._files, self._folders = Names(), Names()
        self._others: set[str] = set()  # names of no pictures, and of no files at all
        self._error: OSError | None = None
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._sort_in(entry)
        except OSError as error:
            self._error = error

    def _sort_in(self, entry: "os.DirEntry[str]") -> None:
        name = entry.name
        try:
            is_file = entry.is_file()
            is_folder = not is_file and entry.is_dir()
        except OSError:  # a link that leads nowhere, in circles; whoever reads it will say so
            is_file, is_folder = True, False
        if is_folder:
            self._folders.add(name)
        elif is_picture(name):
            self._files.add(name)
            if not is_file:
                self._others.add(name)
        elif is_container(name):
            self._files.add(name)
            self._others.add(name)
        elif is_file and not is_companion(name):
            self._left_out.add(name)

    def items(self) -> Iterator[Item]:
        prefix, origin = self._prefix, self._files.digest()
        if self._error:
            reason = f"{self.folder}: cannot be listed to its end ({self._error.strerror}); look at its permissions."
            yield Item(self.folder, Failure("unreadable", reason), origin)
        for name in self._files:
            if name in self._others:
                yield from in_file(prefix + name, origin)
            else:
                yield Item(prefix + name, None, origin)

    def subfolders(self) -> Iterator[str]:
        return (self._prefix + name for name in self._folders)
