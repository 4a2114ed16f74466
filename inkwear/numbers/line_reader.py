"""The reader of whole lines beside the models: a file that makes touching digits readable, and is no model itself."""

import hashlib
import json
from pathlib import Path

from inkwear.onnx.sandbox import read_trusted
from inkwear.onnx.session import Device, ModelFileError, open_session
from inkwear.preprocess.spec import Floats, Pixels

FILE = "lines.onnx"
"""Its name in the folder of exports; without it numbers are read by their candidates alone."""


class LineReader:
    """A session and the characters that it reads.

    Args:
        path: ``lines.onnx``, as ``training.train_line_reader`` writes it.
        device: as ``open_session`` takes it.
        data: as ``Classifier`` takes it.

    Raises:
        ModelFileError: the file cannot be opened, is damaged, is something else or failed the examination.
        DeviceError: the device is not to be had.
    """

    def __init__(self, path: Path, device: Device = "auto", data: bytes | None = None) -> None:
        from inkwear.numbers.joint import KIND  # with OpenCV: when a number is read, not at the start
        from inkwear.numbers.line_image import ROWS

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
        self.alphabet: str = json.loads(props["alphabet"])

    def read(self, strip: Pixels) -> Floats:
        """Run the network on one strip, alone so that no other changes it: (40, W) uint8 -> (T, classes + 1) logits."""
        from inkwear.preprocess.steps import scale_to_one

        return self.runtime.run("logits", {"strips": scale_to_one(strip)[None, None]})[0]


def find_reader(model: Path, class_names: tuple[str, ...], device: Device) -> LineReader | None:
    """Open the reader that lies beside a model, if there is one and it reads the model's characters.

    Raises:
        ModelFileError, DeviceError: as ``LineReader``.
    """
    path = model.with_name(FILE)
    if not path.exists():
        return None
    reader = LineReader(path, device)
    return reader if reader.alphabet == "".join(class_names) else None


def digest_beside(model: Path) -> str:
    """SHA-256 of the reader that lies beside a model; empty where there is none."""
    path = model.with_name(FILE)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
