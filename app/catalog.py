"""What lies in ``exports/``: the models that can be used, and why the others cannot."""

from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from app.classifier import Classifier
from app.runtime import Device, ModelFileError
from exports.metadata import ModelMetadata


class UnknownModelError(ValueError):
    """No usable model has this name; the message says which there are, or why this one was refused."""


@dataclass(frozen=True)
class Entry:
    """A model that can be used; ``name`` is the file's name without its ending."""

    name: str
    path: Path
    bytes: int
    metadata: ModelMetadata


@dataclass
class Catalog:
    """The models of a folder by name, and the refused files with the reason.

    Classifiers are opened when first asked for, and kept.
    """

    folder: Path
    entries: dict[str, Entry]
    refused: dict[str, str]
    _open: dict[tuple[str, Device], Classifier] = field(default_factory=dict, repr=False)

    def find(self, name: str) -> Entry:
        """Return the entry of this name.

        Raises:
            UnknownModelError: there is none.
        """
        if name in self.entries:
            return self.entries[name]
        if name in self.refused:
            raise UnknownModelError(f"The model {name!r} cannot be used: {self.refused[name]}")
        close = get_close_matches(name, self.entries, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        known = ", ".join(self.entries) or f"none; {self.folder} holds no usable .onnx file"
        raise UnknownModelError(f"There is no model {name!r}.{hint} Known: {known}.")

    def classifier(self, name: str, device: Device = "auto") -> Classifier:
        """Return the classifier of this name on this device.

        Raises:
            UnknownModelError: there is no such model.
            DeviceError: the device is not to be had.
        """
        entry = self.find(name)
        if (name, device) not in self._open:
            self._open[name, device] = Classifier(entry.path, device)
        return self._open[name, device]


def scan(folder: Path) -> Catalog:
    """Look at every ``.onnx`` file of a folder, sorted by name."""
    catalog = Catalog(folder, {}, {})
    for path in sorted(folder.glob("*.onnx")):
        try:
            metadata = Classifier(path, "cpu").metadata
        except ModelFileError as error:
            catalog.refused[path.stem] = str(error)
        else:
            catalog.entries[path.stem] = Entry(path.stem, path, path.stat().st_size, metadata)
    return catalog
