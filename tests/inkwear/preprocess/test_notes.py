import pytest

from inkwear.preprocess.notes import STEPS, Note


@pytest.mark.parametrize(
    ("note", "sentence", "step"),
    [
        (Note("turned_by", {"degrees": 90}), "turned by 90°, as its digits stand that way", "read"),
        (Note("lines", {"lines": 2}), "2 lines read from top to bottom", "read"),
        (Note("signs", {"signs": ". , -"}), "signs kept in the text: . , -", "read"),
        (Note("unknown_marks", {"count": 3}), "marks that are no digits: 3", "read"),
        (Note("margins"), "margins around the picture left out", "found"),
        (Note("ink"), "ink told from paper, print and shadows by a small network", "found"),
        (Note("inverted"), "inverted: the object was darker than its background", "found"),
    ],
)
def test_a_note_is_a_sentence_of_one_step(note: Note, sentence: str, step: str) -> None:
    assert str(note) == sentence
    assert [name for name, codes in STEPS.items() if note.code in codes] == [step]
