"""What lies in ``exports/``, now: the models that can be used, and why the others cannot.

The list is made from what the files say of themselves, without opening them, so that a start costs nothing. Whoever
holds a ``Catalog`` sees it change: ``watching`` looks at the folder each second. What is new there is opened and reads
its reference picture before anybody is answered by it; what fails is refused, and what it would have replaced goes on.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from app.background import in_background
from inkwear.numbers.line_reader import FILE as LINE_READER
from inkwear.onnx.checksums import HOW_TO_MEND
from inkwear.onnx.metadata import MetadataError, ModelMetadata
from inkwear.onnx.props import PropsError, read_props
from inkwear.onnx.sandbox import HOW_TO_REPLACE
from inkwear.onnx.session import Device, DeviceError, ModelFileError, fallen_back

if TYPE_CHECKING:
    from inkwear.classifier import Classifier

SECONDS_BETWEEN_LOOKS = 1.0

STILL_SERVING = "The model that was loaded before goes on answering under this name until the file is mended or removed"

Stamp = tuple[int, int, int]
"""When a file was changed, in nanoseconds, its bytes and its number on the disk: other content has another stamp."""

log = logging.getLogger("inkwear")


class UnknownModelError(ValueError):
    """No usable model has this name; the message says which there are, or why this one was refused."""


class ReplacedError(Exception):
    """The file is no longer the one that was listed."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A model that can be used; ``name`` is the file's name without its ending.

    Its classifiers are opened when first asked for, and kept: who holds an entry is answered by this very file.
    """

    name: str
    path: Path
    bytes: int
    metadata: ModelMetadata
    stamp: Stamp
    _open: dict[Device, "Classifier"] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def listed(cls, path: Path, stamp: Stamp) -> "Entry":
        """Read what a file says of itself, and no more.

        Raises:
            ModelFileError: it says nothing, or what does not fit.
        """
        try:
            metadata = ModelMetadata.from_props(read_props(path))
        except OSError as error:
            raise ModelFileError(f"{path}: cannot be read ({error.strerror}).") from error
        except PropsError as error:
            raise ModelFileError(f"{path}: {error}. {HOW_TO_MEND}.") from error
        except MetadataError as error:
            raise ModelFileError(f"{path}: {error}. {HOW_TO_REPLACE}.") from error
        return cls(path.stem, path, stamp[1], metadata, stamp)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        for classifier in [*self._open.values()]:
            return classifier.digest
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:  # it has just been removed, as the next look will find
            return ""

    @property
    def opened_on(self) -> tuple[Device, ...]:
        """Where it has been opened; empty before anybody has asked for it."""
        return tuple(self._open)

    def classifier(self, device: Device) -> "Classifier":
        """Open it on this device, or return what has been opened before.

        Raises:
            DeviceError: the device is not to be had.
            ModelFileError: the file breaks its contract.
            ReplacedError: the file has changed since it was listed, and this device needs it again.
        """
        found = self._open.get(device)
        if found is None or found.device_failed:
            with self._lock:
                found = self._open[device] = self._find_open(device) or self._opened(device)
        return found

    def _find_open(self, device: Device) -> "Classifier | None":
        twins = (classifier.on(device) for classifier in self._open.values() if not classifier.device_failed)
        return next((twin for twin in twins if twin), None)

    def _opened(self, device: Device) -> "Classifier":
        from inkwear.classifier import Classifier  # with OpenCV and ONNX Runtime: when it is needed, not at the start

        try:
            classifier = Classifier(self.path, device)
            try:
                classifier.self_test()
            except DeviceError as error:  # CUDA opens it, and cannot run it
                if device != "auto":
                    raise
                classifier = Classifier(self.path, "cpu")
                classifier.self_test()
                classifier.runtime = fallen_back(classifier.runtime, error)
        except ModelFileError as error:
            if stamp_of(self.path) != self.stamp:
                raise ReplacedError from error
            raise
        if stamp_of(self.path) != self.stamp:
            raise ReplacedError
        return classifier


@dataclass(frozen=True)
class Refusal:
    """Why a file is not used, and which state of it."""

    reason: str
    stamp: Stamp


@dataclass(frozen=True)
class Shelf:
    """The folder at one moment; a look that finds it changed puts another in its place, all at once."""

    entries: Mapping[str, Entry]
    refusals: Mapping[str, Refusal]

    @cached_property
    def revision(self) -> str:
        """Twelve letters that are others whenever anything on the shelf is."""
        state = [(name, entry.stamp) for name, entry in self.entries.items()], list(self.refusals.items())
        return hashlib.sha256(repr(state).encode()).hexdigest()[:12]

    @cached_property
    def best(self) -> str | None:
        """The name of the model to take where none is named.

        The most accurate on real pictures, of several alike the smallest, which answers soonest; where none was
        measured on them, the most accurate on validation.
        """
        return max(self.entries, key=lambda name: _merits(self.entries[name]), default=None)


def _merits(entry: Entry) -> tuple[float, ...]:
    metrics = entry.metadata.metrics
    real = metrics.get("real_accuracy", 0.0)
    return real, -metrics.get("parameters", 0.0) if real else 0.0, metrics.get("validation_accuracy", 0.0)


class Catalog:
    """The models of a folder by name, and the refused files with the reason.

    Args:
        folder: of ``.onnx`` files.
        device: where models are opened that nobody has asked for yet.
    """

    def __init__(self, folder: Path, device: Device = "auto") -> None:
        self.folder = folder
        self.device = device
        self.shelf = Shelf({}, {})
        self._looking = threading.Lock()
        self._look(Entry.listed)

    @property
    def entries(self) -> Mapping[str, Entry]:
        return self.shelf.entries

    @property
    def refused(self) -> dict[str, str]:
        """The reason by name; a name that is in ``entries`` too is answered by what was loaded before."""
        return {name: refusal.reason for name, refusal in self.shelf.refusals.items()}

    def find(self, name: str | None = None) -> Entry:
        """Return the entry of this name; the best one where none is named.

        Raises:
            UnknownModelError: there is none.
        """
        shelf = self.shelf
        name = name or shelf.best or ""
        if name in shelf.entries:
            return shelf.entries[name]
        if name in shelf.refusals:
            raise UnknownModelError(f"The model {name!r} cannot be used: {shelf.refusals[name].reason}")
        known = ", ".join(shelf.entries) or f"none; {self.folder} holds no usable .onnx file"
        if not name:
            raise UnknownModelError(f"There is no model. Known: {known}.")
        from difflib import get_close_matches

        close = get_close_matches(name, shelf.entries, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UnknownModelError(f"There is no model {name!r}.{hint} Known: {known}.")

    def classifier(self, name: str | None = None, device: Device = "auto") -> "Classifier":
        """Return the classifier of this name on this device; ``choose`` tells which entry it is of.

        Raises:
            UnknownModelError: there is no such model.
            DeviceError: the device is not to be had.
            ModelFileError: its file was listed and turns out to be broken; from now on it is refused.
        """
        return self.choose(name, device)[1]

    def choose(self, name: str | None = None, device: Device = "auto") -> "tuple[Entry, Classifier]":
        """Return an entry and its classifier, which belong together whatever happens to the folder meanwhile.

        Raises: as ``classifier``.
        """
        while True:
            entry = self.find(name)
            try:
                return entry, entry.classifier(device)
            except ReplacedError:
                self.look()
            except ModelFileError as error:
                self._refuse(entry, error)
                raise

    def look(self) -> None:
        """Look at the folder, and take what is new there once it is opened and reads its own reference picture."""
        self._look(self._examined)

    def examine(self, entry: Entry) -> None:
        """Open an entry that nobody has asked for yet; a broken one is refused from now on."""
        if not entry.opened_on:
            try:
                with suppress(ReplacedError, DeviceError):  # the next look will see what it is now
                    entry.classifier(self.device)
            except ModelFileError as error:
                self._refuse(entry, error)

    def _look(self, take: Callable[[Path, Stamp], Entry]) -> None:
        """Put a new shelf in place where the folder is another than before."""
        with self._looking:
            entries: dict[str, Entry] = {}
            refusals: dict[str, Refusal] = {}
            for path in sorted(filter(_is_model, self.folder.glob("*.onnx"))):
                stamp = stamp_of(path)
                if stamp is None:
                    continue
                entry, refusal = self._look_at(path, stamp, take)
                entries |= {path.stem: entry} if entry else {}
                refusals |= {path.stem: refusal} if refusal else {}
            if (entries, refusals) != (self.shelf.entries, self.shelf.refusals):
                self.shelf = Shelf(entries, refusals)

    def _look_at(
        self, path: Path, stamp: Stamp, take: Callable[[Path, Stamp], Entry]
    ) -> tuple[Entry | None, Refusal | None]:
        """What a file adds to the shelf: the entry that answers under its name, and why it is not this file's."""
        known, refusal = self.shelf.entries.get(path.stem), self.shelf.refusals.get(path.stem)
        if refusal and refusal.stamp == stamp:
            return known, refusal
        if known and known.stamp == stamp:
            return known, None
        try:
            return take(path, stamp), None
        except ReplacedError:  # it is still being written
            return known, refusal
        except ModelFileError as error:
            if stamp_of(path) != stamp:
                return known, refusal
            serves = known if known and known.opened_on else None
            return serves, Refusal(f"{error} {STILL_SERVING}." if serves else str(error), stamp)

    def _examined(self, path: Path, stamp: Stamp) -> Entry:
        """Open a file wherever its predecessor was open, so that nobody waits for that later."""
        entry = Entry.listed(path, stamp)
        known = self.shelf.entries.get(path.stem)
        for device in (known.opened_on if known else ()) or (self.device,):
            with suppress(DeviceError):  # the matter of who asks for it
                entry.classifier(device)
        return entry

    def _refuse(self, entry: Entry, error: ModelFileError) -> None:
        """Take an entry off the shelf whose file has turned out to be broken."""
        with self._looking:
            entries, refusals = dict(self.shelf.entries), dict(self.shelf.refusals)
            if entries.get(entry.name) is entry:
                del entries[entry.name]
                refusals[entry.name] = Refusal(str(error), entry.stamp)
                self.shelf = Shelf(entries, refusals)


