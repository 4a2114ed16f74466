"""Archives for the tests, honest and not."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping

from tests import hand


def png(digit: str = "5") -> bytes:
    return hand.png(hand.render(digit))


def zipped(entries: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def tarred(entries: Mapping[str, bytes | tarfile.TarInfo], packing: str = "", form: int = tarfile.PAX_FORMAT) -> bytes:
    """A TAR of files, and of whatever else a ``TarInfo`` says."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{packing}", format=form, errors="surrogateescape") as archive:
        for name, data in entries.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def special(name: str, type: bytes, leads_to: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type, leads_to
    return info


def raw_zip(name: bytes, data: bytes, flags: int = 0, system: int = 3, attributes: int = 0, **said: int) -> bytes:
    """A ZIP of one entry, stored, with a name of any bytes; ``size`` and ``packed`` lie about its sizes."""
    crc = zlib.crc32(data)
    packed, size = said.get("packed", len(data)), said.get("size", len(data))
    common = struct.pack("<HHHHHLLLHH", 20, flags, 0, 0, 0x21, crc, packed, size, len(name), 0)
    local = b"PK\x03\x04" + common + name + data
    central = b"PK\x01\x02" + bytes([20, system]) + common + struct.pack("<HHHLL", 0, 0, 0, attributes, 0) + name
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def quoted_bomb(files: int = 250, kernel: int = 900_000) -> bytes:
    """Entries that overlap: each quotes the header of the next in a stored block, and goes on with what that one has.

    As in David Fifield's "A better zip bomb" (WOOT 2019), whose 42 kB unpack to 5.5 GB.
    """
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    plain, whole, directory = bytes(kernel), b"", []
    packed = machine.compress(plain) + machine.flush()
    for index in reversed(range(files)):
        name = b"%d.png" % index
        sizes = zlib.crc32(plain), len(packed), len(plain)
        fields = struct.pack("<HHHHHLLLHH", 20, 0, 8, 0, 0x21, *sizes, len(name), 0)
        header = b"PK\x03\x04" + fields + name
        whole = header + packed
        directory.append((fields, name, len(whole)))
        packed = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF) + whole
        plain = header + plain
    central = b"".join(
        b"PK\x01\x02\x14\x03" + fields + struct.pack("<HHHLL", 0, 0, 0, 0, len(whole) - back) + name
        for fields, name, back in reversed(directory)
    )
    return whole + central + b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, files, files, len(central), len(whole), 0)


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
}


def packed_zeros(head: bytes, size: int, packing: str, tail: bytes = b"") -> bytes:
    """Packed bytes with some 5 MB of zeros after another in them: streams may be strung together."""
    pack = PACK[packing]
    times, rest = divmod(size, 5_000_000)
    return pack(head) + pack(bytes(5_000_000)) * times + pack(bytes(rest) + tail)


def bomb(size: int, packing: str) -> bytes:
    """A TAR with one entry of zeros, and an empty one behind it."""
    info = tarfile.TarInfo("bomb.png")
    info.size = size
    return packed_zeros(info.tobuf(), size + -size % tarfile.BLOCKSIZE, packing, tarred({"after.png": b""}))
