import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.card import card_of
from app.catalog import scan
from app.drawing import arrange, draw
from inkwear.report import Layer, read_report, report_path
from tests.conftest import EXPORTS

SHIPPED = scan(EXPORTS).entries


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_shipped_export_has_a_report_that_agrees_with_it(name: str) -> None:
    card, metadata = card_of(SHIPPED[name]), SHIPPED[name].metadata
    assert card.problem is None
    assert card.layers is not None
    assert card.curves is not None
    assert card.confusion is not None
    right = sum(row[index] for index, row in enumerate(card.confusion))
    assert sum(map(sum, card.confusion)) == 10_000
    assert right / 10_000 == pytest.approx(metadata.metrics["test_accuracy"], abs=1e-9)
    assert sum(layer.parameters for layer in card.layers) == metadata.metrics["parameters"]
    best = next(epoch for epoch in card.curves if epoch["epoch"] == metadata.recipe["best_epoch"])
    assert best["validation_accuracy"] == pytest.approx(metadata.metrics["validation_accuracy"], abs=1e-5)
    assert len(card.class_accuracy) == len(metadata.class_names)
    assert report_path(SHIPPED[name].path).stat().st_size < 30_000


@pytest.fixture
def entry(tmp_path: Path):
    (tmp_path / "reports").mkdir()
    shutil.copy(EXPORTS / "mnist-mlp_small.onnx", tmp_path)
    shutil.copy(EXPORTS / "reports/mnist-mlp_small.json", tmp_path / "reports")
    return scan(tmp_path).entries["mnist-mlp_small"]


def test_a_report_of_another_file_is_not_believed(entry) -> None:
    shutil.copy(EXPORTS / "reports/mnist-mlp.json", report_path(entry.path))
    card = card_of(entry)
    assert card.problem.code == "other_file"
    assert (card.layers, card.curves, card.confusion, card.drawing) == (None, None, None, None)


@pytest.mark.parametrize(
    ("content", "code"), [(None, "missing"), ("{", "damaged"), ("[]", "damaged"), ('{"schema_version": 2}', "damaged")]
)
def test_a_report_that_cannot_be_read_is_named(entry, content: str | None, code: str) -> None:
    report_path(entry.path).unlink()
    if content is not None:
        report_path(entry.path).write_text(content)
    assert card_of(entry).problem.code == code
    assert len(card_of(entry).sha256) == 64


def test_a_drawing_is_an_svg_in_the_colour_of_its_text() -> None:
    svg = draw(read_report(SHIPPED["mnist-inception"].path).layers, "mnist-inception")
    root = ElementTree.fromstring(svg)
    assert root.get("fill") == "currentColor"
    assert "<style" not in svg
    assert "prefers-color-scheme" in draw((), "empty", standalone=True)


def test_no_name_in_a_report_can_become_markup() -> None:
    evil = Layer("a", "<script>alert(1)</script>", '"><b>', (1,), 0, 0, ())
    assert "<script" not in draw([evil, replace(evil, name="b", inputs=("a",))], '"><i>')


def test_branches_stand_side_by_side_and_meet_in_the_middle() -> None:
    blocks = arrange(read_report(SHIPPED["mnist-inception"].path).layers)
    cat = next(block for block in blocks if block.joins)
    assert len({read.column for read in cat.reads}) == 4
    assert cat.column == 0
    assert cat.row == 1 + max(read.row for read in cat.reads)
    assert [block for block in blocks if block.row == 0] == blocks[:1]


def test_activations_belong_to_the_block_before_them() -> None:
    blocks = arrange(read_report(SHIPPED["mnist-lenet"].path).layers)
    assert [block.title for block in blocks][1:4] == ["Conv2d 5×5 · Sigmoid", "AvgPool2d 2×2/2", "Conv2d 5×5 · Sigmoid"]
    assert blocks[1].shape == (6, 28, 28)
