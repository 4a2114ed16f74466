import onnx
import pytest

from inkwear.errors import ForeignModelError
from inkwear.onnx.allowlist import check_structure
from tests.conftest import EXPORTS
from tests.inkwear.onnx.hostile_models import good, network


@pytest.mark.parametrize("name", ["mnist-convnet", "fashion_mnist-inkwear_s", "lines"])
def test_what_we_export_is_allowed(name: str) -> None:
    check_structure((EXPORTS / f"{name}.onnx").read_bytes())


def with_operator(operator: str, domain: str = "") -> bytes:
    return network(onnx.helper.make_node(operator, ["flat"], ["result"], domain=domain)).SerializeToString()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "its structure cannot be read: it is empty"),
        (good()[:-1], "cut short"),
        (b"\x08\x0a", "it holds 0 graphs, and one is needed"),
        (good() + b"\xa2\x01\x00", "the file holds instructions for training"),
        (good() + b"\xa8\x06\x01", "the file holds a field 101"),
        (with_operator("Loop"), "it computes with the operator Loop, which is not among those"),
        (with_operator("QGemm"), "the operator QGemm"),
        (with_operator("Relu", "evil.com"), "operators of 'evil.com'"),
    ],
)
def test_everything_else_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(ForeignModelError, match=reason):
        check_structure(data)
