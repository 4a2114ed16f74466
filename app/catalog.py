"""Lists the models in ``exports/``, and the files there that cannot be used, with the reason.

A model is listed by its metadata alone and opened when first asked for, so that a start costs nothing. ``watching``
refreshes a catalog every second: a new file is opened and reads its reference picture before it answers anybody; one
that fails is refused, and the model it would have replaced goes on answering.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import inkwear
from app.background import in_background
from inkwear.errors import DeviceError, MetadataError, ModelFileError, ProtobufError
from inkwear.files import file_digest
from inkwear.numbers.line_reader import FILE as LINE_READER
from inkwear.onnx.checksums import HOW_TO_MEND
from inkwear.onnx.metadata import ModelMetadata
from inkwear.onnx.props import read_props
from inkwear.onnx.sandbox import HOW_TO_REPLACE
from inkwear.onnx.session import Device, cpu_fallback

if TYPE_CHECKING:
    from inkwear.auto import Auto
    from inkwear.classifier import Classifier

REFRESH_SECONDS = 1.0
"""Seconds between two refreshes of a watched catalog."""

AUTO = "auto"
"""The name that asks the best models of all sets, and takes the surest answer."""

STILL_SERVING = "The model that was loaded before goes on answering under this name until the file is mended or removed"

log = logging.getLogger("inkwear")


class UnknownModelError(ValueError):
    """No usable model has this name; the message lists the known names, or says why this one was refused."""


class ReplacedError(Exception):
    """The file has changed since it was listed."""


class FileState(NamedTuple):
    """Tells one version of a file from another without reading it."""

    modified_ns: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return the state of a file, None where there is none."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(found.st_mtime_ns, found.st_size, found.st_ino)


@dataclass(frozen=True, eq=False)
class Entry:
    """A usable model.

    Its classifiers are opened when first asked for and kept, so that whoever holds an entry is answered by this very
    version of the file.
    """

    path: Path
    metadata: ModelMetadata
    state: FileState
    _open: dict[Device, "Classifier"] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def read(cls, path: Path, state: FileState) -> Self:
        """Read a file's metadata, and no more.

        Raises:
            ModelFileError: the metadata is missing or invalid.
        """
        try:
            metadata = ModelMetadata.from_props(read_props(path))
        except OSError as error:
            raise ModelFileError(f"{path}: cannot be read ({error.strerror}).") from error
        except ProtobufError as error:
            raise ModelFileError(f"{path}: {error}. {HOW_TO_MEND}.") from error
        except MetadataError as error:
            raise ModelFileError(f"{path}: {error}. {HOW_TO_REPLACE}.") from error
        return cls(path, metadata, state)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def bytes(self) -> int:
        return self.state.size

    @property
    def opened_on(self) -> tuple[Device, ...]:
        """The devices it has been opened on; empty until somebody asks for it."""
        return tuple(self._open)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        if opened := [*self._open.values()]:
            return opened[0].digest
        try:
            return file_digest(self.path)
        except OSError:  # it has just been removed, as the next refresh will find
            return ""

    def classifier(self, device: Device) -> "Classifier":
        """Open the model on a device, or return the classifier that was opened before.

        Raises:
            DeviceError: the device is not available.
            ModelFileError: the file breaks its contract.
            ReplacedError: the file has changed since it was listed, and this device needs it again.
        """
        known = self._open.get(device)
        if known is None or known.device_failed:
            with self._lock:
                known = self._open[device] = self._shared(device) or self._opened(device)
        return known

    def _shared(self, device: Device) -> "Classifier | None":
        """Return a classifier that shares another one's session, where that session suits the device too."""
        twins = (classifier.on(device) for classifier in self._open.values() if not classifier.device_failed)
        return next((twin for twin in twins if twin), None)

    def _opened(self, device: Device) -> "Classifier":
        try:
            classifier = inkwear.Classifier(self.path, device)  # OpenCV, ONNX Runtime: 0.2 s, not at the start
            try:
                classifier.self_test()
            except DeviceError as error:  # CUDA opens the model and cannot run it
                if device != "auto":
                    raise
                classifier = inkwear.Classifier(self.path, "cpu")
                classifier.self_test()
                classifier.runtime = cpu_fallback(classifier.runtime, error)
        except ModelFileError as error:
            if FileState.of(self.path) != self.state:
                raise ReplacedError from error
            raise
        if FileState.of(self.path) != self.state:
            raise ReplacedError
        return classifier


