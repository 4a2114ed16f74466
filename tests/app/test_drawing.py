from dataclasses import replace
from xml.etree import ElementTree

from app.drawing import arrange, draw
from inkwear.report import Layer, read_report
from tests.conftest import EXPORTS


def layers(name: str) -> tuple[Layer, ...]:
    return read_report(EXPORTS / f"{name}.onnx").layers


def test_a_drawing_is_an_svg_in_the_color_of_its_text() -> None:
    svg = draw(layers("mnist-inception"), "mnist-inception")
    assert ElementTree.fromstring(svg).get("fill") == "currentColor"
    assert "<style" not in svg
    assert "prefers-color-scheme" in draw((), "empty", standalone=True)


def test_no_name_in_a_report_can_become_markup() -> None:
    evil = Layer("a", "<script>alert(1)</script>", '"><b>', (1,), 0, 0, ())
    assert "<script" not in draw([evil, replace(evil, name="b", inputs=("a",))], '"><i>')


def test_branches_stand_side_by_side_and_meet_in_the_middle() -> None:
    blocks = arrange(layers("mnist-inception"))
    cat = next(block for block in blocks if block.joins)
    assert len({source.column for source in cat.inputs}) == 4
    assert cat.column == 0
    assert cat.row == 1 + max(source.row for source in cat.inputs)
    assert [block for block in blocks if block.row == 0] == blocks[:1]


def test_activations_belong_to_the_block_before_them() -> None:
    blocks = arrange(layers("mnist-lenet"))
    assert [block.title for block in blocks][1:4] == ["Conv2d 5×5 · Sigmoid", "AvgPool2d 2×2/2", "Conv2d 5×5 · Sigmoid"]
    assert blocks[1].shape == (6, 28, 28)
