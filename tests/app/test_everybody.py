"""The page for everybody: by keyboard, by screen reader, on a phone, in the dark, in two languages."""

from urllib.parse import parse_qs, urlparse

import pytest
from axe_playwright_python.sync_playwright import Axe

from benchmarks.many_hands import read_all
from tests.browser import draw, open_page, settled
from tests.hands import writings

DRAWERS = ["steps", "compare", "network", "many", "corrections", "programs"]
SIZES = {
    "phone": {"width": 360, "height": 740},
    "desk": {"width": 1200, "height": 900},
    "wall": {"width": 1920, "height": 1080},
}
GROUNDS = {"light": "rgb(246, 243, 236)", "dark": "rgb(18, 22, 31)"}


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", GROUNDS)
@pytest.mark.parametrize("size", SIZES)
def test_every_drawer_fits_and_axe_finds_no_serious_violation(browser, app_url: str, scheme: str, size: str) -> None:
    page = open_page(browser, app_url, color_scheme=scheme, viewport=SIZES[size])
    ground = "getComputedStyle(document.querySelector('.gradio-container')).backgroundColor"
    assert page.evaluate(ground) == GROUNDS[scheme]
    draw(page, "5")
    settled(page)
    for drawer in DRAWERS:
        page.click(f"[data-drawer={drawer}]")
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"], drawer
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        grave = [
            (rule["id"], [node["target"] for node in rule["nodes"]][:3])
            for rule in found.response["violations"]
            if rule["impact"] in ("serious", "critical")
        ]
        assert not grave, f"{drawer}: {grave}"
    page.context.close()


def test_a_seven_is_drawn_with_the_keyboard_alone(page) -> None:
    page.select_option("select.model", "mnist-convnet")
    settled(page)
    press(page, "Tab")
    while not page.evaluate("document.activeElement.matches('.pad')"):
        press(page, "Tab")
    press(page, *["ArrowLeft"] * 6, "Space", *["ArrowRight"] * 12)
    press(page, *["ArrowDown", "ArrowDown", "ArrowLeft"] * 9, "Space")
    assert settled(page) == "7"
    press(page, "Escape")
    assert settled(page) == ""


def test_every_control_is_reached_with_the_tabulator(page) -> None:
    draw(page, "5")
    settled(page)
    page.evaluate("document.activeElement.blur()")
    reached = ""
    for _ in range(60):
        press(page, "Tab")
        reached += page.evaluate("`${document.activeElement.className} ${document.activeElement.dataset.tool ?? ''} `")
    assert {"pad", "clear", "upload", "paste", "camera", "model", "device", "light"} <= set(reached.split())


def test_the_drawers_are_walked_with_arrows(page) -> None:
    page.focus("[data-drawer=steps]")
    for drawer in DRAWERS[1:]:
        press(page, "ArrowRight")
        assert page.evaluate("document.activeElement.dataset.drawer") == drawer
        assert page.locator(f"#{drawer}").is_visible()
    press(page, "Home")
    assert page.locator("#steps").is_visible()
    assert page.locator("[role=tabpanel]:visible").count() == 1


def test_the_answer_is_announced_and_the_page_does_not_jump(page) -> None:
    verdict = page.locator(".verdict")
    assert (verdict.get_attribute("role"), verdict.get_attribute("aria-live")) == ("status", "polite")
    parts = "[...document.querySelectorAll('.tools, .bars, .seen, .drawers')]"
    tops = f"() => {parts}.map((part) => part.getBoundingClientRect().top)"
    page.evaluate("document.fonts.ready")
    before = page.evaluate(tops)
    draw(page, "3")
    settled(page)
    assert verdict.inner_text().startswith("3")
    assert page.evaluate(tops) == before


def test_a_link_reproduces_what_was_chosen(page, browser) -> None:
    page.select_option("select.model", "fashion_mnist-lenet")
    page.select_option("select.device", "cpu")
    for clicked in ("[data-drawer=compare]", "[data-language=zh]", ".light", ".light"):
        page.click(clicked)
    fragment = {name: values[0] for name, values in parse_qs(urlparse(page.url).fragment).items()}
    chosen = {"model": "fashion_mnist-lenet", "device": "cpu"}
    assert fragment == chosen | {"drawer": "compare", "language": "zh", "light": "dark"}
    other = open_page(browser, page.url)
    assert {name: other.input_value(f"select.{name}") for name in chosen} == chosen
    assert other.locator("#compare").is_visible()
    assert other.locator("[data-tool=clear]").inner_text() == "清空"
    assert other.evaluate("document.body.classList.contains('dark')")
    other.context.close()


def test_examples_are_read_and_their_answers_are_sure(page) -> None:
    said = {"five": "5", "number": "4711", "pullover": "Pullover", "tshirt": "T-shirt/top", "eight": "8"}
    for example, label in said.items():
        page.click(f"[data-example={example}]")
        page.wait_for_function(f"() => document.querySelector('.label').textContent === {label!r}")


@pytest.mark.slow
@pytest.mark.parametrize("size", ["phone", "desk"])
def test_digits_in_many_hands_are_read(browser, app_url: str, size: str) -> None:
    """50 each here; ``python -m benchmarks.many_hands`` draws more."""
    page = open_page(browser, app_url, viewport=SIZES[size], has_touch=size == "phone")
    read = read_all(page, writings(50, seed=len(size)))
    assert sum(digit == label for digit, label in read) >= 49, [pair for pair in read if len(set(pair)) > 1]
    page.context.close()
