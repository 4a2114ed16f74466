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

REFRESH_SECONDS = 1.0

STILL_SERVING = "The model that was loaded before goes on answering under this name until the file is mended or removed"

FileState = tuple[int, int, int]
"""When a file was changed, in nanoseconds, its bytes and its number on the disk: other content has another state."""

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
    state: FileState
    _open: dict[Device, "Classifier"] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def listed(cls, path: Path, state: FileState) -> "Entry":
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
        return cls(path.stem, path, state[1], metadata, state)

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
            if file_state(self.path) != self.state:
                raise ReplacedError from error
            raise
        if file_state(self.path) != self.state:
            raise ReplacedError
        return classifier


@dataclass(frozen=True)
class Refusal:
    """Why a file is not used, and which state of it."""

    reason: str
    state: FileState


@dataclass(frozen=True)
class Snapshot:
    """The folder at one moment; a look that finds it changed puts another in its place, all at once."""

    entries: Mapping[str, Entry]
    refusals: Mapping[str, Refusal]

    @cached_property
    def revision(self) -> str:
        """Twelve letters that are others whenever anything on the shelf is."""
        state = [(name, entry.state) for name, entry in self.entries.items()], list(self.refusals.items())
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
        self.snapshot = Snapshot({}, {})
        self._refreshing = threading.Lock()
        self._refresh(Entry.listed)

    @property
    def entries(self) -> Mapping[str, Entry]:
        return self.snapshot.entries

    @property
    def refused(self) -> dict[str, str]:
        """The reason by name; a name that is in ``entries`` too is answered by what was loaded before."""
        return {name: refusal.reason for name, refusal in self.snapshot.refusals.items()}

    def find(self, name: str | None = None) -> Entry:
        """Return the entry of this name; the best one where none is named.

        Raises:
            UnknownModelError: there is none.
        """
        snapshot = self.snapshot
        name = name or snapshot.best or ""
        if name in snapshot.entries:
            return snapshot.entries[name]
        if name in snapshot.refusals:
            raise UnknownModelError(f"The model {name!r} cannot be used: {snapshot.refusals[name].reason}")
        known = ", ".join(snapshot.entries) or f"none; {self.folder} holds no usable .onnx file"
        if not name:
            raise UnknownModelError(f"There is no model. Known: {known}.")
        from difflib import get_close_matches

        close = get_close_matches(name, snapshot.entries, n=1)
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
                self.refresh()
            except ModelFileError as error:
                self._refuse(entry, error)
                raise

    def refresh(self) -> None:
        """Look at the folder, and take what is new there once it is opened and reads its own reference picture."""
        self._refresh(self._examined)

    def examine(self, entry: Entry) -> None:
        """Open an entry that nobody has asked for yet; a broken one is refused from now on."""
        if not entry.opened_on:
            try:
                with suppress(ReplacedError, DeviceError):  # the next look will see what it is now
                    entry.classifier(self.device)
            except ModelFileError as error:
                self._refuse(entry, error)

    def _refresh(self, take: Callable[[Path, FileState], Entry]) -> None:
        """Put a new shelf in place where the folder is another than before."""
        with self._refreshing:
            entries: dict[str, Entry] = {}
            refusals: dict[str, Refusal] = {}
            for path in sorted(filter(_is_model, self.folder.glob("*.onnx"))):
                state = file_state(path)
                if state is None:
                    continue
                entry, refusal = self._list_file(path, state, take)
                entries |= {path.stem: entry} if entry else {}
                refusals |= {path.stem: refusal} if refusal else {}
            if (entries, refusals) != (self.snapshot.entries, self.snapshot.refusals):
                self.snapshot = Snapshot(entries, refusals)

    def _list_file(
        self, path: Path, state: FileState, take: Callable[[Path, FileState], Entry]
    ) -> tuple[Entry | None, Refusal | None]:
        """What a file adds to the shelf: the entry that answers under its name, and why it is not this file's."""
        known, refusal = self.snapshot.entries.get(path.stem), self.snapshot.refusals.get(path.stem)
        if refusal and refusal.state == state:
            return known, refusal
        if known and known.state == state:
            return known, None
        try:
            return take(path, state), None
        except ReplacedError:  # it is still being written
            return known, refusal
        except ModelFileError as error:
            if file_state(path) != state:
                return known, refusal
            serves = known if known and known.opened_on else None
            return serves, Refusal(f"{error} {STILL_SERVING}." if serves else str(error), state)

    def _examined(self, path: Path, state: FileState) -> Entry:
        """Open a file wherever its predecessor was open, so that nobody waits for that later."""
        entry = Entry.listed(path, state)
        known = self.snapshot.entries.get(path.stem)
        for device in (known.opened_on if known else ()) or (self.device,):
            with suppress(DeviceError):  # the matter of who asks for it
                entry.classifier(device)
        return entry

    def _refuse(self, entry: Entry, error: ModelFileError) -> None:
        """Take an entry off the shelf whose file has turned out to be broken."""
        with self._refreshing:
            entries, refusals = dict(self.snapshot.entries), dict(self.snapshot.refusals)
            if entries.get(entry.name) is entry:
                del entries[entry.name]
                refusals[entry.name] = Refusal(str(error), entry.state)
                self.snapshot = Snapshot(entries, refusals)


def scan(folder: Path, device: Device = "auto") -> Catalog:
    """List the ``.onnx`` files of a folder, sorted by name, opening none."""
    return Catalog(folder, device)


def _is_model(path: Path) -> bool:
    """Whether a file may be a model; what begins with a dot is still being written."""
    return path.name != LINE_READER and not path.name.startswith(".")


def find_model(folder: Path, name: str) -> Entry:
    """Return the entry of this name as ``scan(folder).find(name)`` does, and read no other file where it is there.

    Raises:
        UnknownModelError: there is no such entry.
    """
    path = folder / f"{name}.onnx"
    state = file_state(path)
    if state and name == path.stem and path.parent == folder:
        try:
            return Entry.listed(path, state)
        except ModelFileError:
            pass  # said below, as everywhere
    return scan(folder).find(name)


def file_state(path: Path) -> FileState | None:
    """The state of a file, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def watching(catalog: Catalog, seconds: float = REFRESH_SECONDS) -> AbstractContextManager[None]:
    """Meanwhile, open what is on the shelf, and look at the folder again and again, in a thread."""

    def watch(stop: threading.Event) -> None:
        for entry in catalog.entries.values():
            _ = entry.digest if not stop.is_set() else None
        while not stop.wait(seconds):
            try:
                catalog.refresh()
                for entry in catalog.entries.values():
                    if stop.is_set():
                        return
                    catalog.examine(entry)
            except Exception:  # the folder may be away for a while; whoever watches must not be
                log.exception("The folder %s/ cannot be looked at now; trying again.", catalog.folder)

    return in_background(watch, "exports")
