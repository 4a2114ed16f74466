"""What one request of at most 20 MB can cost in memory: ``python -m benchmarks.worst_pictures``.

Each picture is sent to ``/classify`` of a server that has answered before. ``peak`` is by how much its resident memory
grew at the worst moment, ``left`` by how much it was larger two seconds after the answer, and ``child`` what the
process held, if there was one, that opened the picture (``inkwear/images/subprocess.py``).
"""

import io
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import typer
from PIL import Image

from tests.conftest import RunningApp, start_app

MEGABYTE = 1_000_000


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture with something in it, soft enough to be packed well."""
    small = np.random.default_rng(0).integers(0, 255, (height // 64, width // 64, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR).convert(mode)


def _deep_png(width: int, height: int, depth: int, color: int, bytes_per_pixel: float) -> bytes:
    """A PNG of zeros, made without the memory that it takes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer, row = zlib.compressobj(9), bytes(1 + int(width * bytes_per_pixel))
    packed = b"".join([packer.compress(row) for _ in range(height)] + [packer.flush()])
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _deep_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.png", b"\x89PNG\r\n\x1a\n" + bytes(190 * MEGABYTE // 200))
        archive.writestr("deep.bmp", bytes(190 * MEGABYTE))
    return file.getvalue()


def _many_frames(kind: str) -> bytes:
    frames = [Image.new("P", (2000, 2000), color) for color in range(30)]
    fast = {"method": 0} if kind == "WEBP" else {}
    return _saved(frames[0], kind, save_all=True, append_images=frames[1:], loop=0, **fast)


def _tiff(mode: str, side: int, compression: str) -> bytes:
    return _saved(Image.new(mode, (side, side)), "TIFF", compression=compression)


PICTURES: dict[str, Callable[[], bytes]] = {
    "50 MP phone JPEG": lambda: _saved(_noise(8192, 6144), "JPEG", quality=85),
    "50 MP JPEG, progressive": lambda: _saved(_noise(8192, 6144), "JPEG", quality=85, progressive=True),
    "12 MP JPEG, progressive": lambda: _saved(_noise(4032, 3024), "JPEG", quality=85, progressive=True),
    "100 MP JPEG, gray": lambda: _saved(Image.new("L", (10000, 10000)), "JPEG"),
    "50 MP JPEG, CMYK": lambda: _saved(_noise(8192, 6144, "CMYK"), "JPEG", quality=85),
    "100 MP PNG, 1 bit": lambda: _deep_png(10000, 10000, 1, 0, 1 / 8),
    "100 MP PNG, 8 bit": lambda: _deep_png(10000, 10000, 8, 0, 1),
    "100 MP PNG, 16 bit": lambda: _deep_png(10000, 10000, 16, 0, 2),
    "100 MP PNG, RGBA": lambda: _deep_png(10000, 10000, 8, 6, 4),
    "169 MP PNG, 1 bit": lambda: _deep_png(13000, 13000, 1, 0, 1 / 8),
    "12 MP PNG, RGB": lambda: _deep_png(4000, 3000, 8, 2, 3),
    "100 MP TIFF, CMYK": lambda: _tiff("CMYK", 10000, "tiff_lzw"),
    "100 MP TIFF, float": lambda: _tiff("F", 10000, "tiff_adobe_deflate"),
    "100 MP GIF": lambda: _saved(Image.new("P", (10000, 10000)), "GIF"),
    "GIF of 30 frames": lambda: _many_frames("GIF"),
    "WebP of 30 frames": lambda: _many_frames("WEBP"),
    "100 MP WebP": lambda: _saved(Image.new("RGB", (10000, 10000)), "WEBP"),
    "20 MB of no picture": lambda: b"\x89PNG" + bytes(20 * MEGABYTE - 4),
    "ZIP of deep deflate": _deep_zip,
}


def memory(process: int, what: str) -> float:
    """Megabytes that ``/proc`` states: ``VmRSS`` now, ``VmHWM`` at most since it was last reset."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0]) * 1024 / MEGABYTE


class Children:
    """Looks, a hundred times a second, how much the children of a process hold together."""

    def __init__(self, process: int) -> None:
        self.most, self._process, self._stop = 0.0, process, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Children":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.01):
            held = 0.0
            for listed in Path(f"/proc/{self._process}/task").glob("*/children"):
                with suppress(OSError, IndexError):
                    held += sum(memory(int(child), "VmRSS") for child in listed.read_text().split())
            self.most = max(self.most, held)


def measure(app: RunningApp, body: bytes, path: str) -> tuple[int, float, float, float, float]:
    """Status, megabytes at the worst moment, afterwards and in the child, and seconds of one request."""
    process = app.process.pid
    Path(f"/proc/{process}/clear_refs").write_text("5")
    before, started = memory(process, "VmRSS"), time.perf_counter()
    headers = {"Content-Type": "application/octet-stream"}
    with Children(process) as children:
        status = httpx.post(f"{app.url}{path}", content=body, headers=headers, timeout=120).status_code
    seconds = time.perf_counter() - started
    peak = memory(process, "VmHWM") - before
    time.sleep(2)
    return status, peak, memory(process, "VmRSS") - before, children.most, seconds


def main(only: str = "") -> None:
    """Print what each picture costs."""
    app = start_app("--device", "cpu")
    try:
        time.sleep(5)  # until the models are open
        for _ in range(3):
            measure(app, _saved(_noise(1024, 768), "JPEG"), "/classify")
        print(f"{'':28} {'MB sent':>8} {'status':>7} {'peak':>8} {'left':>8} {'child':>8} {'seconds':>8}")
        for name, make in PICTURES.items():
            if only in name:
                body = make()
                path = "/classify/many" if "ZIP" in name else "/classify"
                status, peak, left, child, seconds = measure(app, body, path)
                figures = f"{status:7} {peak:+8.0f} {left:+8.0f} {child:8.0f} {seconds:8.2f}"
                print(f"{name:28} {len(body) / MEGABYTE:8.1f} {figures}", flush=True)
    finally:
        app.process.terminate()
        app.process.wait(15)


if __name__ == "__main__":
    typer.run(main)
