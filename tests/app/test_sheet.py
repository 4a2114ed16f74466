"""The page's drawing sheet under several fingers, a palm and a pen, in a real browser."""

import pytest

from tests.browser import Touchscreen, draw, settled

SHEET = "import(new URL('page/js/sheet.js', document.baseURI))"
"""The page's own module, which holds the strokes."""


def ink(page) -> str:
    return str(page.locator(".pad").evaluate("pad => pad.toDataURL()"))


def is_drawing(page) -> bool:
    return bool(page.evaluate(f"{SHEET}.then(({{ isDrawing }}) => isDrawing())"))


def ink_of_one_finger(page) -> str:
    """Draw a line in three steps with one finger alone; return how it looks, and clear the sheet."""
    screen = Touchscreen(page)
    for y in (0.2, 0.5, 0.8):
        screen.touch(1, 0.3, y)
    screen.lift(1)
    alone = ink(page)
    page.click("[data-tool=clear]")
    return alone


def test_a_second_finger_neither_joins_the_stroke_nor_ends_it(page) -> None:
    alone = ink_of_one_finger(page)
    screen = Touchscreen(page)
    screen.touch(1, 0.3, 0.2)
    screen.touch(2, 0.8, 0.2)
    screen.touch(2, 0.8, 0.6)
    screen.touch(1, 0.3, 0.5)
    screen.lift(2)
    assert is_drawing(page)
    screen.touch(1, 0.3, 0.8)
    screen.lift(1)
    assert not is_drawing(page)
    assert ink(page) == alone
    assert settled(page) == "1"


def test_a_finger_draws_while_another_that_was_ignored_still_rests(page) -> None:
    alone = ink_of_one_finger(page)
    screen = Touchscreen(page)
    screen.touch(2, 0.5, 0.5)
    screen.touch(3, 0.9, 0.9)
    screen.lift(2)
    page.evaluate(f"{SHEET}.then(({{ clearSheet }}) => clearSheet())")
    for y in (0.2, 0.5, 0.8):
        screen.touch(1, 0.3, y)
    screen.lift(1)
    assert ink(page) == alone


@pytest.mark.parametrize("palm_is_first", [True, False])
def test_a_pen_draws_whatever_its_palm_touches(page, palm_is_first: bool) -> None:
    screen = Touchscreen(page)

    def draw_a_line(*palms: float | None) -> str:
        screen.pen("mousePressed", 0.3, 0.2)
        for pen, palm in zip((0.5, 0.8), palms, strict=True):
            if palm:
                screen.touch(1, 0.7, palm)
            screen.pen("mouseMoved", 0.3, pen)
        screen.pen("mouseReleased", 0.3, 0.8)
        return ink(page)

    alone = draw_a_line(None, None)
    page.click("[data-tool=clear]")
    if palm_is_first:
        screen.touch(1, 0.7, 0.7)
        screen.touch(1, 0.8, 0.9)
        assert is_drawing(page)
    assert draw_a_line(0.8, 0.6) == alone
    screen.lift(1)
    assert ink(page) == alone
    page.click("[data-tool=undo]")
    assert page.locator("[data-tool=undo]").is_disabled()


@pytest.mark.parametrize("end", ["cancelled", "lost"])
def test_a_stroke_whose_pointer_is_taken_away_ends_and_the_next_one_is_new(page, end: str) -> None:
    alone = ink_of_one_finger(page)
    pad = page.locator(".pad")
    pad.evaluate("pad => pad.addEventListener('pointerdown', ({ pointerId }) => (pad.last = pointerId))")
    screen = Touchscreen(page)
    for y in (0.2, 0.5, 0.8):
        screen.touch(1, 0.3, y)
    if end == "lost":
        pad.evaluate("pad => pad.releasePointerCapture(pad.last)")
        screen.touch(1, 0.9, 0.9)
    screen.cancel()
    assert not is_drawing(page)
    assert settled(page) == "1"
    draw(page, "0")
    page.click("[data-tool=undo]")
    assert ink(page) == alone


def test_what_is_undone_while_it_is_drawn_is_over(page) -> None:
    alone = ink_of_one_finger(page)
    screen = Touchscreen(page)
    for y in (0.2, 0.5, 0.8):
        screen.touch(1, 0.3, y)
    screen.lift(1)
    screen.touch(1, 0.7, 0.2)
    page.evaluate(f"{SHEET}.then(({{ undo }}) => undo())")
    screen.touch(1, 0.7, 0.8)
    screen.lift(1)
    assert ink(page) == alone
