"""PyTorch networks with one interface: ``(N, 1, S, S)`` images in, S mostly 28, and ``(N, classes)`` logits out.

Importing this package imports every module in it, so that a network is registered by its file being here.
"""

from importlib import import_module
from pkgutil import iter_modules

from models.registry import create_model, list_models, size_of

__all__ = ["create_model", "list_models", "size_of"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
