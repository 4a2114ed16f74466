"""The layers of a network in the order of computing, as the report of an export lists them."""

from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.fx.proxy import TraceError

from inkwear.report import Layer
from training.summary import summarize


def list_layers(architecture: str, num_classes: int, size: int) -> tuple[Layer, ...]:
    """Follow one image through a network (``torch.fx``): every layer and function, with torchinfo's counts.

    Args:
        architecture: name of the network.
        num_classes: of its answers.
        size: pixels of a side of the image.

    Returns:
        Nothing for a network whose way depends on the image, as it cannot be traced.
    """
    summary = summarize(architecture, num_classes, size).summary_list
    macs = {id(row.module): int(row.macs) for row in summary}
    network = summary[0].module.eval()
    try:
        traced = fx.symbolic_trace(network)
    except TraceError:
        return ()
    ShapeProp(traced).propagate(torch.zeros(1, 1, size, size))
    modules = dict(network.named_modules())
    return tuple(_layer(node, modules, macs) for node in traced.graph.nodes if node.op != "output")


def _layer(node: fx.Node, modules: dict[str, nn.Module], macs: dict[int, int]) -> Layer:
    module = modules[str(node.target)] if node.op == "call_module" else None
    return Layer(
        name=_name(node),
        kind=_kind(node, module),
        detail=_detail(module) if module else "",
        shape=tuple(node.meta["tensor_meta"].shape[1:]),
        parameters=sum(weights.numel() for weights in module.parameters()) if module else 0,
        macs=macs.get(id(module), 0) if module else 0,
        inputs=tuple(_name(source) for source in node.all_input_nodes),
    )


def _kind(node: fx.Node, module: nn.Module | None) -> str:
    if node.op == "placeholder":
        return "input"
    return type(module).__name__ if module else str(getattr(node.target, "__name__", node.target))


def _name(node: fx.Node) -> str:
    return str(node.target) if node.op == "call_module" else node.name


def _detail(module: nn.Module) -> str:
    """Return size and stride of a kernel or a window; nothing for other layers."""
    size, stride = _side(getattr(module, "kernel_size", None)), _side(getattr(module, "stride", None))
    return f"{size}×{size}" + (f", stride {stride}" if stride and stride > 1 else "") if size else ""


def _side(value: Any) -> int | None:
    return value[0] if isinstance(value, tuple) else value
