"""Model files that somebody made to harm: whole files, each wrong in one way, with the reason it must be refused for.

They begin as a small good network (``good``): 784 pixels times a matrix, with the metadata of an export and the logits
it really gives, so that nothing but the one wrong thing can be what a file is refused for.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inkwear.onnx.metadata import ModelMetadata, Reference
from inkwear.preprocess.steps import InputSpec, normalize, unsqueeze

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64

PIXELS = (np.arange(784) % 251).astype(np.uint8).reshape(28, 28)
SPEC = InputSpec(mean=0.1, std=0.3, box=20, centering="mass", full_range=True, stroke=(1.9, 2.7), even_lighting=True)
WEIGHTS = np.random.default_rng(0).normal(0, 0.05, (784, 10)).astype(np.float32)

Maker = Callable[[Path], bytes]

HOSTILE: dict[str, tuple[Maker, str]] = {}
"""By name: what makes the file, given the path it will have, and the reason as a pattern."""


def written(number: int, value: bytes) -> bytes:
    """A field of bytes, as a protocol buffer has it."""
    head, size = bytes([number << 3 | 2]), len(value)
    while size > 127:
        head += bytes([size & 127 | 128])
        size >>= 7
    return head + bytes([size]) + value


def hostile(reason: str) -> Callable[[Maker], Maker]:
    def keep(make: Maker) -> Maker:
        HOSTILE[make.__name__] = make, reason
        return make

    return keep


# ------------------------------------------------------------------------------------------------------- a good network


def metadata(**changes: object) -> dict[str, str]:
    logits = (unsqueeze(normalize(PIXELS, SPEC)).reshape(1, 784) @ WEIGHTS)[0]
    ours = ModelMetadata(
        architecture="linear",
        dataset="mnist",
        title="MNIST digits",
        class_names=tuple("0123456789"),
        input=SPEC,
        metrics={"test_accuracy": 0.9},
        recipe={},
        reference=Reference.of(PIXELS, logits),
    )
    return ours.to_props() | {name: json.dumps(value) for name, value in changes.items()}


def constant(name: str, values: object, kind: type = np.int64) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, kind), name)


BEFORE = "flat"
"""The value (batch, 784) into which most of the bad things are put."""


def network(
    *between: onnx.NodeProto,
    constants: tuple[onnx.TensorProto, ...] = (),
    result: str = BEFORE,
    inputs: tuple[onnx.ValueInfoProto, ...] = (),
    props: dict[str, str] | None = None,
) -> onnx.ModelProto:
    """Put nodes between the pixels, ``flat`` (batch, 784), and the matrix, which reads ``result``."""
    nodes = [
        helper.make_node("Flatten", ["images"], [BEFORE]),
        *between,
        helper.make_node("MatMul", [result, "weights"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("images", FLOAT, ["batch", 1, 28, 28]), *inputs],
        [helper.make_tensor_value_info("logits", FLOAT, ["batch", 10])],
        [numpy_helper.from_array(WEIGHTS, "weights"), *constants],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, props or metadata())
    return model


def good() -> bytes:
    return network().SerializeToString()


def slowly_zero(source: str) -> tuple[list[onnx.NodeProto], str]:
    """Nodes that make one number of anything and add nothing with it to ``flat``."""
    return [
        helper.make_node("ReduceMax", [source], ["largest"], keepdims=0),
        helper.make_node("Mul", ["largest", "zero"], ["nothing"]),
        helper.make_node("Add", [BEFORE, "nothing"], ["result"]),
    ], "result"


def with_large(*nodes: onnx.NodeProto, constants: tuple[onnx.TensorProto, ...] = ()) -> bytes:
    """A network that computes ``large`` and throws it away in a way that no optimizer sees through."""
    after, result = slowly_zero("large")
    zero = constant("zero", 0, np.float32)
    return network(*nodes, *after, constants=(*constants, zero), result=result).SerializeToString()


# ------------------------------------------------------------------------------------------------ data outside the file


def outside(location: str, **more: str) -> bytes:
    model = network()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "length": str(WEIGHTS.nbytes), **more}.items():
        weights.external_data.add(key=key, value=value)
    return model.SerializeToString()


def secret(path: Path) -> Path:
    """A file elsewhere whose bytes would be the weights."""
    elsewhere = path.parent.parent / "secret.bin"
    elsewhere.write_bytes(WEIGHTS.tobytes())
    return elsewhere


OUTSIDE = "values outside the file|the name of a file that has its values"


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


@hostile(OUTSIDE)
def weights_from_a_device(path: Path) -> bytes:
    return outside("/dev/zero", offset="0")


@hostile(OUTSIDE)
def weights_nowhere(path: Path) -> bytes:
    model = network()
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    return model.SerializeToString()


@hostile(OUTSIDE)
def weights_inside_and_outside(path: Path) -> bytes:
    model = network()
    model.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    return model.SerializeToString()


@hostile(OUTSIDE)
def a_constant_outside(path: Path) -> bytes:
    tensor = constant("value", np.zeros(784), np.float32)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=str(secret(path)))
    return network(
        helper.make_node("Constant", [], ["bias"], value=tensor),
        helper.make_node("Add", [BEFORE, "bias"], ["result"]),
        result="result",
    ).SerializeToString()


# --------------------------------------------------------------------------------------------------------- control flow


def body() -> onnx.GraphProto:
    return helper.make_graph(
        [
            helper.make_node("Identity", ["condition_in"], ["condition_out"]),
            helper.make_node("Identity", ["state_in"], ["state_out"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("count", INT64, []),
            helper.make_tensor_value_info("condition_in", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state_in", FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("condition_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state_out", FLOAT, None),
        ],
    )


def endless() -> onnx.NodeProto:
    return helper.make_node("Loop", ["", "yes", BEFORE], ["result"], body=body())


YES = (constant("yes", True, np.bool_),)


@hostile("the operator Loop")
def an_endless_loop(path: Path) -> bytes:
    return network(endless(), constants=YES, result="result").SerializeToString()


@hostile("the operator If")
def a_loop_in_a_branch(path: Path) -> bytes:
    branch = helper.make_graph([endless()], "branch", [], [helper.make_tensor_value_info("result", FLOAT, None)])
    node = helper.make_node("If", ["yes"], ["chosen"], then_branch=branch, else_branch=branch)
    return network(node, constants=YES, result="chosen").SerializeToString()


@hostile("the operator Scan")
def a_scan(path: Path) -> bytes:
    inner = helper.make_graph(
        [helper.make_node("Identity", ["row"], ["same"])],
        "inner",
        [helper.make_tensor_value_info("row", FLOAT, [784])],
        [helper.make_tensor_value_info("same", FLOAT, [784])],
    )
    node = helper.make_node("Scan", [BEFORE], ["result"], body=inner, num_scan_inputs=1)
    return network(node, result="result").SerializeToString()


@hostile("an attribute of Relu holds a field 6")
def graphs_in_graphs_in_graphs(path: Path) -> bytes:
    """A thousand of them: whoever reads them one inside the other runs out of stack."""
    inner = b""
    for _ in range(1000):
        around = written(5, written(1, b"body") + written(6, inner))
        inner = written(1, written(1, b"a") + written(2, b"b") + written(4, b"Relu") + around)
    model = network()
    graph = model.graph.SerializeToString() + inner
    model.ClearField("graph")
    return model.SerializeToString() + written(7, graph)


# --------------------------------------------------------------------------------------------------------- huge tensors


@hostile("the operator ConstantOfShape")
def a_huge_constant(path: Path) -> bytes:
    return with_large(
        helper.make_node("ConstantOfShape", ["shape"], ["large"]), constants=(constant("shape", [1 << 40]),)
    )


@hostile("the operator Expand")
def a_huge_expansion(path: Path) -> bytes:
    shape = constant("shape", [1 << 20, 1, 784])
    return with_large(helper.make_node("Expand", [BEFORE, "shape"], ["large"]), constants=(shape,))


@hostile("the operator Tile")
def a_huge_tile(path: Path) -> bytes:
    return with_large(
        helper.make_node("Tile", [BEFORE, "times"], ["large"]), constants=(constant("times", [1, 1 << 30]),)
    )


@hostile("the operator Range")
def a_huge_range(path: Path) -> bytes:
    ends = tuple(constant(name, value, np.float32) for name, value in (("a", 0), ("b", 1e12), ("c", 1)))
    return with_large(helper.make_node("Range", ["a", "b", "c"], ["large"]), constants=ends)


@hostile("the operator OneHot")
def a_huge_one_hot(path: Path) -> bytes:
    parts = (constant("index", [0]), constant("depth", 1 << 40), constant("values", [0, 1], np.float32))
    return with_large(helper.make_node("OneHot", ["index", "depth", "values"], ["large"]), constants=parts)


MEMORY = "too much memory|cannot read its reference picture|ONNX Runtime cannot open it|ended the process"


@hostile(MEMORY)
def a_huge_enlargement(path: Path) -> bytes:
    scales = constant("scales", [1, 1, 3000, 3000], np.float32)
    return with_large(
        helper.make_node("Resize", ["images", "", "scales"], ["large"], mode="nearest"), constants=(scales,)
    )


@hostile(MEMORY)
def a_huge_margin(path: Path) -> bytes:
    pads = constant("pads", [0, 0, 0, 1 << 33])
    return with_large(helper.make_node("Pad", [BEFORE, "pads"], ["large"]), constants=(pads,))


@hostile(MEMORY)
def a_doubling_forty_times_over(path: Path) -> bytes:
    names = [BEFORE, *(f"double{turn}" for turn in range(39)), "large"]
    pairs = itertools.pairwise(names)
    return with_large(*(helper.make_node("Concat", [one, one], [two], axis=1) for one, two in pairs))


@hostile(MEMORY)
def a_product_of_everything_with_everything(path: Path) -> bytes:
    return with_large(
        helper.make_node("Concat", [BEFORE] * 200, ["wide"], axis=1),
        helper.make_node("Transpose", ["wide"], ["tall"], perm=[1, 0]),
        helper.make_node("MatMul", ["tall", "wide"], ["large"]),
    )


@hostile("the tensor 'huge' says it has more values than there are bytes")
def a_tensor_without_its_values(path: Path) -> bytes:
    tensor = TensorProto(name="huge", data_type=FLOAT, dims=[1 << 20, 1 << 20])
    return with_large(helper.make_node("Identity", ["huge"], ["large"]), constants=(tensor,))


@hostile("the tensor 'huge' says it has more values than there are bytes")
def a_shape_that_overflows(path: Path) -> bytes:
    tensor = TensorProto(name="huge", data_type=FLOAT, dims=[1 << 32, 1 << 32], raw_data=b"")
    return with_large(helper.make_node("Identity", ["huge"], ["large"]), constants=(tensor,))


@hostile("ended the process|not done after")
def hours_of_work(path: Path) -> bytes:
    """Little memory, no loop: the same large product four thousand times."""
    names = ["square", *(f"power{turn}" for turn in range(4000)), "large"]
    pairs = itertools.pairwise(names)
    return with_large(
        helper.make_node("Concat", ["images"] * 100, ["many"], axis=2),
        helper.make_node("Reshape", ["many", "rows"], ["tall"]),
        helper.make_node("Transpose", ["tall"], ["wide"], perm=[1, 0]),
        helper.make_node("MatMul", ["tall", "wide"], ["square"]),
        *(helper.make_node("MatMul", ["square", one], [two]) for one, two in pairs),
        constants=(constant("rows", [2800, -1]),),
    )


# ---------------------------------------------------------------------------------------------- operators and functions


@hostile(r"operators of 'com\.evil'")
def an_operator_of_somebody(path: Path) -> bytes:
    model = network(helper.make_node("Relu", [BEFORE], ["result"], domain="com.evil"), result="result")
    model.opset_import.add(domain="com.evil", version=1)
    return model.SerializeToString()


@hostile(r"operators of 'ai\.onnx\.ml'")
def a_forest(path: Path) -> bytes:
    model = network(helper.make_node("Scaler", [BEFORE], ["result"], domain="ai.onnx.ml"), result="result")
    model.opset_import.add(domain="ai.onnx.ml", version=3)
    return model.SerializeToString()


@hostile(r"the operator com\.microsoft\.BeamSearch")
def a_language_model(path: Path) -> bytes:
    model = network(helper.make_node("BeamSearch", [BEFORE], ["result"], domain="com.microsoft"), result="result")
    model.opset_import.add(domain="com.microsoft", version=1)
    return model.SerializeToString()


@hostile("the operator RandomNormalLike")
def noise(path: Path) -> bytes:
    return network(helper.make_node("RandomNormalLike", [BEFORE], ["result"]), result="result").SerializeToString()


@hostile("functions of its own")
def a_function_called_relu(path: Path) -> bytes:
    model = network(helper.make_node("Relu", [BEFORE], ["result"]), result="result")
    node = helper.make_node("Neg", ["x"], ["y"])
    model.functions.append(helper.make_function("", "Relu", ["x"], ["y"], [node], [helper.make_opsetid("", 20)]))
    return model.SerializeToString()


@hostile("instructions for training")
def instructions_for_training(path: Path) -> bytes:
    model = network()
    model.training_info.add()
    return model.SerializeToString()


@hostile("sparse tensors")
def sparse_weights(path: Path) -> bytes:
    model = network()
    values, indices = constant("sparse", [1.0], np.float32), constant("indices", [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [1 << 40]))
    return model.SerializeToString()


@hostile("two of its values have the name 'result'")
def two_values_of_one_name(path: Path) -> bytes:
    twice = [helper.make_node(operator, [BEFORE], ["result"]) for operator in ("Relu", "Neg")]
    return network(*twice, result="result").SerializeToString()


@hostile("it holds 2 graphs")
def two_graphs(path: Path) -> bytes:
    """Readers of protocol buffers put them together."""
    return good() + written(7, network(endless(), constants=YES, result="result").graph.SerializeToString())


# --------------------------------------------------------------------------------------------------- inputs and outputs


def shaped(images: list[int | str], logits: list[int | str], kind: int = FLOAT) -> bytes:
    model = network()
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("images", kind, images))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("logits", FLOAT, logits))
    return model.SerializeToString()


@hostile("checker says|inputs and outputs are|ONNX Runtime cannot open it")
def three_colours(path: Path) -> bytes:
    return shaped(["batch", 3, 28, 28], ["batch", 10])


@hostile("checker says|inputs and outputs are|ONNX Runtime cannot open it")
def larger_pictures(path: Path) -> bytes:
    return shaped(["batch", 1, 32, 32], ["batch", 10])


@hostile("it takes batches of exactly 1")
def one_picture_at_a_time(path: Path) -> bytes:
    return shaped([1, 1, 28, 28], [1, 10])


@hostile("checker says|inputs and outputs are|ONNX Runtime cannot open it")
def an_eleventh_class(path: Path) -> bytes:
    return shaped(["batch", 1, 28, 28], ["batch", 11])


@hostile("inputs and outputs are")
def a_second_input(path: Path) -> bytes:
    more = (helper.make_tensor_value_info("more", FLOAT, ["batch", 784]),)
    add = helper.make_node("Add", [BEFORE, "more"], ["result"])
    return network(add, inputs=more, result="result").SerializeToString()


@hostile("reads its own reference picture otherwise")
def not_a_number(path: Path) -> bytes:
    after = [helper.make_node("Div", [BEFORE, "zero"], ["result"])]
    return network(*after, constants=(constant("zero", 0, np.float32),), result="result").SerializeToString()


@hostile("reads its own reference picture otherwise")
def other_weights(path: Path) -> bytes:
    model = network()
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(WEIGHTS[::-1].copy(), "weights"))
    return model.SerializeToString()


@hostile("otherwise among others than alone")
def neighbours_that_change_the_answer(path: Path) -> bytes:
    """The sum over the batch: right for one picture, and for no more."""
    add = helper.make_node("ReduceSum", [BEFORE, "first"], ["sum"], keepdims=1)
    grow = helper.make_node("Sub", [BEFORE, "sum"], ["rest"])
    back = helper.make_node("Sub", [BEFORE, "rest"], ["result"])
    return network(add, grow, back, constants=(constant("first", [0]),), result="result").SerializeToString()


# ------------------------------------------------------------------------------------------- protocol buffers, metadata


def with_props(**changes: object) -> bytes:
    return network(props=metadata(**changes)).SerializeToString()


def raw_props(**changes: str) -> bytes:
    return network(props=metadata() | changes).SerializeToString()


@hostile("not an ONNX file")
def a_length_beyond_everything(path: Path) -> bytes:
    return good() + b"\x72" + b"\xff" * 8 + b"\x7f"


@hostile("more than 10,000 fields")
def a_million_fields(path: Path) -> bytes:
    return good() + b"\x08\x0a" * 1_000_000


@hostile("its metadata is too long")
def a_key_of_megabytes(path: Path) -> bytes:
    return raw_props(recipe=json.dumps("a" * 3_000_000))


@hostile("its metadata is too long")
def a_hundred_long_keys(path: Path) -> bytes:
    return raw_props(**{f"key{number}": "a" * 900_000 for number in range(20)})


@hostile("not JSON")
def lists_in_lists(path: Path) -> bytes:
    return raw_props(recipe="[" * 200_000 + "]" * 200_000)


@hostile("not JSON")
def a_number_of_many_digits(path: Path) -> bytes:
    return raw_props(temperature="1" * 100_000)


@hostile("has the key 'title' twice")
def a_key_twice(path: Path) -> bytes:
    model = network()
    model.metadata_props.add(key="title", value='"something else"')
    return model.SerializeToString()


@hostile("names of at most 200 characters without <, >")
def a_class_that_is_a_program(path: Path) -> bytes:
    return with_props(class_names=["<img src=x onerror=alert(1)>", *"123456789"])


@hostile("names of at most 200 characters")
def a_title_that_clears_the_terminal(path: Path) -> bytes:
    return with_props(title="MNIST\x1b[2J")


@hostile("up to 1,000 different ones")
def a_hundred_thousand_classes(path: Path) -> bytes:
    return with_props(class_names=[str(number) for number in range(100_000)])


@hostile("NaN is no number")
def a_mean_that_is_no_number(path: Path) -> bytes:
    return raw_props(input=json.dumps(asdict(SPEC) | {"mean": float("nan")}))


@hostile(r"InputSpec\.std is 1e-30")
def a_deviation_of_nothing(path: Path) -> bytes:
    return with_props(input=asdict(SPEC) | {"std": 1e-30})


@hostile("1000000000.0 is not from 0 to 1")
def the_best_of_all(path: Path) -> bytes:
    """What claims to be the most accurate is offered first."""
    return with_props(metrics={"real_accuracy": 1e9})


def all_of_them(folder: Path) -> Iterator[tuple[str, Path, str]]:
    """Write every hostile file into a folder of its own below ``folder``: name, path and the reason it must get."""
    for name, (make, reason) in HOSTILE.items():
        path = folder / name / "exports" / f"{name}.onnx"
        path.parent.mkdir(parents=True)
        path.write_bytes(make(path))
        yield name, path, reason
