"""A hand that writes: the ten digits stroke by stroke, for pictures, for a browser's pad and for a small data set."""

import io
import math
import struct
import zlib

import numpy as np
from PIL import Image, ImageChops, ImageDraw

Point = tuple[float, float]
Stroke = list[Point]


def _arc(centre: Point, radii: Point, start: float, end: float, steps: int = 14) -> Stroke:
    """Part of an ellipse, in degrees clockwise from three o'clock (y points down)."""
    angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
    return [(centre[0] + radii[0] * math.cos(a), centre[1] + radii[1] * math.sin(a)) for a in angles]


DIGITS: dict[str, list[Stroke]] = {
    "0": [_arc((0.5, 0.5), (0.3, 0.5), -90, 275, 28)],
    "1": [[(0.36, 0.2), (0.54, 0.0), (0.5, 1.0)]],
    "2": [[*_arc((0.5, 0.27), (0.28, 0.27), -170, 30), (0.55, 0.68), (0.2, 1.0), (0.85, 0.97)]],
    "3": [[*_arc((0.47, 0.25), (0.28, 0.25), -150, 90), *_arc((0.47, 0.74), (0.32, 0.26), -90, 150)]],
    "4": [[(0.48, 0.0), (0.14, 0.62), (0.86, 0.6)], [(0.66, 0.3), (0.62, 1.0)]],
    "5": [[(0.32, 0.02), (0.28, 0.42), *_arc((0.45, 0.7), (0.34, 0.3), -110, 140)], [(0.32, 0.02), (0.8, 0.0)]],
    "6": [[(0.66, 0.0), (0.4, 0.25), (0.22, 0.6), *_arc((0.48, 0.74), (0.27, 0.26), 180, -180, 24)]],
    "7": [[(0.16, 0.04), (0.84, 0.0), (0.42, 1.0)]],
    "8": [[*_arc((0.5, 0.25), (0.25, 0.25), 20, -250), *_arc((0.5, 0.75), (0.29, 0.25), -90, 255, 24), (0.74, 0.3)]],
    "9": [[*_arc((0.48, 0.27), (0.26, 0.27), -10, -370, 24), (0.72, 0.6), (0.62, 1.0)]],
}
"""Points from 0 to 1, x to the right and y down, in the order in which a pen goes through them."""

SIGNS: dict[str, tuple[float, list[Stroke]]] = {
    ".": (0.3, [[(0.08, 0.93), (0.1, 1.0)]]),
    ",": (0.35, [[(0.12, 0.92), (0.05, 1.12)]]),
    "-": (0.7, [[(0.1, 0.52), (0.5, 0.5)]]),
    "/": (0.95, [[(0.75, -0.3), (0.0, 1.35)]]),
    ":": (0.35, [[(0.1, 0.3), (0.12, 0.36)], [(0.1, 0.8), (0.12, 0.86)]]),
    "+": (0.85, [[(0.35, 0.25), (0.34, 0.8)], [(0.05, 0.53), (0.65, 0.51)]]),
    "=": (0.85, [[(0.1, 0.4), (0.6, 0.38)], [(0.1, 0.62), (0.6, 0.6)]]),
}
"""How far a sign moves the pen on, and its strokes, in heights of a digit."""


def place(digit: str, side: float, left: float, top: float) -> list[Stroke]:
    """Scale a digit to ``side`` and move it to (left, top), in whatever unit these are."""
    return [[(left + x * side, top + y * side) for x, y in stroke] for stroke in DIGITS[digit]]


def render(
    digit: str,
    canvas: int = 400,
    side: float = 240,
    pen: int = 22,
    ink: int = 20,
    sheet: int = 255,
    shift: Point = (0, 0),
) -> Image.Image:
    """Write a digit on a square sheet, a little off its middle by ``shift``, as an 8-bit gray picture."""
    scale = 3  # drawn larger and reduced, for smooth edges
    picture = Image.new("L", (canvas * scale, canvas * scale), sheet)
    pencil = ImageDraw.Draw(picture)
    left, top = ((canvas - side) / 2 + shift[0], (canvas - side) / 2 + shift[1])
    for stroke in place(digit, side * scale, left * scale, top * scale):
        pencil.line(stroke, fill=ink, width=pen * scale, joint="curve")
        for x, y in (stroke[0], stroke[-1]):
            radius = pen * scale / 2
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
    return picture.reduce(scale)


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Save a picture; return the bytes of its file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png_of(header: bytes, packed: bytes) -> bytes:
    """Write a PNG of any header and any compressed pixels."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    )


def held(orientation: int) -> Image.Exif:
    """Return the note of a camera on how it was held."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def in_many_hands(digit: str, generator: np.random.Generator) -> Image.Image:
    """Write a digit larger or smaller, thicker or thinner, slanted and turned, black on white."""
    picture = render(digit, pen=int(generator.integers(14, 34)), side=float(generator.uniform(180, 260)), ink=0)
    slant, turn = generator.uniform(-0.2, 0.2), math.radians(generator.uniform(-10, 10))
    matrix = (1, slant + turn, -200 * (slant + turn), -turn, 1, 200 * turn)
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=255)


def write_number(text: str, side: float = 100, apart: float = 110, pen: int = 12, room: int = 60) -> Image.Image:
    """Write digits side by side, the left edges of their squares ``apart``; below a line break, the next line."""
    lines = text.split("\n")
    width = round(2 * room + apart * (max(map(len, lines)) - 1) + side)
    picture = Image.new("L", (width, round(2 * room + 1.7 * side * (len(lines) - 1) + side)), 255)
    for row, line in enumerate(lines):
        for column, digit in enumerate(line):
            place_at = (room + apart * column, room + 1.7 * side * row)
            alone = render(digit, canvas=round(side + 2 * pen), side=side, pen=pen)
            corner = (round(place_at[0]) - pen, round(place_at[1]) - pen)
            box = (*corner, corner[0] + alone.width, corner[1] + alone.height)
            picture.paste(ImageChops.darker(picture.crop(box), alone), corner)
    return picture


def write_text(text: str, side: float = 90, pen: int = 9, room: int = 50) -> Image.Image:
    """Write digits and signs on one line, black on white."""
    scale, at = 3, float(room)
    strokes: list[Stroke] = []
    for name in text:
        width, shape = SIGNS[name] if name in SIGNS else (0.65 if name == "1" else 0.98, DIGITS[name])
        strokes += [[(at + x * side, room + y * side) for x, y in stroke] for stroke in shape]
        at += width * side
    picture = Image.new("L", (scale * round(at + room), scale * round(2 * room + side)), 255)
    pencil = ImageDraw.Draw(picture)
    for stroke in strokes:
        points = [(scale * x, scale * y) for x, y in stroke]
        pencil.line(points, fill=20, width=scale * pen, joint="curve")
        for x, y in (points[0], points[-1]):
            radius = scale * pen / 2
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=20)
    return picture.reduce(scale)


def png(image: Image.Image) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
