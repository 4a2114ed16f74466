from pathlib import Path

import pytest

from app.batch.after.labels import FOLDERS, Labels, LabelsError, labels_from
from app.batch.after.score import NONE, SEVERAL, in_words, score
from app.batch.output.row import Row

DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def labels_of(tmp_path: Path, text: str | bytes, class_names: tuple[str, ...] = DIGITS) -> Labels:
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return labels_from(str(path), class_names)


def answered(path: str, label: str | None, status: str = "ok") -> Row:
    return Row(path, status, label)  # type: ignore[arg-type]


ROWS = [
    answered("s/1/a.png", "1"),
    answered("s/1/b.png", "7"),
    answered("s/2/a.png", "2", "unsure"),
    answered("s/2/c.png", None, "blank"),
    answered("s/2/d.png", None, "error"),
    answered("s/07/x.png", "07"),
    answered("s/07/y.png", "7"),
    answered("s/other/z.png", "1"),
    answered("z.png", "1"),
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
    assert "7 of 9 rows have a known label." in said
    assert "Accuracy 50.00 % of the 4 answered; coverage 57.14 %." in said
    assert "With the 1 unsure ones 60.00 %." in said
    assert "Of 2 with several digits 1 were read exactly." in said
    assert "No answer: 1 blank, 1 failed." in said
    assert "Without a label: 1 ('z.png')" in said
    assert "no class of the model (0, 1, 2, 3, 4, 5, 6, 7, 8, 9): 1 ('s/other/z.png: other')" in said
    matrix = said.splitlines()[-12:]
    assert matrix[0].split() == ["label", "↓", "answer", "→", *DIGITS, "several", "digits", "no", "answer"]
    assert matrix[3].split() == ["2", "·", "·", "1", *"·" * 8, "2"]
    assert len({len(line) for line in matrix}) == 1


def test_classes_with_long_names_are_headed_by_their_ids() -> None:
    rows = [answered("ankle_boot/1.png", "Ankle boot"), answered("T SHIRT-TOP/1.png", "Shirt")]
    matrix = in_words(score(rows, labels_from(FOLDERS, CLOTHES))).splitlines()[-11:]
    assert matrix[0].split() == ["label", "↓", "answer", "→", *map(str, range(10))]
    assert matrix[1].split() == ["0", "T-shirt/top", *"······1···"]
    assert matrix[10].split() == ["9", "Ankle", "boot", *"·········1"]


def test_of_very_many_classes_the_commonest_confusions_are_named() -> None:
    names = tuple(f"class {number}" for number in range(40))
    rows = [answered(f"class_1/{number}.png", "class 2") for number in range(3)]
    assert in_words(score(rows, labels_from(FOLDERS, names))).endswith("3 × class 1 taken for class 2")


def test_nothing_labelled_is_no_accuracy() -> None:
    found = score([answered("a.png", "1")], labels_from(FOLDERS, DIGITS))
    assert (found.accuracy, found.coverage) == (None, None)
    assert in_words(found).startswith("0 of 1 rows")


@pytest.mark.parametrize(
    ("text", "class_names", "meant"),
    [
        ("5", DIGITS, "5"),
        (" 5 ", DIGITS, "5"),
        ("05", DIGITS, "05"),
        ("4711", DIGITS, "4711"),
        ("1", ("1 ", "1"), "1"),
        ("x", DIGITS, None),
        ("-1", DIGITS, None),
        ("٣", DIGITS, None),
        ("ankle-BOOT", CLOTHES, "Ankle boot"),
        ("t shirt top", CLOTHES, "T-shirt/top"),
        ("T-Shirt - Top", CLOTHES, "T-shirt/top"),
        ("9", CLOTHES, "Ankle boot"),
        ("10", CLOTHES, None),
        ("", CLOTHES, None),
    ],
)
def test_what_a_label_means(text: str, class_names: tuple[str, ...], meant: str | None) -> None:
    assert labels_from(FOLDERS, class_names).meant(text) == meant


@pytest.mark.parametrize(
    ("path", "label"),
    [("a/5/x.png", "5"), ("x.png", None), ("scans.zip/7/x.png", "7"), ("/x.png", None), ("a//x.png", None)],
)
def test_the_folder_of_a_picture(path: str, label: str | None) -> None:
    assert labels_from(FOLDERS, DIGITS).of(path) == label


def test_labels_are_found_by_whole_paths_and_by_last_parts(tmp_path: Path) -> None:
    labels = labels_of(
        tmp_path, "path,label,by\r\nscans/a/5.png,1,me\r\nb/5.png,2,me\r\n./6.png,3,me\r\n7.png,4,me\r\n"
    )
    assert labels.of("scans/a/5.png") == "1"
    assert labels.of("/far/away/b/5.png") == "2"
    assert labels.of("6.png") == labels.of("./6.png") == "3"
    assert labels.of("a/5.png") is None
    assert labels.of("x7.png") is None
    assert list(labels.unused()) == ["7.png"]
    assert labels.of("scans.zip/7.png") == "4"
    assert labels.of("scans.zip/7.png") == "4"


def test_labels_of_the_table_itself_may_have_its_apostrophes(tmp_path: Path) -> None:
    labels = labels_of(tmp_path, "path,label\n'=1.png,1\n=2.png,2\nb\xfc.png,3\n".encode("latin-1"))
    assert [labels.of(path) for path in ("=1.png", "=2.png", "b\udcfc.png")] == ["1", "2", "3"]


def test_a_label_that_two_rows_may_mean_is_refused(tmp_path: Path) -> None:
    labels = labels_of(tmp_path, "path,label\n5.png,1\n")
    with pytest.raises(LabelsError, match=r"'5\.png' may be 'a/5\.png' or 'b/5\.png'\. Write more of its path"):
        score([answered("a/5.png", "1"), answered("b/5.png", "1")], labels)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,label\na,1\n", "no column path in its first line"),
        ("", "no column label or path in its first line"),
        ("path,label\na,1\na,2\n", "line 3: 'a' is '1' and '2'"),
    ],
)
def test_labels_that_will_not_do_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(LabelsError, match=reason):
        labels_of(tmp_path, text)


def test_labels_that_are_not_there_are_refused() -> None:
    with pytest.raises(LabelsError, match=r"--labels nowhere\.csv: cannot be read"):
        labels_from("nowhere.csv", DIGITS)


def test_labels_without_a_picture_and_empty_ones_are_told(tmp_path: Path) -> None:
    text = "\ufeffpath,label\n" + "".join(f"gone{number}.png,1\n" for number in range(7)) + "a.png,\nb.png,1\nb.png,1\n"
    found = score([answered("a.png", "1"), answered("b.png", "1")], labels_of(tmp_path, text))
    assert (found.labelled, found.unlabelled.first, found.unused.count) == (1, ["a.png"], 7)
    assert "Labels whose picture is not in the table: 7 ('gone0.png', 'gone1.png'" in in_words(found)
    assert "gone4.png', …)" in in_words(found)
