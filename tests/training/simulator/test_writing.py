import numpy as np
import pytest

from training.simulator.characters import OTHER, SIGNS, Characters
from training.simulator.writing import Manner, any_text, write_line

ALPHABET = "0123456789" + SIGNS + OTHER
WRITTEN = Manner("written", 30)


def test_texts_are_of_the_alphabet_and_of_all_kinds() -> None:
    texts = [any_text(np.random.default_rng(seed)) for seed in range(2000)]
    assert {character for text in texts for character in text} == set(ALPHABET)
    assert all(
        1 <= sum(character.isdigit() or character == OTHER for character in text) <= 20 for text in texts if text
    )
    assert {1, 2, 8, 14} <= {len(text) for text in texts if text.isdigit()}


@pytest.mark.parametrize("style", ["written", "printed"])
@pytest.mark.parametrize("name", ALPHABET.replace(" ", ""))
def test_every_character_can_be_written(style: str, name: str, characters: Characters) -> None:
    for seed in range(5):
        written = write_line(characters, name, Manner(style, 30), np.random.default_rng(seed))
        assert written.text == name
        assert len(written.ends) == 1
        assert written.cover.max() > 0.3


@pytest.mark.parametrize("name", "0123456789")
def test_a_display_shows_every_digit(name: str, characters: Characters) -> None:
    written = write_line(characters, name, Manner("display", 30), np.random.default_rng(0))
    assert written.text == name
    assert written.cover.shape == written.unlit.shape


def test_a_display_leaves_signs_out(characters: Characters) -> None:
    assert write_line(characters, "1,2-", Manner("display", 30), np.random.default_rng(0)).text == "12"


@pytest.mark.parametrize("style", ["written", "printed", "display"])
def test_a_line_is_cut_to_its_ink_and_its_characters_follow_each_other(style: str, characters: Characters) -> None:
    for seed in range(20):
        written = write_line(characters, "10 4.7", Manner(style, 30), np.random.default_rng(seed))
        inked = sum(character != " " for character in written.text)
        assert len(written.ends) == inked
        starts = [start for start, _ in written.ends]
        assert starts == sorted(set(starts))
        assert max(end for _, end in written.ends) == pytest.approx(written.cover.shape[1], abs=12)
        assert 0 <= written.cover.min() <= written.cover.max() < 1.0001


def test_a_pitch_sets_the_middles_of_neighbors_apart(characters: Characters) -> None:
    for seed in range(10):
        written = write_line(characters, "1980", Manner("written", 30, pitch=50), np.random.default_rng(seed))
        middles = [(start + end) / 2 for start, end in written.ends]
        assert np.diff(middles) == pytest.approx([50] * 3, abs=1.1)


def test_lines_are_as_high_as_asked(characters: Characters) -> None:
    for height in (12, 60):
        rows = [
            write_line(characters, "5", Manner("written", height), np.random.default_rng(seed)).cover.shape[0]
            for seed in range(20)
        ]
        assert np.median(rows) == pytest.approx(height, rel=0.25)


def test_some_neighbors_touch_and_others_stand_apart(characters: Characters) -> None:
    gaps = []
    for seed in range(60):
        cover = write_line(characters, "88", WRITTEN, np.random.default_rng(seed)).cover
        gaps.append(not (cover > 0.3).any(axis=0).all())
    assert 5 < sum(gaps) < 58


def test_the_same_seed_writes_the_same_line(characters: Characters) -> None:
    one, same, other = (write_line(characters, "42", WRITTEN, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one.cover, same.cover)
    assert not np.array_equal(one.cover, other.cover)
