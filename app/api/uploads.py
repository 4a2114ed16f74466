"""What came with a request: a form of any number of files, or the bytes of one picture as they are."""

import io
import tempfile
from dataclasses import dataclass, field
from typing import Any, BinaryIO, get_args

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.api.errors import RequestError, TooLargeError
from app.archives.pictures import MAX_PICTURE_BYTES, MEGABYTE
from inkwear.onnx.session import Device

IN_MEMORY = 8 * MEGABYTE
"""A larger form waits in a temporary file without a name, which vanishes with the request."""

LONGEST_FIELD = 1_000
"""Bytes of a field that is no file: names and choices."""

MOST_PARTS = 20_000


@dataclass
class File:
    """A file of a form: a stretch of the form's own file, so that any number of them takes one descriptor."""

    name: str
    start: int
    length: int = 0


class Stretch(io.RawIOBase):
    """Part of a file, as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file, self._start, self._length, self._place = file, start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

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
    return tempfile.SpooledTemporaryFile(IN_MEMORY)  # type: ignore[return-value]  # closed by its taker


@dataclass
class Upload:
    """What a request carries: ``files`` by the field's name and in their order, and ``fields`` of text."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, File]] = field(default_factory=list)
    store: BinaryIO = field(default_factory=_store, repr=False)

    def opened(self, file: File) -> BinaryIO:
        """One of the files, to be read."""
        return io.BufferedReader(Stretch(self.store, file.start, file.length))

    def bytes_of(self, file: File) -> bytes:
        self.store.seek(file.start)
        return self.store.read(file.length)

    @property
    def device(self) -> Device | None:
        """The device asked for.

        Raises:
            RequestError: there is none of this name.
        """
        asked = self.fields.get("device") or None
        if asked is not None and asked not in get_args(Device):
            raise RequestError("device: Input should be 'auto', 'cpu' or 'cuda'")
        return asked  # type: ignore[return-value]

    @property
    def model(self) -> str | None:
        return self.fields.get("model") or None

    @property
    def draft(self) -> bool:
        """Whether the picture is not finished yet.

        Raises:
            RequestError: neither ``true`` nor ``false``.
        """
        asked = self.fields.get("glimpse") or "false"
        if asked not in ("true", "false"):
            raise RequestError("glimpse: Input should be 'true' or 'false'")
        return asked == "true"


async def receive(request: Request, most_bytes: int = MAX_PICTURE_BYTES, field: str = "image") -> Upload:
    """Read a request to its end: a form, or a body that is itself the file.

    Args:
        request: of ``multipart/form-data`` or of any other type; then the query holds the fields.
        most_bytes: of all of it.
        field: under which a body that is itself the file is kept.

    Raises:
        RequestError: the form is damaged.
        TooLargeError: more than ``most_bytes``.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    upload = Upload(dict(request.query_params))
    if kind == b"multipart/form-data":
        await _receive_form(request, upload, options.get(b"boundary", b""), most_bytes)
    else:
        async for chunk in _chunks(request, most_bytes):
            upload.store.write(chunk)
        upload.files.append((field, File(upload.fields.get("name") or "the picture", 0, upload.store.tell())))
    return upload


async def _receive_form(request: Request, upload: Upload, boundary: bytes, most_bytes: int) -> None:
    try:
        parser = MultipartParser(boundary, _Parts(upload).callbacks())  # type: ignore[arg-type]
        async for chunk in _chunks(request, most_bytes):
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise RequestError(f"The form cannot be read ({error}).") from error


async def _chunks(request: Request, most_bytes: int) -> Any:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > most_bytes:
            raise TooLargeError(f"The request has more than the {most_bytes // MEGABYTE} MB that are accepted.")
        yield chunk


class _Parts:
    """Takes the events of the parser: headers, data and ends of the parts of a form."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.header_name, self.header_value = b"", b""
        self.disposition = b""
        self.file: File | None = None
        self.field, self.value = "", b""
        self.end, self.count = 0, 0

    def callbacks(self) -> dict[str, Any]:
        names = (
            "part_begin",
            "header_field",
            "header_value",
            "header_end",
            "headers_finished",
            "part_data",
            "part_end",
        )
        return {f"on_{name}": getattr(self, f"_{name}") for name in names}

    def _part_begin(self) -> None:
        self.disposition, self.file, self.field, self.value = b"", None, "", b""
        self.count += 1
        if self.count > MOST_PARTS:
            raise TooLargeError(f"The form has more than the {MOST_PARTS:,} parts that are accepted; pack them as ZIP.")

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
            self.file = File(options[b"filename"].decode(errors="replace") or "the picture", self.end)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self.file:
            self.file.length += self.upload.store.write(data[start:end])
        else:
            self.value += data[start:end]
            if len(self.value) > LONGEST_FIELD:
                raise RequestError(f"{self.field}: a name is expected here, not {len(self.value)} bytes and more.")

    def _part_end(self) -> None:
        if self.file:
            self.upload.files.append((self.field, self.file))
            self.end += self.file.length
        else:
            self.upload.fields[self.field] = self.value.decode(errors="replace")
