"""Draw a five on the page and keep its picture: ``python -m tests.screenshot`` writes ``docs/page.png``."""

from pathlib import Path

from tests.browser import chromium, draw, open_page, settled
from tests.conftest import ROOT, start_app


def main(target: Path = ROOT / "docs" / "page.png") -> None:
    """Write the picture that stands in the README."""
    app = start_app()
    try:
        with chromium() as browser:
            page = open_page(browser, app.url, viewport={"width": 1160, "height": 840})
            draw(page, "5", side=0.64, left=0.18, top=0.18)
            settled(page)
            page.screenshot(path=target)
    finally:
        app.process.terminate()
        app.process.wait(10)
    print(target)


if __name__ == "__main__":
    main()