def scan(folder: Path, device: Device = "auto") -> Catalog:
    """List the ``.onnx`` files of a folder, sorted by name, opening none."""
    return Catalog(folder, device)


def _is_model(path: Path) -> bool:
    """Whether a file may be a model; what begins with a dot is still being written."""
    return path.name != LINE_READER and not path.name.startswith(".")


def find_model(model: str, folder: Path) -> Entry:
    """Return the entry of ``--model``, reading no other file where it is found.

    What ends in ``.onnx`` or contains a separator is the path of a file, anything else a name in the folder.

    Raises:
        UnknownModelError: there is no such model, or its file cannot be used.
    """
    is_path = model.endswith(".onnx") or Path(model).name != model
    path = Path(model) if is_path else folder / f"{model}.onnx"
    stamp = stamp_of(path)
    if stamp:
        try:
            return Entry.listed(path, stamp)
        except ModelFileError as error:
            raise UnknownModelError(f"The model {model!r} cannot be used: {error}") from error
    try:
        return scan(folder).find(model)
    except UnknownModelError as error:
        raise UnknownModelError(f"{error} The path of an .onnx file will do too.") from error


def stamp_of(path: Path) -> Stamp | None:
    """The state of a file, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def watching(catalog: Catalog, seconds: float = SECONDS_BETWEEN_LOOKS) -> AbstractContextManager[None]:
    """Meanwhile, open what is on the shelf, and look at the folder again and again, in a thread."""

    def watch(stop: threading.Event) -> None:
        for entry in catalog.entries.values():
            _ = entry.digest if not stop.is_set() else None
        while not stop.wait(seconds):
            try:
                catalog.look()
                for entry in catalog.entries.values():
                    if stop.is_set():
                        return
                    catalog.examine(entry)
            except Exception:  # the folder may be away for a while; whoever watches must not be
                log.exception("The folder %s/ cannot be looked at now; trying again.", catalog.folder)

    return in_background(watch, "exports")
