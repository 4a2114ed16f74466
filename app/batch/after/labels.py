"""What pictures really show, from a CSV file or from the names of their folders."""

import csv
import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import lru_cache

from app.batch.output.formats import defused

FOLDERS = "folders"
"""The value of ``--labels`` that means the names of folders, instead of a file."""


class LabelsError(ValueError):
    """Labels that cannot be used; the message names them and says what is accepted and what to do."""


class Labels(ABC):
    """The label of each picture.

    Args:
        class_names: the model's.
    """

    def __init__(self, class_names: Sequence[str]) -> None:
        self.class_names = tuple(class_names)
        self._by_name = {_normalized(name): name for name in class_names}
        self.meant = lru_cache(4096)(self._meant)

    @abstractmethod
    def of(self, path: str) -> str | None:
        """Return the label of a row of the table as it is written; None where there is none.

        Raises:
            LabelsError: the label may be meant for more than one row.
        """

    def unused(self) -> Iterator[str]:
        """Yield the pictures with a label that ``of`` was never asked about."""
        yield from ()

    def _meant(self, text: str) -> str | None:
        """Return the class name, or the number of several digits, that a label means; None for an unknown one.

        Case and the separators ``_ - / space`` do not matter. A class id is accepted like a name. Where classes are
        single characters, several of them are a number, so that 07 is a number and not class 7.
        """
        text = text.strip()
        if text in self.class_names:
            return text
        if name := self._by_name.get(_normalized(text)):
            return name
        if len(text) > 1 and all(character in self.class_names for character in text):
            return text
        if text.isascii() and text.isdigit() and int(text) < len(self.class_names):
            return self.class_names[int(text)]
        return None


def labels_from(source: str, class_names: Sequence[str]) -> Labels:
    """Read ``--labels``.

    Raises:
        LabelsError: the file cannot be used.
    """
    return FolderLabels(class_names) if source == FOLDERS else FileLabels(source, class_names)


class FolderLabels(Labels):
    """Labels a picture by the name of its folder, also within an archive."""

    def of(self, path: str) -> str | None:
        return _slashes(path).rpartition("/")[0].rpartition("/")[2] or None


class FileLabels(Labels):
    """Labels pictures by a CSV file with the columns ``path`` and ``label``.

    A path is that of the table, or as many of its last parts as make it unique: ``a/5.png`` for ``scans/a/5.png``.

    Raises:
        LabelsError: it cannot be read, lacks a column, or labels a picture in two ways.
    """

    def __init__(self, source: str, class_names: Sequence[str]) -> None:
        super().__init__(class_names)
        self.source = source
        self._labels: dict[str, str] = {}
        self._row_of: dict[str, str] = {}
        try:
            with open(source, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                self._read(csv.DictReader(file))
        except OSError as error:
            raise LabelsError(f"--labels {source}: cannot be read ({error.strerror}).") from error
        except csv.Error as error:
            raise LabelsError(f"--labels {source}: not a CSV file ({error}).") from error

    def of(self, path: str) -> str | None:
        name = _slashes(path).removeprefix("./")
        for ending in _endings(name):
            key = ending if ending in self._labels else defused(ending)
            if key in self._labels:
                other = self._row_of.setdefault(key, name)
                if other != name:
                    raise LabelsError(
                        f"--labels {self.source}: {key!r} may be {other!r} or {name!r}. Write more of its path."
                    )
                return self._labels[key]
        return None

    def unused(self) -> Iterator[str]:
        return (key for key in self._labels if key not in self._row_of)

    def _read(self, lines: csv.DictReader) -> None:
        if missing := {"path", "label"} - {*(lines.fieldnames or ())}:
            raise LabelsError(
                f"--labels {self.source}: no column {' or '.join(sorted(missing))} in its first line; expected is a "
                f"CSV file that begins with path,label. For the names of folders say --labels {FOLDERS}."
            )
        for line in lines:
            key, label = _slashes(line["path"] or "").removeprefix("./"), sys.intern(line["label"] or "")
            if not key or not label:
                continue  # counted as a row without a label
            if self._labels.setdefault(key, label) != label:
                one = self._labels[key]
                raise LabelsError(f"--labels {self.source}, line {lines.line_num}: {key!r} is {one!r} and {label!r}.")


def _endings(path: str) -> Iterator[str]:
    """Yield a path, then without its first part, its first two, and so on."""
    start = 0
    while True:
        yield path[start:]
        start = path.find("/", start) + 1
        if not start:
            return


def _slashes(path: str) -> str:
    return path.replace(os.sep, "/")


def _normalized(name: str) -> str:
    return re.sub(r"[_\-\s/]+", " ", name).casefold()
