"""A smaller network in an exported file: what is shipped of one that is too large to ship whole.

Each linear layer but the last becomes two thin ones, which keep the directions in which its answers to training
images vary most (principal components of a layer's responses: Zhang et al., "Accelerating Very Deep Convolutional
Networks for Classification and Detection", 2016, section 3.1). Then every weight gets 8 bits: the linear layers' in
blocks of 256 that share a scale (ONNX Runtime's own ``MatMulNBits``), the convolutions' with a scale for each output
channel, symmetric around zero. Biases and the last layer stay float32.
"""

import logging
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto
    from torch import Tensor, nn

RANK = 256
"""Directions that are kept of a linear layer's answers; with these of 4,096, AlexNet lost 0.05 points of validation."""

BLOCK = 256
DESCRIPTION = f"linear layers of rank {RANK}, 8 bits a weight, the last layer float32"


def thin_out(model: "nn.Module", images: "Tensor", rank: int = RANK) -> None:
    """Put two thin linear layers in the place of each linear one but the last, in place.

    Args:
        model: in evaluation mode.
        images: (N, 1, 28, 28) normalised images of the training set, N at least ``rank``.
        rank: directions to keep; layers for which two thin ones would not be smaller stay as they are.
    """
    import torch

    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear)]
    for name, layer in layers[:-1]:
        if rank * (layer.in_features + layer.out_features) < layer.weight.numel():
            holder, _, key = name.rpartition(".")
            setattr(model.get_submodule(holder), key, _two_thin_layers(layer, _inputs_of(layer, model, images), rank))


def _inputs_of(layer: "nn.Linear", model: "nn.Module", images: "Tensor") -> "Tensor":
    """What reaches a layer when the model sees images: (N, in)."""
    import torch

    seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        for part in images.split(100):
            model(part)
    hook.remove()
    return torch.cat(seen)


def _two_thin_layers(layer: "nn.Linear", inputs: "Tensor", rank: int) -> "nn.Sequential":
    """The best approximation of a layer's answers to (N, in) inputs by two layers with ``rank`` values between them."""
    import torch

    with torch.no_grad():
        answers = inputs @ layer.weight.T
        mean = answers.mean(dim=0)
        _, directions = torch.linalg.eigh((answers - mean).T @ (answers - mean))  # the strongest come last
        kept = directions[:, -rank:]
        into = torch.nn.Linear(layer.in_features, rank, bias=False)
        out = torch.nn.Linear(rank, layer.out_features)
        into.weight.copy_(kept.T @ layer.weight)
        out.weight.copy_(kept)
        out.bias.copy_(layer.bias + mean - kept @ (kept.T @ mean))
    return torch.nn.Sequential(into, out)


def compact_weights(model: "ModelProto") -> "ModelProto":
    """Return the same network with 8 bits a weight, but for the last linear layer."""
    from onnxruntime.quantization import QuantFormat
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    from onnxruntime.quantization.onnx_model import ONNXModel

    logging.getLogger("onnxruntime.quantization.matmul_nbits_quantizer").setLevel(logging.WARNING)
    editable = ONNXModel(model)
    editable.replace_gemm_with_matmul()
    linear = [node.name for node in editable.model.graph.node if node.op_type == "MatMul"]
    quantizer = MatMulNBitsQuantizer(
        editable.model,
        bits=8,
        block_size=BLOCK,
        is_symmetric=True,
        quant_format=QuantFormat.QOperator,
        nodes_to_exclude=linear[-1:],
    )
    quantizer.process()
    compacted = quantizer.model.model
    del compacted.graph.value_info[:]  # it still tells the shapes from before the linear layers were turned
    compact_convolutions(compacted)
    return compacted


def compact_convolutions(model: "ModelProto") -> None:
    """Give all convolutions of a model 8-bit weights, in place."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "Conv":
            nodes.append(_dequantize(model, weights[node.input[1]]))
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _dequantize(model: "ModelProto", tensor: "TensorProto") -> "NodeProto":
    """Put 8-bit weights and their scales in the place of a tensor; return the node that gives the tensor back."""
    from onnx import helper, numpy_helper

    weights = numpy_helper.to_array(tensor)  # (out, in, H, W)
    scales = (np.abs(weights).max(axis=(1, 2, 3)) / 127).astype(np.float32)
    scales[scales == 0] = 1
    rounded = np.rint(weights / scales[:, None, None, None]).astype(np.int8)
    parts = {f"{tensor.name}.int8": rounded, f"{tensor.name}.scale": scales}
    model.graph.initializer.remove(tensor)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in parts.items())
    return helper.make_node("DequantizeLinear", list(parts), [tensor.name], name=f"{tensor.name}.dequantize", axis=0)