@dataclass(frozen=True)
class Refusal:
    """The reason why a file is not used, and the version of the file that it is about."""

    reason: str
    state: FileState


@dataclass(frozen=True)
class Snapshot:
    """The models of a folder at one moment; a refresh that finds a change replaces the whole snapshot at once."""

    entries: Mapping[str, Entry]
    refusals: Mapping[str, Refusal]

    @cached_property
    def revision(self) -> str:
        """Twelve hexadecimal digits that change whenever anything in the snapshot does."""
        state = [(name, entry.state) for name, entry in self.entries.items()], list(self.refusals.items())
        return hashlib.sha256(repr(state).encode()).hexdigest()[:12]

    @cached_property
    def ranked(self) -> tuple[Entry, ...]:
        """The entries, best first: the one rule by which models are ranked.

        The most accurate on simulated real pictures leads; of several alike the smallest, which answers soonest.
        Models that were not measured on such pictures follow, by their accuracy on validation images.
        """
        return tuple(sorted(self.entries.values(), key=lambda entry: _merits(entry.metadata.metrics), reverse=True))

    @property
    def best(self) -> str | None:
        """The name of the model that answers where none is named."""
        return next((entry.name for entry in self.ranked), None)

    @cached_property
    def auto(self) -> tuple[Entry, ...]:
        """The entries that ``auto`` asks: of each set the best for small images, and the best for whole photographs."""
        found: dict[tuple[str, ...], Entry] = {}
        for entry in self.ranked:
            found.setdefault((*entry.metadata.class_names, str(entry.metadata.input.whole)), entry)
        return tuple(found.values())


def _merits(metrics: Mapping[str, float]) -> tuple[float, ...]:
    real = metrics.get("real_accuracy", 0.0)
    return real, -metrics.get("parameters", 0.0) if real else 0.0, metrics.get("validation_accuracy", 0.0)


