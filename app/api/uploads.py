"""What came with a request: a form of any number of files, or the bytes of one picture as they are."""

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, get_args

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.api.errors import RequestError, TooLargeError
from inkwear.onnx.session import Device

MAX_BYTES_IN_MEMORY = 8_000_000
"""Bytes of a form in memory; a larger one waits in a temporary file without a name, which vanishes with the request."""

MAX_FIELD_BYTES = 1_000
"""Bytes of a field that is no file: names and choices."""

MAX_PARTS = 20_000
"""Files and fields of a form."""

NAMELESS = "the picture"
"""What errors call a picture that has no name."""


@dataclass
class File:
    """A file of a form: a stretch of what the form is stored in, so that any number of files takes one descriptor."""

    name: str
    start: int
    length: int = 0


class Stretch(io.RawIOBase):
    """A part of a file, to be read as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file, self._start, self._length, self._place = file, start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._length}[whence]
        if origin + offset < 0:
            raise OSError("before the beginning")
        self._place = origin + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._place)
        data = self._file.read(max(0, min(len(buffer), self._length - self._place)))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def _store() -> BinaryIO:
    return tempfile.SpooledTemporaryFile(MAX_BYTES_IN_MEMORY)  # type: ignore[return-value]  # closed by its taker


@dataclass
class Upload:
    """What a request carries: ``files`` by the field's name and in their order, and ``fields`` of text."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, File]] = field(default_factory=list)
    store: BinaryIO = field(default_factory=_store, repr=False)

    def open(self, file: File) -> BinaryIO:
        """Return one of the files, to be read."""
        return io.BufferedReader(Stretch(self.store, file.start, file.length))

    def picture(self) -> tuple[str, bytes]:
        """Return name and bytes of the one picture, and close what it was stored in.

        Raises:
            RequestError: there is none.
        """
        with self.store:
            for name, file in self.files:
                if name == "image":
                    self.store.seek(file.start)
                    return file.name, self.store.read(file.length)
        raise RequestError("image: Field required")

    @property
    def model(self) -> str | None:
        return self.fields.get("model") or None

    @property
    def device(self) -> Device | None:
        """The device asked for; raises ``RequestError`` where there is none of this name."""
        return parse_device(self.fields.get("device"))

    @property
    def draft(self) -> bool:
        """Whether the picture is not finished yet; raises ``RequestError`` where neither ``true`` nor ``false``."""
        name = "draft" if "draft" in self.fields else "glimpse"  # its former name
        asked = self.fields.get(name) or "false"
        if asked not in ("true", "false"):
            raise RequestError(f"{name}: Input should be 'true' or 'false'")
        return asked == "true"


def parse_device(name: str | None) -> Device | None:
    """Return a device by its name; None where none is asked for.

    Raises:
        RequestError: there is none of this name.
    """
    for device in get_args(Device):
        if name == device:
            return device
    if name:
        raise RequestError("device: Input should be 'auto', 'cpu' or 'cuda'")
    return None


async def receive(request: Request, field: str = "image") -> Upload:
    """Read a request to its end: a form, or a body that is itself the file, with the fields in the query.

    A body that is itself the file is kept under ``field``.

    Raises:
        RequestError: the form is damaged.
        TooLargeError: the form has too many parts.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    upload = Upload(dict(request.query_params))
    if kind == b"multipart/form-data":
        await _receive_form(request, upload, options.get(b"boundary", b""))
    else:
        async for chunk in request.stream():
            upload.store.write(chunk)
        upload.files.append((field, File(upload.fields.get("name") or NAMELESS, 0, upload.store.tell())))
    return upload


async def _receive_form(request: Request, upload: Upload, boundary: bytes) -> None:
    try:
        parser = MultipartParser(boundary, _Parts(upload).callbacks())  # type: ignore[arg-type]
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise RequestError(f"The form cannot be read ({error}).") from error


class _Parts:
    """Handles the events of the parser: headers, data and ends of the parts of a form."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.header_name, self.header_value = b"", b""
        self.disposition = b""
        self.file: File | None = None
        self.field, self.value = "", b""
        self.end, self.count = 0, 0

    def callbacks(self) -> dict[str, Callable[..., None]]:
        on_header = (self._header_field, self._header_value, self._header_end, self._headers_finished)
        on_part = (self._part_begin, self._part_data, self._part_end)
        return {f"on{handler.__name__}": handler for handler in (*on_header, *on_part)}

    def _part_begin(self) -> None:
        self.disposition, self.file, self.field, self.value = b"", None, "", b""
        self.count += 1
        if self.count > MAX_PARTS:
            raise TooLargeError(f"The form has more than the {MAX_PARTS:,} parts that are accepted; pack them as ZIP.")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self.header_name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self.header_value += data[start:end]

    def _header_end(self) -> None:
        if self.header_name.lower() == b"content-disposition":
            self.disposition = self.header_value
        self.header_name, self.header_value = b"", b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self.disposition)
        self.field = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options:
            self.file = File(options[b"filename"].decode(errors="replace") or NAMELESS, self.end)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self.file:
            self.file.length += self.upload.store.write(data[start:end])
        else:
            self.value += data[start:end]
            if len(self.value) > MAX_FIELD_BYTES:
                raise RequestError(f"{self.field}: a name is expected here, not {len(self.value)} bytes and more.")

    def _part_end(self) -> None:
        if self.file:
            self.upload.files.append((self.field, self.file))
            self.end += self.file.length
        else:
            self.upload.fields[self.field] = self.value.decode(errors="replace")
