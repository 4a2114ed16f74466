"""The pictures of a folder at any depth, by name: its files, then its subfolders one after another."""

import os
from collections.abc import Iterator

from app.batch.inputs.containers import in_file, is_container, is_picture
from app.batch.inputs.item import Failure, Item
from app.batch.inputs.names import Names


def in_folder(root: str) -> Iterator[Item]:
    """Yield the pictures of a folder, of archives and tables in it, and of all its subfolders.

    Links to files are read, links to folders are followed where they lead to a place that is not gone through anyway.
    """
    tree = _Tree(root)
    waiting: list[Iterator[str]] = [iter((root,))]
    while waiting:
        folder = next(waiting[-1], None)
        if folder is None:
            waiting.pop()
        elif folder is root or tree.enters(folder):
            listing = _Listing(folder)
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

    def __init__(self, folder: str) -> None:
        self.folder = folder
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
