"""Compiled kernels: arrays in, arrays out, no Python objects.

``from subsetopt import _kernels`` loads no compiler; ``_kernels.rng`` does, when it is first used.
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
