"""Model files made to harm, each wrong in one way, with the reason for which it must be refused.

They begin as a small good network (``good``): 784 pixels times a matrix, with the metadata of an export and the logits
that it really gives, so that a file can be refused for nothing but the one wrong thing.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inkwear.onnx.metadata import Reference
from inkwear.preprocess.steps import normalize, unsqueeze
from tests.inkwear.onnx.test_metadata import METADATA

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64

PIXELS = (np.arange(784) % 251).astype(np.uint8).reshape(28, 28)
SPEC = METADATA.input
WEIGHTS = np.random.default_rng(0).normal(0, 0.05, (784, 10)).astype(np.float32)

FLAT = "flat"
"""The value (batch, 784) into which most of the bad things are put."""

Maker = Callable[[Path], bytes]

HOSTILE: dict[str, tuple[Maker, str]] = {}
"""By name: what makes the file, given the path it will have, and the reason as a pattern."""


def hostile(reason: str) -> Callable[[Maker], Maker]:
    """Enter a maker whose file must be refused for this reason."""

    def enter(make: Maker) -> Maker:
        HOSTILE[make.__name__] = make, reason
        return make

    return enter


def refused(reason: str, **files: Callable[[], bytes]) -> None:
    """Enter files that must be refused for one reason and do not depend on their path."""
    for name, make in files.items():
        HOSTILE[name] = (lambda path, make=make: make()), reason


# ------------------------------------------------------------------------------------------------------- a good network


def written(number: int, value: bytes) -> bytes:
    """A field of bytes, as a protocol buffer has it."""
    head, size = bytes([number << 3 | 2]), len(value)
    while size > 127:
        head += bytes([size & 127 | 128])
        size >>= 7
    return head + bytes([size]) + value


def metadata(**changes: object) -> dict[str, str]:
    logits = (unsqueeze(normalize(PIXELS, SPEC)).reshape(1, 784) @ WEIGHTS)[0]
    ours = replace(METADATA, class_names=tuple("0123456789"), reference=Reference.of(PIXELS, logits))
    return ours.to_props() | {name: json.dumps(value) for name, value in changes.items()}


def constant(name: str, values: object, kind: type = np.int64) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, kind), name)


def node(operator: str, inputs: Iterable[str], output: str = "result", **attributes: object) -> onnx.NodeProto:
    return helper.make_node(operator, [*inputs], [output], **attributes)


def value(name: str, shape: list[int | str] | None, kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def network(
    *between: onnx.NodeProto,
    constants: tuple[onnx.TensorProto, ...] = (),
    inputs: tuple[onnx.ValueInfoProto, ...] = (),
    props: dict[str, str] | None = None,
) -> onnx.ModelProto:
    """Put nodes between the pixels, ``flat`` (batch, 784), and the matrix, which reads the last node's output."""
    result = between[-1].output[0] if between else FLAT
    graph = helper.make_graph(
        [node("Flatten", ["images"], FLAT), *between, node("MatMul", [result, "weights"], "logits")],
        "linear",
        [value("images", ["batch", 1, 28, 28]), *inputs],
        [value("logits", ["batch", 10])],
        [numpy_helper.from_array(WEIGHTS, "weights"), *constants],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, props or metadata())
    return model


def saved(*between: onnx.NodeProto, constants: tuple[onnx.TensorProto, ...] = ()) -> bytes:
    return network(*between, constants=constants).SerializeToString()


def good() -> bytes:
    return saved()


def with_large(*nodes: onnx.NodeProto, constants: tuple[onnx.TensorProto, ...] = ()) -> bytes:
    """A network that computes ``large`` and throws it away in a way that no optimizer sees through."""
    unused = [
        node("ReduceMax", ["large"], "largest", keepdims=0),
        node("Mul", ["largest", "zero"], "nothing"),
        node("Add", [FLAT, "nothing"]),
    ]
    return saved(*nodes, *unused, constants=(*constants, constant("zero", 0, np.float32)))


# ------------------------------------------------------------------------------------------------ data outside the file

OUTSIDE = "values outside the file|the name of a file that has its values"


def outside(location: str, **more: str) -> bytes:
    model = network()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, text in {"location": location, "length": str(WEIGHTS.nbytes), **more}.items():
        weights.external_data.add(key=key, value=text)
    return model.SerializeToString()


