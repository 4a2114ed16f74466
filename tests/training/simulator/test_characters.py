import numpy as np
import pytest

from training.simulator.characters import (
    HEIGHT,
    OTHER,
    PRINTED,
    ROOM,
    SIGNS,
    Character,
    Characters,
    seven_segments,
)


def ink(character: Character) -> np.ndarray:
    return character.field > 0


def test_every_digit_and_sign_is_there_in_each_kind(characters: Characters) -> None:
    assert set(characters.written) == set("0123456789")
    assert all(characters.written.values())
    assert set(characters.drawn) == {*"0123456789", *SIGNS.strip(), OTHER}
    assert all(shape for shapes in characters.allographs.values() for shape in shapes)
    assert all(set(face) == set(PRINTED) for face in characters.printed)


def test_a_character_has_ink_and_room_for_a_thick_pen(characters: Characters) -> None:
    every = [*characters.written.values(), *characters.drawn.values(), *(face.values() for face in characters.printed)]
    for character in (character for some in every for character in some):
        assert ink(character).any()
        assert not ink(character)[:2].any()
        assert not ink(character)[:, :2].any()
        assert character.pen > 0


def test_written_and_printed_digits_stand_on_the_baseline_and_are_of_usual_height(characters: Characters) -> None:
    for character in (character for some in characters.written.values() for character in some):
        bottom = character.top + np.flatnonzero(ink(character).any(axis=1))[-1]
        assert bottom == pytest.approx(HEIGHT, abs=2)
    for face in characters.printed:
        rows = face["8"].top + np.flatnonzero(ink(face["8"]).any(axis=1))
        assert rows[-1] == pytest.approx(HEIGHT, abs=2)
        assert 0.7 * HEIGHT < np.ptp(rows) < 1.05 * HEIGHT


def test_signs_are_where_they_belong(characters: Characters) -> None:
    for name, low, high in ((".", 0.8, 1.3), ("'", -0.3, 0.6), ("-", 0.1, 0.95)):
        for character in characters.drawn[name]:
            rows = character.top + np.flatnonzero(ink(character).any(axis=1))
            assert low * HEIGHT < rows.mean() < high * HEIGHT, name


def test_distances_are_true_beyond_the_ink(characters: Characters) -> None:
    field = characters.written["1"][0].field
    assert field[:, 0].max() == pytest.approx(-ROOM, abs=1.5)


def test_digits_of_a_display_differ_and_lit_and_unlit_segments_make_an_eight() -> None:
    shown = [seven_segments(digit, np.random.default_rng(4)) for digit in "0123456789"]
    for index, (lit, _) in enumerate(shown):
        assert all(np.abs(lit - other).sum() > 100 for other, _ in shown[:index])
    eight, nothing = shown[8]
    assert not nothing.any()
    assert all(((np.maximum(lit, unlit) > 0.5) == (eight > 0.5)).all() for lit, unlit in shown)
