"""The registry of networks: names and the functions that build them."""

from collections.abc import Callable
from difflib import get_close_matches

from torch import nn

Builder = Callable[[int], nn.Module]

SIZE = 28
"""Pixels of a side of the images that most networks read."""

_builders: dict[str, Builder] = {}
_sizes: dict[str, int] = {}


def register_model(builder: Builder, size: int = SIZE) -> Builder:
    """Register ``builder(num_classes) -> nn.Module``, for images of ``size`` pixels a side, under the function's name.

    Raises:
        ValueError: another builder already has this name.
    """
    name = builder.__name__
    if name in _builders:
        taken_by = _builders[name].__module__
        raise ValueError(f"Two networks are called {name!r}: one in {taken_by}, one in {builder.__module__}.")
    _builders[name], _sizes[name] = builder, size
    return builder


def create_model(name: str, num_classes: int = 10) -> nn.Module:
    """Build the network ``name``, its weights drawn from torch's global random generator.

    Raises:
        ValueError: no network has this name; the message lists the names there are.
    """
    if name not in _builders:
        close = get_close_matches(name, _builders, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"There is no network {name!r}.{hint} Known: {', '.join(list_models())}.")
    return _builders[name](num_classes)


def list_models() -> list[str]:
    """Return the names of the networks for the data sets' images of 28×28, sorted."""
    return sorted(name for name, size in _sizes.items() if size == SIZE)


def size_of(name: str) -> int:
    """Return the pixels of a side of the images that the network ``name`` reads."""
    return _sizes[name]
