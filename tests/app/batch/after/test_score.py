from pathlib import Path

from app.batch.after.labels import FOLDERS, labels_from
from app.batch.after.score import NONE, SEVERAL, in_words, score
from app.batch.output.row import Row
from tests.app.batch.after.test_labels import CLOTHES, DIGITS

ROWS = [
    Row("s/1/a.png", "ok", "1"),
    Row("s/1/b.png", "ok", "7"),
    Row("s/2/a.png", "unsure", "2"),
    Row("s/2/c.png", "blank"),
    Row("s/2/d.png", "error"),
    Row("s/07/x.png", "ok", "07"),
    Row("s/07/y.png", "ok", "7"),
    Row("s/other/z.png", "ok", "1"),
    Row("z.png", "ok", "1"),
]


def test_a_table_is_scored_by_the_folders_its_pictures_lie_in() -> None:
    found = score(iter(ROWS), labels_from(FOLDERS, DIGITS))
    assert (found.rows, found.labelled) == (9, 7)
    assert found.accuracy == 2 / 4
    assert found.coverage == 4 / 7
    assert found.accuracy_with_unsure == 3 / 5
    assert found.statuses == {"ok": 4, "unsure": 1, "blank": 1, "error": 1}
    assert found.numbers == {"all": 2, "right": 1}
    assert (found.unknown.count, found.unknown.first) == (1, ["s/other/z.png: other"])
    assert (found.unlabelled.count, found.unlabelled.first) == (1, ["z.png"])
    expected = {("1", "1"): 1, ("1", "7"): 1, ("2", "2"): 1, ("2", NONE): 2, (SEVERAL, SEVERAL): 1, (SEVERAL, "7"): 1}
    assert found.confusion == expected
    labels, answers, counts = found.matrix()
    assert labels == [*DIGITS, SEVERAL]
    assert answers == [*DIGITS, SEVERAL, NONE]
    assert counts[2] == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert counts[10] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0]


def test_the_score_in_words_is_aligned_and_complete() -> None:
    said = in_words(score(iter(ROWS), labels_from(FOLDERS, DIGITS)))
    *lines, _ = said.partition("label ↓")[0].splitlines()
    assert lines == [
        "7 of 9 rows have a known label.",
        "Accuracy 50.00 % of the 4 answered; coverage 57.14 %.",
        "With the 1 unsure ones 60.00 %.",
        "Of 2 with several digits 1 were read exactly.",
        "No answer: 1 blank, 1 failed.",
        "Without a label: 1 ('z.png')",
        "With a label that is no class of the model (0, 1, 2, 3, 4, 5, 6, 7, 8, 9): 1 ('s/other/z.png: other')",
    ]
    matrix = said.splitlines()[-12:]
    assert matrix[0].split() == ["label", "↓", "answer", "→", *DIGITS, "several", "digits", "no", "answer"]
    assert matrix[3].split() == ["2", "·", "·", "1", *"·" * 8, "2"]
    assert len({len(line) for line in matrix}) == 1


def test_classes_with_long_names_are_headed_by_their_ids() -> None:
    rows = [Row("ankle_boot/1.png", "ok", "Ankle boot"), Row("T SHIRT-TOP/1.png", "ok", "Shirt")]
    matrix = in_words(score(rows, labels_from(FOLDERS, CLOTHES))).splitlines()[-11:]
    assert matrix[0].split() == ["label", "↓", "answer", "→", *map(str, range(10))]
    assert matrix[1].split() == ["0", "T-shirt/top", *"······1···"]
    assert matrix[10].split() == ["9", "Ankle", "boot", *"·········1"]


def test_of_very_many_classes_the_commonest_confusions_are_named() -> None:
    names = tuple(f"class {number}" for number in range(40))
    rows = [Row(f"class_1/{number}.png", "ok", "class 2") for number in range(3)]
    assert in_words(score(rows, labels_from(FOLDERS, names))).endswith("3 × class 1 taken for class 2")


def test_nothing_labelled_is_no_accuracy() -> None:
    found = score([Row("a.png", "ok", "1")], labels_from(FOLDERS, DIGITS))
    assert (found.accuracy, found.coverage) == (None, None)
    assert in_words(found).startswith("0 of 1 rows")


def test_labels_without_a_picture_and_empty_ones_are_told(tmp_path: Path) -> None:
    text = "\ufeffpath,label\n" + "".join(f"gone{number}.png,1\n" for number in range(7)) + "a.png,\nb.png,1\nb.png,1\n"
    path = tmp_path / "labels.csv"
    path.write_text(text)
    found = score([Row("a.png", "ok", "1"), Row("b.png", "ok", "1")], labels_from(str(path), DIGITS))
    assert (found.labelled, found.unlabelled.first, found.unused.count) == (1, ["a.png"], 7)
    assert "Labels whose picture is not in the table: 7 ('gone0.png', 'gone1.png'" in in_words(found)
    assert "gone4.png', …)" in in_words(found)