def secret(path: Path) -> Path:
    """A file elsewhere whose bytes would be the weights."""
    elsewhere = path.parent.parent / "secret.bin"
    elsewhere.write_bytes(WEIGHTS.tobytes())
    return elsewhere


@hostile(OUTSIDE)
def weights_in_a_file_beside(path: Path) -> bytes:
    path.with_name("weights.bin").write_bytes(WEIGHTS.tobytes())
    return outside("weights.bin")


@hostile(OUTSIDE)
def weights_behind_a_hard_link(path: Path) -> bytes:
    os.link(secret(path), path.with_name("weights.bin"))
    return outside("weights.bin")


@hostile(OUTSIDE)
def weights_behind_a_symbolic_link(path: Path) -> bytes:
    path.with_name("weights.bin").symlink_to(secret(path))
    return outside("weights.bin")


@hostile(OUTSIDE)
def weights_in_the_folder_above(path: Path) -> bytes:
    return outside(f"../{secret(path).name}")


@hostile(OUTSIDE)
def weights_by_an_absolute_path(path: Path) -> bytes:
    return outside(str(secret(path)))


def weights_nowhere() -> bytes:
    model = network()
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    return model.SerializeToString()


def weights_inside_and_outside() -> bytes:
    model = network()
    model.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    return model.SerializeToString()


refused(
    OUTSIDE,
    weights_from_a_device=lambda: outside("/dev/zero", offset="0"),
    weights_nowhere=weights_nowhere,
    weights_inside_and_outside=weights_inside_and_outside,
)


@hostile(OUTSIDE)
def a_constant_outside(path: Path) -> bytes:
    tensor = constant("value", np.zeros(784), np.float32)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=str(secret(path)))
    return saved(node("Constant", [], "bias", value=tensor), node("Add", [FLAT, "bias"]))


# --------------------------------------------------------------------------------------------------------- control flow

YES = (constant("yes", True, np.bool_),)


def endless() -> onnx.NodeProto:
    body = helper.make_graph(
        [node("Identity", ["condition_in"], "condition_out"), node("Identity", ["state_in"], "state_out")],
        "body",
        [value("count", [], INT64), value("condition_in", [], TensorProto.BOOL), value("state_in", None)],
        [value("condition_out", [], TensorProto.BOOL), value("state_out", None)],
    )
    return node("Loop", ["", "yes", FLAT], body=body)


def a_loop_in_a_branch() -> bytes:
    branch = helper.make_graph([endless()], "branch", [], [value("result", None)])
    return saved(node("If", ["yes"], "chosen", then_branch=branch, else_branch=branch), constants=YES)


def a_scan() -> bytes:
    row, same = value("row", [784]), value("same", [784])
    inner = helper.make_graph([node("Identity", ["row"], "same")], "inner", [row], [same])
    return saved(node("Scan", [FLAT], body=inner, num_scan_inputs=1))


def graphs_in_graphs_in_graphs() -> bytes:
    """A thousand of them: whoever reads them one inside the other runs out of stack."""
    inner = b""
    for _ in range(1000):
        around = written(5, written(1, b"body") + written(6, inner))
        inner = written(1, written(1, b"a") + written(2, b"b") + written(4, b"Relu") + around)
    model = network()
    graph = model.graph.SerializeToString() + inner
    model.ClearField("graph")
    return model.SerializeToString() + written(7, graph)


refused("the operator Loop", an_endless_loop=lambda: saved(endless(), constants=YES))
refused("the operator If", a_loop_in_a_branch=a_loop_in_a_branch)
refused("the operator Scan", a_scan=a_scan)
refused("an attribute of Relu holds a field 6", graphs_in_graphs_in_graphs=graphs_in_graphs_in_graphs)


# --------------------------------------------------------------------------------------------------------- huge tensors

MEMORY = "too much memory|cannot read its reference picture|ONNX Runtime cannot open it|ended the process"


def a_doubling_forty_times_over() -> bytes:
    names = [FLAT, *(f"double{turn}" for turn in range(39)), "large"]
    return with_large(*(node("Concat", [one, one], two, axis=1) for one, two in itertools.pairwise(names)))


def a_tensor_without_its_values(*dims: int) -> bytes:
    tensor = TensorProto(name="huge", data_type=FLOAT, dims=dims, raw_data=b"")
    return with_large(node("Identity", ["huge"], "large"), constants=(tensor,))