class Catalog:
    """The models of a folder by name, and its refused files with their reasons.

    Args:
        folder: the folder of ``.onnx`` files.
        device: where models are opened that nobody has asked for yet.
    """

    def __init__(self, folder: Path, device: Device = "auto") -> None:
        self.folder = folder
        self.device = device
        self.snapshot = Snapshot({}, {})
        self._refreshing = threading.Lock()
        self._refresh(Entry.read)

    @property
    def entries(self) -> Mapping[str, Entry]:
        return self.snapshot.entries

    @property
    def refused(self) -> dict[str, str]:
        """The reasons by name; a name that is also in ``entries`` is answered by the version loaded before."""
        return {name: refusal.reason for name, refusal in self.snapshot.refusals.items()}

    def find(self, name: str | None = None) -> Entry:
        """Return the entry of this name, or the best one where none is named.

        Raises:
            UnknownModelError: there is no such entry.
        """
        snapshot = self.snapshot
        name = name or snapshot.best or ""
        if name in snapshot.entries:
            return snapshot.entries[name]
        if name in snapshot.refusals:
            raise UnknownModelError(f"The model {name!r} cannot be used: {snapshot.refusals[name].reason}")
        missing = f"There is no model {name!r}." if name else "There is no model."
        if close := get_close_matches(name, snapshot.entries, n=1):
            missing += f" Did you mean {close[0]!r}?"
        known = ", ".join(snapshot.entries) or f"none; {self.folder} holds no usable .onnx file"
        raise UnknownModelError(f"{missing} Known: {known}.")

    def reader(self, name: str | None = None, device: Device = "auto") -> "Classifier | Auto":
        """Return what answers under this name, which may be ``auto``; raises as ``choose`` does."""
        return inkwear.Auto.of([self.classifier(entry.name, device) for entry in self.asked(name)])

    def asked(self, name: str | None = None) -> tuple[Entry, ...]:
        """Return the entry of this name, or those that ``auto`` asks; raises as ``find`` does."""
        is_auto = name == AUTO and AUTO not in self.entries
        return (is_auto and self.snapshot.auto) or (self.find(name),)

    def classifier(self, name: str | None = None, device: Device = "auto") -> "Classifier":
        """Return the classifier of this name on this device; raises as ``choose`` does."""
        return self.choose(name, device)[1]

    def choose(self, name: str | None = None, device: Device = "auto") -> "tuple[Entry, Classifier]":
        """Return an entry and its classifier, which belong together whatever happens to the folder at the same time.

        Raises:
            UnknownModelError: there is no such model.
            DeviceError: the device is not available.
            ModelFileError: its file was listed but turns out to be broken; from now on it is refused.
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
        """List the folder anew; a new file is taken once it has been opened and has read its reference picture."""
        self._refresh(self._read_and_open)

    def examine(self, entry: Entry) -> None:
        """Open an entry that nobody has asked for yet; a broken one is refused from now on."""
        if not entry.opened_on:
            try:
                with suppress(ReplacedError, DeviceError):  # the next refresh finds what it is now
                    entry.classifier(self.device)
            except ModelFileError as error:
                self._refuse(entry, error)

    def _refresh(self, take: Callable[[Path, FileState], Entry]) -> None:
        """Replace the snapshot where the folder has changed."""
        with self._refreshing:
            entries: dict[str, Entry] = {}
            refusals: dict[str, Refusal] = {}
            for path in sorted(self.folder.glob("[!.]*.onnx")):  # a name with a dot before it is still being written
                state = FileState.of(path)
                if state is None or path.name == LINE_READER:
                    continue
                entry, refusal = self._list_file(path, state, take)
                entries |= {path.stem: entry} if entry else {}
                refusals |= {path.stem: refusal} if refusal else {}
            if (entries, refusals) != (self.snapshot.entries, self.snapshot.refusals):
                self.snapshot = Snapshot(entries, refusals)

    def _list_file(
        self, path: Path, state: FileState, take: Callable[[Path, FileState], Entry]
    ) -> tuple[Entry | None, Refusal | None]:
        """Return the entry that answers under a file's name, and the reason where that is not this version."""
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
            if FileState.of(path) != state:
                return known, refusal
            serves = known if known and known.opened_on else None
            return serves, Refusal(f"{error} {STILL_SERVING}." if serves else str(error), state)

    def _read_and_open(self, path: Path, state: FileState) -> Entry:
        """Read a file's metadata and open it wherever its predecessor was open, so that no request waits for that."""
        entry = Entry.read(path, state)
        known = self.snapshot.entries.get(path.stem)
        for device in (known.opened_on if known else ()) or (self.device,):
            with suppress(DeviceError):  # raised again for whoever asks for that device
                entry.classifier(device)
        return entry

    def _refuse(self, entry: Entry, error: ModelFileError) -> None:
        """Move an entry whose file has turned out to be broken to the refusals."""
        with self._refreshing:
            entries, refusals = dict(self.snapshot.entries), dict(self.snapshot.refusals)
            if entries.get(entry.name) is entry:
                del entries[entry.name]
                refusals[entry.name] = Refusal(str(error), entry.state)
                self.snapshot = Snapshot(entries, refusals)


def scan(folder: Path, device: Device = "auto") -> Catalog:
    """List the ``.onnx`` files of a folder, sorted by name, without opening any."""
    return Catalog(folder, device)


def find_model(folder: Path, model: str) -> Entry:
    """Return the entry of a name in ``folder``, or of the path of an ``.onnx`` file, without reading other files.

    Raises:
        ModelFileError: the file at this path breaks its contract.
        UnknownModelError: there is no such model.
    """
    is_path = model.endswith(".onnx") or Path(model).name != model
    path = Path(model) if is_path else folder / f"{model}.onnx"
    state = FileState.of(path)
    if is_path:
        if state is None:
            known = ", ".join(scan(folder).entries)
            raise UnknownModelError(f"There is no file {model}. Give a path that exists, or a name: {known}.")
        return Entry.read(path, state)
    if state:
        with suppress(ModelFileError):  # said below, as everywhere
            return Entry.read(path, state)
    try:
        return scan(folder).find(model)
    except UnknownModelError as error:
        raise UnknownModelError(f"{error} Or give the path of an .onnx file.") from error


def watching(catalog: Catalog, seconds: float = REFRESH_SECONDS) -> AbstractContextManager[None]:
    """Open the catalog's models and refresh it again and again, in a thread, until the block ends."""

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
            except Exception:  # the folder may be gone for a while; the thread must go on
                log.exception("The folder %s/ cannot be listed now; trying again.", catalog.folder)

    return in_background(watch, "exports")
