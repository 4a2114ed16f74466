from pathlib import Path

import pytest

from app.batch.after.labels import FOLDERS, Labels, LabelsError, labels_from

DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def labels_of(tmp_path: Path, text: str | bytes, class_names: tuple[str, ...] = DIGITS) -> Labels:
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return labels_from(str(path), class_names)


@pytest.mark.parametrize(
    ("class_names", "meant"),
    [
        (DIGITS, {"5": "5", " 5 ": "5", "05": "05", "4711": "4711", "x": None, "-1": None, "٣": None}),
        (("1 ", "1"), {"1": "1"}),
        (CLOTHES, {"ankle-BOOT": "Ankle boot", "9": "Ankle boot", "10": None, "": None}),
        (CLOTHES, {"t shirt top": "T-shirt/top", "T-Shirt - Top": "T-shirt/top"}),
    ],
)
def test_what_a_label_means(class_names: tuple[str, ...], meant: dict[str, str | None]) -> None:
    assert {text: labels_from(FOLDERS, class_names).meant(text) for text in meant} == meant


def test_the_folder_of_a_picture() -> None:
    folders = {"a/5/x.png": "5", "x.png": None, "scans.zip/7/x.png": "7", "/x.png": None, "a//x.png": None}
    assert {path: labels_from(FOLDERS, DIGITS).of(path) for path in folders} == folders


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
    assert [labels.of("scans.zip/7.png") for _ in range(2)] == ["4", "4"]


def test_labels_of_the_table_itself_may_have_its_apostrophes(tmp_path: Path) -> None:
    labels = labels_of(tmp_path, "path,label\n'=1.png,1\n=2.png,2\nb\xfc.png,3\n".encode("latin-1"))
    assert [labels.of(path) for path in ("=1.png", "=2.png", "b\udcfc.png")] == ["1", "2", "3"]


def test_a_label_that_two_rows_may_mean_is_refused(tmp_path: Path) -> None:
    labels = labels_of(tmp_path, "path,label\n5.png,1\n")
    with pytest.raises(LabelsError, match=r"'5\.png' may be 'a/5\.png' or 'b/5\.png'\. Write more of its path"):
        [labels.of(path) for path in ("a/5.png", "b/5.png")]


def test_labels_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    for text, reason in (
        ("name,label\na,1\n", "no column path in its first line"),
        ("", "no column label or path in its first line"),
        ("path,label\na,1\na,2\n", "line 3: 'a' is '1' and '2'"),
    ):
        with pytest.raises(LabelsError, match=reason):
            labels_of(tmp_path, text)
    with pytest.raises(LabelsError, match=r"--labels nowhere\.csv: cannot be read"):
        labels_from("nowhere.csv", DIGITS)
