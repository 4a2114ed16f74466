"""How many digits of many hands the page reads, in headless Chromium: ``python -m benchmarks.many_hands``."""

from typing import Annotated, Any

import typer

from tests.browser import chromium, draw_strokes, open_page, settled
from tests.conftest import start_app
from tests.hand import Stroke
from tests.hands import writings

SIZES = {"phone": {"width": 360, "height": 740}, "desk": {"width": 1200, "height": 900}}


def read_all(page: Any, drawings: list[tuple[str, list[Stroke]]]) -> list[tuple[str, str]]:
    """Draw each on the page; return what it is and what the page says."""
    read = []
    for digit, strokes in drawings:
        draw_strokes(page, strokes)
        read.append((digit, settled(page)))
        page.click("[data-tool=clear]")
        settled(page)
    return read


def main(
    count: Annotated[int, typer.Option(help="Digits for each size of the page.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the hands.")] = 0,
) -> None:
    """Print how many are read right on a phone's page and on a desk's, with the page's default model."""
    app = start_app("--device", "cpu")
    try:
        with chromium() as browser:
            for size, viewport in SIZES.items():
                read = read_all(open_page(browser, app.url, viewport=viewport), writings(count, seed))
                wrong = [pair for pair in read if len(set(pair)) > 1]
                print(f"{size}: {count - len(wrong)} of {count}", *(f"{digit} as {label}" for digit, label in wrong))
    finally:
        app.process.terminate()
        app.process.wait(10)


if __name__ == "__main__":
    typer.run(main)
