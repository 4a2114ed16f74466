"""Damage as disks, cables and people do it to files: seeded, so that what was found once is found again."""

import random
from collections.abc import Callable, Iterator

Mutation = Callable[[bytes, random.Random], bytes]

EDGE = 400
"""Bytes at either end that are hit as often as all others together: headers and metadata stand there."""


def somewhere(data: bytes, draw: random.Random) -> int:
    """A place in the file, every second time near one of its ends."""
    if draw.random() < 0.5:
        return draw.randrange(len(data))
    near = draw.randrange(min(EDGE, len(data)))
    return near if draw.random() < 0.5 else len(data) - 1 - near


def flip_a_bit(data: bytes, draw: random.Random) -> bytes:
    at = somewhere(data, draw)
    return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]


def replace_a_byte(data: bytes, draw: random.Random) -> bytes:
    at = somewhere(data, draw)
    return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]


def replace_some_bytes(data: bytes, draw: random.Random) -> bytes:
    for _ in range(draw.randint(2, 8)):
        data = replace_a_byte(data, draw)
    return data


def remove_a_part(data: bytes, draw: random.Random) -> bytes:
    at = somewhere(data, draw)
    return data[:at] + data[at + draw.randint(1, 200) :]


def insert_noise(data: bytes, draw: random.Random) -> bytes:
    at = somewhere(data, draw)
    return data[:at] + draw.randbytes(draw.randint(1, 200)) + data[at:]


def double_a_part(data: bytes, draw: random.Random) -> bytes:
    at = somewhere(data, draw)
    return data[:at] + data[at : at + draw.randint(1, 200)] + data[at:]


def cut_short(data: bytes, draw: random.Random) -> bytes:
    return data[: somewhere(data, draw)]


def empty_a_block(data: bytes, draw: random.Random) -> bytes:
    at = somewhere(data, draw) // 512 * 512
    length = len(data[at : at + 512])
    return data[:at] + bytes(length) + data[at + length :]


def add_behind(data: bytes, draw: random.Random) -> bytes:
    return data + draw.choice((bytes(1), b"\n", bytes(512), draw.randbytes(64)))


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_a_bit, replace_a_byte, replace_some_bytes, remove_a_part, insert_noise),
    *(double_a_part, cut_short, empty_a_block, add_behind),
)


def mutants(data: bytes, count: int, seed: int, mutations: tuple[Mutation, ...] = MUTATIONS) -> Iterator[bytes]:
    """Yield ``count`` files that differ from ``data``, each by one of the mutations."""
    draw = random.Random(seed)
    while count:
        mutant = draw.choice(mutations)(data, draw)
        if mutant != data:
            yield mutant
            count -= 1