def hours_of_work() -> bytes:
    """Little memory, no loop: the same large product four thousand times."""
    names = ["square", *(f"power{turn}" for turn in range(4000)), "large"]
    return with_large(
        node("Concat", ["images"] * 100, "many", axis=2),
        node("Reshape", ["many", "rows"], "tall"),
        node("Transpose", ["tall"], "wide", perm=[1, 0]),
        node("MatMul", ["tall", "wide"], "square"),
        *(node("MatMul", ["square", one], two) for one, two in itertools.pairwise(names)),
        constants=(constant("rows", [2800, -1]),),
    )


def one_huge(operator: str, *inputs: str | onnx.TensorProto, **attributes: object) -> bytes:
    """A network in which one node makes a huge tensor of values and constants."""
    names = [each if isinstance(each, str) else each.name for each in inputs]
    constants = tuple(each for each in inputs if isinstance(each, TensorProto))
    return with_large(node(operator, names, "large", **attributes), constants=constants)


for operator, *operands in (
    ("ConstantOfShape", constant("shape", [1 << 40])),
    ("Expand", FLAT, constant("shape", [1 << 20, 1, 784])),
    ("Tile", FLAT, constant("times", [1, 1 << 30])),
    ("Range", *(constant(name, number, np.float32) for name, number in (("a", 0), ("b", 1e12), ("c", 1)))),
    ("OneHot", constant("index", [0]), constant("depth", 1 << 40), constant("values", [0, 1], np.float32)),
):
    make = lambda operator=operator, operands=operands: one_huge(operator, *operands)
    refused(f"the operator {operator}", **{f"a_huge_{operator.lower()}": make})

refused(
    MEMORY,
    a_huge_enlargement=lambda: one_huge(
        "Resize", "images", "", constant("scales", [1, 1, 3000, 3000], np.float32), mode="nearest"
    ),
    a_huge_margin=lambda: one_huge("Pad", FLAT, constant("pads", [0, 0, 0, 1 << 33])),
    a_doubling_forty_times_over=a_doubling_forty_times_over,
    a_product_of_everything_with_everything=lambda: with_large(
        node("Concat", [FLAT] * 200, "wide", axis=1),
        node("Transpose", ["wide"], "tall", perm=[1, 0]),
        node("MatMul", ["tall", "wide"], "large"),
    ),
)
refused(
    "the tensor 'huge' says it has more values than there are bytes",
    a_tensor_without_its_values=lambda: a_tensor_without_its_values(1 << 20, 1 << 20),
    a_shape_that_overflows=lambda: a_tensor_without_its_values(1 << 32, 1 << 32),
)
refused("ended the process|not done after", hours_of_work=hours_of_work)


# ---------------------------------------------------------------------------------------------- operators and functions


def of_domain(operator: str, domain: str) -> bytes:
    model = network(node(operator, [FLAT], domain=domain))
    model.opset_import.add(domain=domain, version=1)
    return model.SerializeToString()


def a_function_called_relu() -> bytes:
    model = network(node("Relu", [FLAT]))
    body = [node("Neg", ["x"], "y")]
    model.functions.append(helper.make_function("", "Relu", ["x"], ["y"], body, [helper.make_opsetid("", 20)]))
    return model.SerializeToString()


def instructions_for_training() -> bytes:
    model = network()
    model.training_info.add()
    return model.SerializeToString()


def sparse_weights() -> bytes:
    model = network()
    values, indices = constant("sparse", [1.0], np.float32), constant("indices", [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [1 << 40]))
    return model.SerializeToString()


def two_graphs() -> bytes:
    """Readers of protocol buffers put them together."""
    return good() + written(7, network(endless(), constants=YES).graph.SerializeToString())


refused(r"operators of 'com\.evil'", an_operator_of_somebody=lambda: of_domain("Relu", "com.evil"))
refused(r"operators of 'ai\.onnx\.ml'", a_forest=lambda: of_domain("Scaler", "ai.onnx.ml"))
refused(r"the operator com\.microsoft\.BeamSearch", a_language_model=lambda: of_domain("BeamSearch", "com.microsoft"))
refused("the operator RandomNormalLike", noise=lambda: saved(node("RandomNormalLike", [FLAT])))
refused("functions of its own", a_function_called_relu=a_function_called_relu)
refused("instructions for training", instructions_for_training=instructions_for_training)
refused("sparse tensors", sparse_weights=sparse_weights)
refused(
    "two of its values have the name 'result'",
    two_values_of_one_name=lambda: saved(node("Relu", [FLAT]), node("Neg", [FLAT])),
)
refused("it holds 2 graphs", two_graphs=two_graphs)


