"""Opens large pictures in a child process, one at a time, which returns them reduced.

A PNG of 20 kB may unpack to 400 MB. A small picture is opened here by ``inkwear.images.decode``; a large one by a child
with limited memory and time, which returns some 770 to 1,540 pixels on the longer side, as many as the preprocessing
needs. A crash of the child costs one picture.
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

from inkwear.errors import ImageError
from inkwear.images.decode import FORMATS, FULL_SIZE, MAX_PIXELS, WORKING_SIDE, draft_size, open_image

MAX_UNPACKED_BYTES = 8_000_000
"""Bytes that a picture may unpack to in this process; its conversions take some five times as much."""

MAX_COEFFICIENT_BYTES = 24_000_000
"""Bytes of coefficients that a progressive JPEG may have in this process; all are kept until its last scan."""

MAX_CHILD_BYTES = 900_000_000
"""Bytes of address space that a child may use."""

MAX_CHILD_SECONDS = 60
"""Seconds that a child may take; a picture of ``MAX_PIXELS`` takes less than a tenth on an idle machine."""

REDUCED_SIDE = WORKING_SIDE * 3 // 2
"""Pixels of the longer side that a child leaves at least, and less than twice as many, by averaging whole pixels.

This is more than the preprocessing works on, so edges are already soft when it reduces the picture further.
"""

STRIP_PIXELS = 4_000_000
"""Pixels that are converted at a time."""

AVERAGING_MODES = {"1": "L", "P": "RGB", "YCbCr": "RGB", "HSV": "RGB", "RGBX": "RGB"}
"""Mode in which pictures are averaged whose own mode has no meaningful mean."""

_one_at_a_time = threading.Lock()


def is_large(data: bytes) -> bool:
    """Whether a picture is opened in a child, judged by its header; False for what is no picture."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            return False  # refused before it is unpacked
        coefficients = 3 * image.width * image.height if image.info.get("progressive") else 0
        image.draft(None, draft_size(image.size))
    except Exception:  # ``open_image`` explains it better
        return False
    return coefficients > MAX_COEFFICIENT_BYTES or image.width * image.height * _bytes_of(image) > MAX_UNPACKED_BYTES


def _bytes_of(image: Image.Image) -> int:
    """Bytes of a pixel in Pillow's memory; WebP is unpacked to four bytes, twice."""
    return 8 if image.format == "WEBP" else 1 if image.mode in ("1", "L", "P") else 4


def open_picture(data: bytes, name: str) -> Image.Image:
    """Decode a picture as ``inkwear.images.decode.open_image`` does, a large one to a smaller size.

    Raises:
        ImageError: as there, or the picture takes more memory or time than allowed.
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
                timeout=MAX_CHILD_SECONDS,
                start_new_session=True,  # Ctrl-C is meant for the server, which lets this finish
            )
        except subprocess.TimeoutExpired:
            raise ImageError(
                f"{name}: it takes more than {MAX_CHILD_SECONDS} s to open; save it again, smaller."
            ) from None
    head, _, pixels = done.stdout.partition(b"\n")
    if done.returncode != 0 or not head:
        raise ImageError(f"{name}: it takes more memory to open than is given to one picture; save it again, smaller.")
    found = json.loads(head)
    if "error" in found:
        raise ImageError(found["error"].replace("the picture", name, 1))
    return _as_it_was(found, pixels)


def _as_it_was(found: dict[str, Any], pixels: bytes) -> Image.Image:
    """Restore the reduced picture with the properties of the large one that the preprocessing uses."""
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
    """Reduce a picture by averaging areas of whole pixels, a strip at a time."""
    factor = max(1, max(image.size) // REDUCED_SIDE)
    kind = "I" if image.mode.startswith("I;16") else AVERAGING_MODES.get(image.mode, image.mode)
    kind = "RGBa" if image.has_transparency_data else kind  # invisible pixels must not color visible ones
    height = max(1, STRIP_PIXELS // image.width // factor) * factor
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
    limits = {"RLIMIT_AS": MAX_CHILD_BYTES, "RLIMIT_CPU": MAX_CHILD_SECONDS, "RLIMIT_CORE": 0}
    for name, most in limits.items():
        with contextlib.suppress(ValueError, OSError):  # a system may know a limit and refuse to set it
            resource.setrlimit(getattr(resource, name), (most, most))


if __name__ == "__main__":
    _in_the_child()
