"""Pictures that take much memory are opened in a process of their own, one at a time, and come back small.

A PNG of 20 kB may unpack to 400 MB. Where little is unpacked it is opened here, as ``inkwear.images.decode`` does; where much
is, a child with an end to its memory and its time does so, and hands back what the reading needs of it: some 770
to 1,540 pixels on the longer side. Whatever happens to the child happens to one picture.
"""

import contextlib
import io
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from PIL import Image

from inkwear.images.decode import FORMATS, FULL_SIZE, MAX_PIXELS, WORKING_SIDE, ImageError, draft_size, open_image

MOST_HERE = 8_000_000
"""Bytes that a picture may unpack to in this process; its conversions take some five times as much."""

MOST_PROGRESSIVE = 24_000_000
"""Bytes of coefficients of a progressive JPEG, all of which are kept until the last scan has come."""

MOST_APART = 900_000_000
"""Bytes of address space of a child."""

SECONDS_APART = 60
"""Of a child; no picture of ``MAX_PIXELS`` takes a tenth of it on an idle machine."""

LONGEST = WORKING_SIDE * 3 // 2
"""A larger picture is averaged over areas of whole pixels until its longer side is less than twice this.

It is more than what ink is looked for in, so that edges are soft before they are shrunk to that.
"""

STRIP = 4_000_000
"""Pixels converted at a time."""

AVERAGED_IN = {"1": "L", "P": "RGB", "YCbCr": "RGB", "HSV": "RGB", "RGBX": "RGB"}
"""Pillow's modes that have no mean, or none that keeps the colours."""

_one_at_a_time = threading.Lock()


def is_large(data: bytes) -> bool:
    """Whether a picture is for a child, by what its header says; what is no picture is not."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            return False  # refused without being unpacked
        coefficients = 3 * image.width * image.height if image.info.get("progressive") else 0
        image.draft(None, draft_size(image.size))
    except Exception:  # whatever it is, ``open_image`` says it better
        return False
    return coefficients > MOST_PROGRESSIVE or image.width * image.height * _bytes_of(image) > MOST_HERE


def _bytes_of(image: Image.Image) -> int:
    """Bytes of a pixel in Pillow's memory; WebP is unpacked to four, twice."""
    return 8 if image.format == "WEBP" else 1 if image.mode in ("1", "L", "P") else 4


def open_picture(data: bytes, name: str) -> Image.Image:
    """Decode a picture as ``inkwear.images.decode.open_image`` does, and a large one to a smaller size.

    Raises:
        ImageError: as there, or it takes more memory or time than is given.
    """
    return _open_apart(data, name) if is_large(data) else open_image(data, name)


def _open_apart(data: bytes, name: str) -> Image.Image:
    command = [sys.executable, "-m", "inkwear.images.subprocess"]
    with _one_at_a_time:
        try:
            done = subprocess.run(
                command,
                input=data,
                capture_output=True,
                cwd=Path(__file__).parents[2],
                timeout=SECONDS_APART,
                start_new_session=True,  # Ctrl-C is for the server, which lets this finish
            )
        except subprocess.TimeoutExpired:
            raise ImageError(f"{name}: it takes more than {SECONDS_APART} s to open; save it again, smaller.") from None
    head, _, pixels = done.stdout.partition(b"\n")
    if done.returncode != 0 or not head:
        raise ImageError(f"{name}: it takes more memory to open than is given to one picture; save it again, smaller.")
    found = json.loads(head)
    if "error" in found:
        raise ImageError(found["error"].replace("the picture", name, 1))
    return _as_it_was(found, pixels)


def _as_it_was(found: dict[str, Any], pixels: bytes) -> Image.Image:
    """The small picture, with what the preprocessing wants to know of the large one."""
    image = Image.frombytes(found["mode"], tuple(found["size"]), pixels)
    image.format = found["format"]
    image.info[FULL_SIZE] = tuple(found["full_size"])
    image.n_frames = found["frames"]  # type: ignore[attr-defined]
    exif = Image.Exif()
    exif[0x0112] = found["orientation"]
    image.info["exif"] = exif.tobytes()
    return image


# ----------------------------------------------------------------------------------------------------- in the child


def _shrunk(image: Image.Image) -> Image.Image:
    """Average areas of whole pixels, a strip at a time."""
    factor = max(1, max(image.size) // LONGEST)
    kind = "I" if image.mode.startswith("I;16") else AVERAGED_IN.get(image.mode, image.mode)
    kind = "RGBa" if image.has_transparency_data else kind  # what is not to be seen must not colour what is
    height = max(1, STRIP // image.width // factor) * factor
    small = Image.new(kind, (-(-image.width // factor), -(-image.height // factor)))
    for top in range(0, image.height, height):
        strip = image.crop((0, top, image.width, min(image.height, top + height)))
        strip.info = dict(image.info)
        strip = strip.convert("RGBA") if kind == "RGBa" else strip
        small.paste(strip.convert(kind).reduce(factor), (0, top // factor))
    return small.convert("RGBA") if kind == "RGBa" else small


def _in_the_child() -> None:
    """Read a picture from stdin; write a line of JSON and the small picture's bytes to stdout."""
    _limit()
    try:
        image = open_image(sys.stdin.buffer.read(), "the picture")
        small = _shrunk(image)
    except ImageError as error:
        print(json.dumps({"error": str(error)}))
        return
    found = {
        "mode": small.mode,
        "size": small.size,
        "format": image.format,
        "full_size": image.info[FULL_SIZE],
        "frames": getattr(image, "n_frames", 1),
        "orientation": image.getexif().get(0x0112, 1),
    }
    sys.stdout.buffer.write(json.dumps(found, default=int).encode() + b"\n" + small.tobytes())


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {"RLIMIT_AS": MOST_APART, "RLIMIT_CPU": SECONDS_APART, "RLIMIT_CORE": 0}
    for name, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # where a system knows the limit and does not take it
            resource.setrlimit(getattr(resource, name), (most, most))


if __name__ == "__main__":
    _in_the_child()
