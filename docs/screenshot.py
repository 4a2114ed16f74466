"""Takes pictures of the page's main states for the README: ``python -m docs.screenshot``, or ``make screenshot``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from tests.browser import chromium, draw, open_page, settled
from tests.conftest import ROOT, running_app
from tests.hands import archive

FOLDER = ROOT / "docs" / "page"


def drawn(page: Any) -> None:
    """A five, answered."""
    draw(page, "5", side=0.64, left=0.18, top=0.18)
    settled(page)


def explained(page: Any) -> None:
    """Every step of a five on squared paper, and which pixels decided."""
    page.click("[data-example=five]")
    settled(page)
    page.wait_for_selector(".stages .heat")


def compared(page: Any) -> None:
    """A pullover, read by all models of its set."""
    page.click("[data-example=pullover]")
    settled(page)
    page.click("[data-drawer=compare]")
    page.wait_for_selector(".comparison tbody tr")


def introduced(page: Any) -> None:
    """The card of a network."""
    page.select_option("select.model", "mnist-lenet")
    page.click("[data-drawer=network]")
    page.wait_for_selector(".card .confusion")


def many(page: Any) -> None:
    """A ZIP of drawings, read."""
    page.set_input_files("input.file", {"name": "drawings.zip", "mimeType": "application/zip", "buffer": archive(12)})
    page.wait_for_function("() => document.querySelectorAll('.many-table tbody tr').length === 12")
    page.wait_for_selector("[data-many=cancel]", state="hidden")


def on_a_phone(page: Any) -> None:
    """A number, drawn in the dark, in Chinese."""
    for column, digit in enumerate("471"):
        draw(page, digit, 0.24, 0.1 + 0.26 * column, 0.35)
    settled(page)


WIDE = {"viewport": {"width": 1160, "height": 840}}
PHONE = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "locale": "zh-CN", "device_scale_factor": 2}

STATES: dict[str, tuple[Callable[[Any], None], dict[str, Any], bool]] = {
    "drawn": (drawn, WIDE, False),
    "steps": (explained, WIDE, True),
    "compare": (compared, WIDE, True),
    "network": (introduced, WIDE, True),
    "many": (many, WIDE, True),
    "phone": (on_a_phone, PHONE, False),
}
"""What is done on the page, on which screen, and whether the picture shows the whole page."""


def main(folder: Path = FOLDER) -> None:
    """Write the pictures that stand in the README."""
    folder.mkdir(parents=True, exist_ok=True)
    with running_app("--device", "cpu") as app, chromium() as browser:
        for name, (act, screen, whole) in STATES.items():
            page = open_page(browser, app.url, **screen)
            act(page)
            page.screenshot(path=folder / f"{name}.png", full_page=whole)
            smaller(folder / f"{name}.png")
            page.context.close()


def smaller(path: Path) -> None:
    """Keep a picture in 256 colors."""
    Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
