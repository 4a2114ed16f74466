"""The reader of whole lines beside the models: a network that reads touching digits, and is no classifier itself."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from inkwear.errors import ModelFileError
from inkwear.files import file_digest
from inkwear.onnx.sandbox import read_trusted
from inkwear.onnx.session import Device, open_session
from inkwear.preprocess.normalize import scale_to_one
from inkwear.preprocess.spec import Floats, Pixels

FILE = "lines.onnx"
"""Its name in the folder of exports; without it numbers are read by their candidates alone."""

KIND = "line reader"
"""The value of ``kind`` in its metadata."""

ROWS = 40
"""Height of a strip in pixels."""

UNKNOWN = "?"
"""The sign for a mark that is neither a digit nor another sign: a letter, a scribble, a digit crossed out."""

STEP = 4
"""Columns of a strip for each step of the reader's answer."""


class LineReader:
    """A session and the characters that it reads.

    Args:
        path: ``lines.onnx``, written by ``training.train_line_reader``.
        device: ``auto``, ``cpu`` or ``cuda``.
        data: the content of the file, if the caller knows that it may be loaded.

    Raises:
        ModelFileError: the file cannot be loaded, is damaged, is something else or did not pass the sandbox.
        DeviceError: ``cuda`` was asked for and is not available.
    """

    def __init__(self, path: Path, device: Device = "auto", data: bytes | None = None) -> None:
        self.runtime = open_session(path, device, read_trusted(path) if data is None else data)
        props = self.runtime.session.get_modelmeta().custom_metadata_map
        if props.get("kind") != json.dumps(KIND):
            raise ModelFileError(f"{path}: it is no {KIND}; make one with python -m training.train_line_reader.")
        rows = self.runtime.session.get_inputs()[0].shape[2]
        if rows != ROWS:
            raise ModelFileError(
                f"{path}: it reads strips of {rows} rows, and this version makes {ROWS}; "
                "make one with python -m training.train_line_reader."
            )
        self.alphabet = _characters(props, "alphabet", path)
        self.signs = _characters(props, "signs", path)

    def read(self, strip: Pixels) -> Floats:
        """Run the network on one strip, alone so that no other changes it.

        Args:
            strip: (40, W) uint8.

        Returns:
            (T, classes + signs + 1) logits, the blank last.
        """
        return self.runtime.run("logits", {"strips": scale_to_one(strip)[None, None]})[0]


def _characters(props: Mapping[str, str], name: str, path: Path) -> str:
    """Return the characters that the metadata of a file lists under a name."""
    with suppress(ValueError):  # no JSON
        characters = json.loads(props.get(name, "null"))
        if isinstance(characters, str):
            return characters
    raise ModelFileError(f"{path}: it does not list its {name}; make one with python -m training.train_line_reader.")


def find_reader(model: Path, class_names: tuple[str, ...], device: Device) -> LineReader | None:
    """Open the reader beside a model, if there is one that reads the model's characters.

    Args:
        model: path of its file.
        class_names: of the model.
        device: where to open the reader.

    Raises:
        ModelFileError, DeviceError: as in ``LineReader``.
    """
    path = model.with_name(FILE)
    if not path.exists():
        return None
    reader = LineReader(path, device)
    return reader if reader.alphabet == "".join(class_names) else None


def digest_beside(model: Path) -> str:
    """Return the SHA-256 of the reader beside a model; empty if there is none."""
    path = model.with_name(FILE)
    return file_digest(path) if path.exists() else ""
