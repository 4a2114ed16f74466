"""The pictures of a folder at any depth, by name: its files first, then its subfolders one after another."""

import os
import re
from collections import Counter
from collections.abc import Iterator

from app.archives.sniff import holds_labels, is_hidden, kind_of_name
from app.batch.inputs.files import in_file, is_picture
from app.batch.inputs.input import Input, failed
from app.batch.inputs.names import Names

MAX_ENDINGS = 100
"""Different endings that are counted one by one; a folder may hold any number of them."""

SHOWN_ENDINGS = 10
"""Endings that the sentence for people lists, the most frequent first."""

ENDING = re.compile(r"(?:\.tar)?\.[\w-]{1,12}\Z", re.IGNORECASE)
"""A name's ending, ``.tar.zst`` as a whole; what is longer, or holds a space, is a part of a sentence or a number."""


class LeftOut:
    """Counts the files of folders whose endings are not read, by ending, in bounded memory."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._uncounted = 0

    def add(self, name: str) -> None:
        """Count a file by its name's ending, in lower case."""
        match = ENDING.search(name)
        ending = match[0].lower() if match else ""
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


def in_folder(root: str, left_out: LeftOut) -> Iterator[Input]:
    """Yield the pictures of a folder, of the archives and tables in it, and of all its subfolders.

    Links to files are read. Links to folders are followed unless they lead to a place that the walk reaches anyway.
    Files with other endings are counted in ``left_out``, except hidden ones and IDX files of labels.
    """
    tree = _Tree(root)
    waiting: list[Iterator[str]] = [iter((root,))]
    while waiting:
        folder = next(waiting[-1], None)
        if folder is None:
            waiting.pop()
        elif folder is root or tree.enters(folder):
            listing = _Listing(folder, left_out)
            yield from listing.inputs()
            waiting.append(listing.subfolders())


class _Tree:
    """Decides which folders a walk enters: its root, the targets of links, and all below these; each of them once.

    All that lies below one of the roots is met there under its own name. So a link to it need not be followed, no loop
    is ever closed, and nothing but the roots has to be remembered.
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
    """The files and subfolders of one folder, by name."""

    def __init__(self, folder: str, left_out: LeftOut) -> None:
        self.folder = folder
        self._left_out = left_out
        self._prefix = os.path.join(folder, "")
        self._files, self._folders = Names(), Names()
        self._to_open: set[str] = set()  # files that hold many pictures, or are named like pictures and are no files
        self._error: OSError | None = None
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._add(entry)
        except OSError as error:
            self._error = error

    def _add(self, entry: "os.DirEntry[str]") -> None:
        name = entry.name
        try:
            is_file = entry.is_file()
            is_folder = not is_file and entry.is_dir()
        except OSError:  # a link to nowhere, or in a circle: reading it gives the reason
            is_file, is_folder = True, False
        if is_folder:
            self._folders.add(name)
        elif is_picture(name):
            self._files.add(name)
            if not is_file:
                self._to_open.add(name)
        elif kind_of_name(name) != "file":
            self._files.add(name)
            self._to_open.add(name)
        elif is_file and not (is_hidden(name) or holds_labels(name)):
            self._left_out.add(name)

    def inputs(self) -> Iterator[Input]:
        prefix, listing_digest = self._prefix, self._files.digest()
        if self._error:
            reason = f"cannot be listed to its end ({self._error.strerror}); look at its permissions"
            yield failed(self.folder, "unreadable", reason, listing_digest)
        for name in self._files:
            if name in self._to_open:
                yield from in_file(prefix + name, listing_digest)
            else:
                yield Input(prefix + name, None, listing_digest)

    def subfolders(self) -> Iterator[str]:
        return (self._prefix + name for name in self._folders)
