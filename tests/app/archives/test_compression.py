import bz2
import gzip
import io
import lzma
import os

import pytest

from app.archives.compression import Stream

DATA = os.urandom(300_000) + bytes(300_000)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_stream_knows_its_position_on_both_sides(compress) -> None:
    file = io.BytesIO(compress(DATA))
    stream = Stream(file)
    assert stream.is_compressed == (compress is not bytes)
    assert stream.read(1000) == DATA[:1000]
    assert stream.read(len(DATA)) == DATA[1000:]
    assert (stream.position, stream.consumed()) == (len(DATA), len(file.getvalue()))
    assert stream.read(1) == b""


def test_an_xz_stream_that_asks_for_gigabytes_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    compressed = lzma.compress(DATA, lzma.FORMAT_XZ, filters=filters)
    with pytest.raises(lzma.LZMAError, match="limit"):
        Stream(io.BytesIO(compressed)).read(1)


def test_several_xz_streams_are_one_and_a_cut_one_is_noticed() -> None:
    compressed = lzma.compress(DATA[:700]) + bytes(8) + lzma.compress(DATA[700:])
    assert Stream(io.BytesIO(compressed)).read(len(DATA)) == DATA
    with pytest.raises(EOFError):
        Stream(io.BytesIO(compressed[:-5])).read(len(DATA) + 1)
