"""Compact exports: thin linear layers and 8-bit weights, for a network that is too large to ship as it is.

Each linear layer but the last becomes two thin ones, which keep the directions in which its answers to training
images vary most (principal components of a layer's responses: Zhang et al., "Accelerating Very Deep Convolutional
Networks for Classification and Detection", 2016, section 3.1). Then every weight gets 8 bits: the linear layers' in
blocks of 256 that share a scale (ONNX Runtime's own ``MatMulNBits``), the convolutions' with a scale for each output
channel, symmetric around zero. Biases and the last layer stay float32.
"""

import logging

import numpy as np
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

RANK = 256
"""Directions kept of a linear layer's answers; with 256 of 4,096 AlexNet lost 0.05 points of validation accuracy."""

BLOCK = 256
DESCRIPTION = f"linear layers of rank {RANK}, 8 bits a weight, the last layer float32"


def thin_out(model: nn.Module, images: Tensor, rank: int = RANK) -> None:
    """Replace each linear layer but the last by two thin ones, in place.

    Args:
        model: the network, in evaluation mode.
        images: (N, 1, 28, 28) normalized images of the training set, N at least ``rank``.
        rank: directions to keep; layers for which two thin ones would not be smaller stay as they are.
    """
    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    for name, layer in layers[:-1]:
        if rank * (layer.in_features + layer.out_features) < layer.weight.numel():
            holder, _, key = name.rpartition(".")
            setattr(model.get_submodule(holder), key, _two_thin_layers(layer, _inputs_of(layer, model, images), rank))


def _inputs_of(layer: nn.Linear, model: nn.Module, images: Tensor) -> Tensor:
    """Return the input of a layer, (N, in), when the model is given images."""
    seen: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        for part in images.split(100):
            model(part)
    hook.remove()
    return torch.cat(seen)


def _two_thin_layers(layer: nn.Linear, inputs: Tensor, rank: int) -> nn.Sequential:
    """Return the best approximation of a layer, on its (N, in) inputs, by two layers with ``rank`` values between."""
    with torch.no_grad():
        answers = inputs @ layer.weight.T
        mean = answers.mean(dim=0)
        _, directions = torch.linalg.eigh((answers - mean).T @ (answers - mean))  # the strongest come last
        kept = directions[:, -rank:]
        into = nn.Linear(layer.in_features, rank, bias=False)
        out = nn.Linear(rank, layer.out_features)
        into.weight.copy_(kept.T @ layer.weight)
        out.weight.copy_(kept)
        out.bias.copy_(layer.bias + mean - kept @ (kept.T @ mean))
    return nn.Sequential(into, out)


def compact_weights(model: ModelProto) -> ModelProto:
    """Return a network with 8 bits a weight, but for the last linear layer."""
    from onnxruntime.quantization import QuantFormat  # importing these makes the root logger print all that is INFO
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
    del compacted.graph.value_info[:]  # it holds the shapes from before the linear layers were transposed
    compact_convolutions(compacted)
    return compacted


def compact_convolutions(model: ModelProto) -> None:
    """Give all convolutions of a model 8-bit weights, in place."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "Conv":
            nodes.append(_dequantize(model, weights[node.input[1]]))
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def halve_convolutions(model: ModelProto) -> None:
    """Store the weights of all convolutions of a model in 16 bits, in place; the network computes in 32."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    casts: list[NodeProto] = []
    for name in (node.input[1] for node in model.graph.node if node.op_type == "Conv"):
        half = numpy_helper.from_array(numpy_helper.to_array(weights[name]).astype(np.float16), f"{name}.half")
        model.graph.initializer.remove(weights[name])
        model.graph.initializer.append(half)
        casts.append(helper.make_node("Cast", [half.name], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _dequantize(model: ModelProto, tensor: TensorProto) -> NodeProto:
    """Replace a tensor by 8-bit weights and their scales; return the node that restores it."""
    weights = numpy_helper.to_array(tensor)  # (out, in, H, W)
    scales = (np.abs(weights).max(axis=(1, 2, 3)) / 127).astype(np.float32)
    scales[scales == 0] = 1
    rounded = np.rint(weights / scales[:, None, None, None]).astype(np.int8)
    parts = {f"{tensor.name}.int8": rounded, f"{tensor.name}.scale": scales}
    model.graph.initializer.remove(tensor)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in parts.items())
    return helper.make_node("DequantizeLinear", list(parts), [tensor.name], name=f"{tensor.name}.dequantize", axis=0)
