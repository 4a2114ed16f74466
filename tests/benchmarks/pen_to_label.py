"""From pen-up to the label on the page, in headless Chromium: ``python -m tests.benchmarks.pen_to_label``.

The clock runs in the page: from the last point of a drawing, where the pen goes up, until the answer for exactly that
drawing is in the document. Every round draws a digit anew; it is answered on the way too, as for a user.
"""

import platform
import statistics
from typing import Annotated

import typer

from tests.browser import chromium, draw, open_page, settled
from tests.conftest import start_app
from tests.hand import DIGITS

STOPWATCH = """() => {
  const studio = document.querySelector(".studio");
  window.times = [];
  let moved = null;
  const pad = document.querySelector(".pad");
  for (const kind of ["pointerdown", "pointermove"])
    pad.addEventListener(kind, (event) => { if (event.buttons) moved = event.timeStamp; }, { capture: true });
  new MutationObserver(() => {
    if (studio.dataset.settled === "true" && moved) window.times.push(performance.now() - moved);
  }).observe(studio, { attributes: true, attributeFilter: ["data-settled"] });
}"""


def measure(rounds: int) -> list[float]:
    """Return, for each drawing, milliseconds from its last point to the label that belongs to it."""
    app, times = start_app("--device", "cpu"), []
    try:
        with chromium() as browser:
            page = open_page(browser, app.url)
            page.select_option("select.model", "mnist-convnet")
            page.evaluate(STOPWATCH)
            for turn in range(rounds + 3):
                page.evaluate("window.times = []")
                draw(page, list(DIGITS)[turn % 10], 0.6, 0.2, 0.2)
                settled(page)
                times.append(page.evaluate("window.times.at(-1)"))
                page.click("[data-tool=clear]")
                settled(page)
    finally:
        app.process.terminate()
        app.process.wait(10)
    return times[3:]  # the first rounds warm up the server, the browser and the disk


def main(rounds: Annotated[int, typer.Option(help="Drawings to time.")] = 50) -> None:
    """Print the median and the 95th percentile."""
    times = measure(rounds)
    median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"pen-up -> label, {len(times)} drawings: median {median:.1f} ms, 95 % within {p95:.1f} ms")
    print(f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}")


if __name__ == "__main__":
    typer.run(main)
