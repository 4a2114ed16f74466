"""From a move of the pen to the label on the page, in headless Chromium: ``-m benchmarks.pen_to_label``.

The clock runs in the page: from the pen's event until the answer for exactly that drawing is in the document. A digit
is drawn point by point, with a pause after each, so that every move is one measurement.
"""

import platform
import statistics
from itertools import cycle
from typing import Annotated

import typer

from tests.browser import chromium, open_page, settled
from tests.conftest import start_app
from tests.hands import writings

STOPWATCH = """() => {
  const studio = document.querySelector(".studio");
  window.times = [];
  let moved = null;
  document.querySelector(".pad").addEventListener("pointerrawupdate", (event) => {
    if (event.buttons) moved ??= event.timeStamp;
  }, { capture: true });
  new MutationObserver(() => {
    if (studio.dataset.settled === "true" && moved) window.times.push(performance.now() - moved);
    if (studio.dataset.settled === "true") moved = null;
  }).observe(studio, { attributes: true, attributeFilter: ["data-settled"] });
}"""

PAUSE = 60
"""Milliseconds between two moves of the pen."""


def measure(moves: int) -> list[float]:
    """Return, for each move of the pen, milliseconds until the label that belongs to it."""
    app = start_app("--device", "cpu")
    try:
        with chromium() as browser:
            page = open_page(browser, app.url)
            page.evaluate(STOPWATCH)
            pad = page.locator(".pad").bounding_box()
            for _, strokes in cycle(writings(100, seed=1)):
                for stroke in strokes:
                    points = [(pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in stroke]
                    page.mouse.move(*points[0])
                    page.mouse.down()
                    for point in points[1:]:
                        page.mouse.move(*point)
                        page.wait_for_timeout(PAUSE)
                    page.mouse.up()
                settled(page)
                times: list[float] = page.evaluate("window.times")
                if len(times) >= moves + WARM_UP:
                    return times[WARM_UP : WARM_UP + moves]
                page.click("[data-tool=clear]")
                settled(page)
    finally:
        app.process.terminate()
        app.process.wait(10)
    raise AssertionError("unreachable: the hands never tire")


WARM_UP = 30
"""Moves at the beginning that do not count: the server, the browser and the disk warm up."""


def main(moves: Annotated[int, typer.Option(help="Moves of the pen to time.")] = 100) -> None:
    """Print the median and the 95th percentile."""
    times = measure(moves)
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"pen move -> label, {len(times)} moves: median {median:.1f} ms, 95 % within {p95:.1f} ms")
    print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}")


if __name__ == "__main__":
    typer.run(main)