# --------------------------------------------------------------------------------------------------- inputs and outputs

SHAPES = "checker says|inputs and outputs are|ONNX Runtime cannot open it"


def shaped(images: list[int | str], logits: list[int | str]) -> bytes:
    model = network()
    model.graph.input[0].CopyFrom(value("images", images))
    model.graph.output[0].CopyFrom(value("logits", logits))
    return model.SerializeToString()


def a_second_input() -> bytes:
    return network(node("Add", [FLAT, "more"]), inputs=(value("more", ["batch", 784]),)).SerializeToString()


def other_weights() -> bytes:
    model = network()
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(WEIGHTS[::-1].copy(), "weights"))
    return model.SerializeToString()


def neighbours_that_change_the_answer() -> bytes:
    """The sum over the batch: right for one picture, and for no more."""
    total = node("ReduceSum", [FLAT, "first"], "sum", keepdims=1)
    rest = node("Sub", [FLAT, "sum"], "rest")
    return saved(total, rest, node("Sub", [FLAT, "rest"]), constants=(constant("first", [0]),))


refused(
    SHAPES,
    three_colors=lambda: shaped(["batch", 3, 28, 28], ["batch", 10]),
    larger_pictures=lambda: shaped(["batch", 1, 32, 32], ["batch", 10]),
    an_eleventh_class=lambda: shaped(["batch", 1, 28, 28], ["batch", 11]),
)
refused("it takes batches of exactly 1", one_picture_at_a_time=lambda: shaped([1, 1, 28, 28], [1, 10]))
refused("inputs and outputs are", a_second_input=a_second_input)
refused(
    "reads its own reference picture otherwise",
    not_a_number=lambda: saved(node("Div", [FLAT, "zero"]), constants=(constant("zero", 0, np.float32),)),
    other_weights=other_weights,
)
refused("otherwise among others than alone", neighbours_that_change_the_answer=neighbours_that_change_the_answer)


# ------------------------------------------------------------------------------------------- protocol buffers, metadata


def with_props(**changes: object) -> bytes:
    return network(props=metadata(**changes)).SerializeToString()


def raw_props(**changes: str) -> bytes:
    return network(props=metadata() | changes).SerializeToString()


def a_key_twice() -> bytes:
    model = network()
    model.metadata_props.add(key="title", value='"something else"')
    return model.SerializeToString()


refused("not an ONNX file", a_length_beyond_everything=lambda: good() + b"\x72" + b"\xff" * 8 + b"\x7f")
refused("more than 10,000 fields", a_million_fields=lambda: good() + b"\x08\x0a" * 1_000_000)
refused(
    "its metadata is too long",
    a_key_of_megabytes=lambda: raw_props(recipe=json.dumps("a" * 3_000_000)),
    a_hundred_long_keys=lambda: raw_props(**{f"key{number}": "a" * 900_000 for number in range(20)}),
)
refused(
    "not JSON",
    lists_in_lists=lambda: raw_props(recipe="[" * 200_000 + "]" * 200_000),
    a_number_of_many_digits=lambda: raw_props(temperature="1" * 100_000),
)
refused("has the key 'title' twice", a_key_twice=a_key_twice)
refused(
    "names of at most 200 characters without <, >",
    a_class_that_is_a_program=lambda: with_props(class_names=["<img src=x onerror=alert(1)>", *"123456789"]),
)
refused("names of at most 200 characters", a_title_that_clears_the_terminal=lambda: with_props(title="MNIST\x1b[2J"))
refused(
    "up to 1,000 different ones",
    a_hundred_thousand_classes=lambda: with_props(class_names=[str(number) for number in range(100_000)]),
)
refused(
    "NaN is no number",
    a_mean_that_is_no_number=lambda: raw_props(input=json.dumps(asdict(SPEC) | {"mean": float("nan")})),
)
refused(r"InputSpec\.std is 1e-30", a_deviation_of_nothing=lambda: with_props(input=asdict(SPEC) | {"std": 1e-30}))
refused("1000000000.0 is not from 0 to 1", the_best_of_all=lambda: with_props(metrics={"real_accuracy": 1e9}))
