"""Headless Chromium under Playwright, and a hand that draws on the page's pad."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.hand import Stroke, place

FLAGS = [
    *("--no-sandbox", "--no-first-run", "--disable-quic", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome, if there is one."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def chromium() -> Iterator[Any]:
    """Open a browser; skip the test where there is none."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    if path is None:
        from tests.conftest import lacking

        lacking("no chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


def open_page(browser: Any, url: str, **context: Any) -> Any:
    """Open the studio and wait until it knows its models."""
    page = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1200, "height": 900}} | context).new_page()
    page.goto(url)
    page.wait_for_selector(".studio .model option", state="attached")
    return page


def draw(page: Any, digit: str, side: float = 0.6, left: float = 0.2, top: float = 0.2) -> None:
    """Draw a digit with the mouse; size and place are fractions of the pad."""
    draw_strokes(page, place(digit, side, left, top))


def draw_strokes(page: Any, strokes: list[Stroke]) -> None:
    """Draw with the mouse; points are fractions of the pad."""
    pad = page.locator(".pad").bounding_box()
    for stroke in strokes:
        (first, *rest) = [(pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in stroke]
        page.mouse.move(*first)
        page.mouse.down()
        for point in rest:
            page.mouse.move(*point)
        page.mouse.up()


def bring(page: Any, *files: tuple[str, bytes]) -> None:
    """Upload files, each a name and its bytes."""
    kind = "application/octet-stream"
    page.set_input_files("input.file", [{"name": name, "mimeType": kind, "buffer": data} for name, data in files])


class Touchscreen:
    """A pad under several fingers and a pen; places are fractions of the pad."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._pad = page.locator(".pad").bounding_box()
        self._fingers: dict[int, dict[str, float]] = {}

    def touch(self, finger: int, x: float, y: float) -> None:
        """Put a finger down, or move it."""
        kind = "touchMove" if finger in self._fingers else "touchStart"
        self._fingers[finger] = {**self._place(x, y), "id": finger}
        self._send(kind)

    def lift(self, finger: int) -> None:
        """Lift one finger, and leave the others where they are."""
        del self._fingers[finger]
        self._send("touchMove" if self._fingers else "touchEnd")

    def cancel(self) -> None:
        """Take all fingers from the page, as a system does for a gesture of its own."""
        self._fingers.clear()
        self._send("touchCancel")

    def pen(self, kind: str, x: float, y: float) -> None:
        """Let the pen be ``mousePressed``, ``mouseMoved`` or ``mouseReleased``, as Chromium calls it for a pen too."""
        button = {"button": "left", "buttons": 0 if kind == "mouseReleased" else 1, "clickCount": 1}
        self._session.send(
            "Input.dispatchMouseEvent", {"type": kind, "pointerType": "pen", **button, **self._place(x, y)}
        )

    def _send(self, kind: str) -> None:
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(self._fingers.values())})

    def _place(self, x: float, y: float) -> dict[str, float]:
        pad = self._pad
        return {"x": pad["x"] + x * pad["width"], "y": pad["y"] + y * pad["height"]}


def settled(page: Any) -> str:
    """Wait until the answer belongs to what lies on the sheet now, and return its label."""
    page.wait_for_function("() => document.querySelector('.studio').dataset.settled === 'true'")
    return str(page.locator(".label").inner_text())
