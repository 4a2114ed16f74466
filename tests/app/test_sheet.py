"""The page's drawing sheet under several fingers, a palm and a pen, in a real browser."""

import pytest

from tests.browser import Touchscreen, draw, settled

LINE = (0.2, 0.5, 0.8)
"""Heights of a line in three steps."""


def ink(page) -> str:
    return str(page.locator(".pad").evaluate("pad => pad.toDataURL()"))


def sheet(page, call: str) -> object:
    """What a function of the module says that holds the page's strokes."""
    return page.evaluate(f"import(new URL('page/js/sheet.js', document.baseURI)).then((sheet) => sheet.{call}())")


def draw_a_line(screen: Touchscreen) -> None:
    for y in LINE:
        screen.touch(1, 0.3, y)
    screen.lift(1)


@pytest.fixture
def screen(page) -> Touchscreen:
    return Touchscreen(page)


@pytest.fixture
def alone(page, screen: Touchscreen) -> str:
    """How a line of one finger alone looks; the sheet is clear again."""
    draw_a_line(screen)
    drawn = ink(page)
    page.click("[data-tool=clear]")
    return drawn


def test_a_second_finger_neither_joins_the_stroke_nor_ends_it(page, screen: Touchscreen, alone: str) -> None:
    for finger, x, y in ((1, 0.3, 0.2), (2, 0.8, 0.2), (2, 0.8, 0.6), (1, 0.3, 0.5)):
        screen.touch(finger, x, y)
    screen.lift(2)
    assert sheet(page, "isDrawing")
    screen.touch(1, 0.3, 0.8)
    screen.lift(1)
    assert not sheet(page, "isDrawing")
    assert ink(page) == alone
    assert settled(page) == "1"


def test_a_finger_draws_while_another_that_was_ignored_still_rests(page, screen: Touchscreen, alone: str) -> None:
    screen.touch(2, 0.5, 0.5)
    screen.touch(3, 0.9, 0.9)
    screen.lift(2)
    sheet(page, "clearSheet")
    draw_a_line(screen)
    assert ink(page) == alone


@pytest.mark.parametrize("palm_is_first", [True, False])
def test_a_pen_draws_whatever_its_palm_touches(page, screen: Touchscreen, palm_is_first: bool) -> None:
    def draw_with_the_pen(*palms: float | None) -> str:
        screen.pen("mousePressed", 0.3, 0.2)
        for pen, palm in zip(LINE[1:], palms, strict=True):
            if palm:
                screen.touch(1, 0.7, palm)
            screen.pen("mouseMoved", 0.3, pen)
        screen.pen("mouseReleased", 0.3, 0.8)
        return ink(page)

    alone = draw_with_the_pen(None, None)
    page.click("[data-tool=clear]")
    if palm_is_first:
        screen.touch(1, 0.7, 0.7)
        screen.touch(1, 0.8, 0.9)
        assert sheet(page, "isDrawing")
    assert draw_with_the_pen(0.8, 0.6) == alone
    screen.lift(1)
    assert ink(page) == alone
    page.click("[data-tool=undo]")
    assert page.locator("[data-tool=undo]").is_disabled()


@pytest.mark.parametrize("end", ["cancelled", "lost"])
def test_a_stroke_whose_pointer_is_taken_away_ends_and_the_next_one_is_new(page, screen, alone: str, end: str) -> None:
    pad = page.locator(".pad")
    pad.evaluate("pad => pad.addEventListener('pointerdown', ({ pointerId }) => (pad.last = pointerId))")
    for y in LINE:
        screen.touch(1, 0.3, y)
    if end == "lost":
        pad.evaluate("pad => pad.releasePointerCapture(pad.last)")
        screen.touch(1, 0.9, 0.9)
    screen.cancel()
    assert not sheet(page, "isDrawing")
    assert settled(page) == "1"
    draw(page, "0")
    page.click("[data-tool=undo]")
    assert ink(page) == alone


def test_what_is_undone_while_it_is_drawn_is_over(page, screen: Touchscreen, alone: str) -> None:
    draw_a_line(screen)
    screen.touch(1, 0.7, 0.2)
    sheet(page, "undo")
    screen.touch(1, 0.7, 0.8)
    screen.lift(1)
    assert ink(page) == alone
