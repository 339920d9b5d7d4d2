"""The kernels run by the interpreter: for the first, small jobs of a machine without machine code.

To compile a kernel takes seconds, to run it once on a hundred values as plain Python takes
milliseconds. It is the same source, and IEEE arithmetic in the same order where no kernel is
compiled with reassociation, so the selection is the same to the last index.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COMPILED, _PACKAGE = f"{__package__}._kernels", f"{__package__}._interpreted"
_WORD = 2**64 - 1

_AFFORDED = 1.0
"""Seconds that a process spends on interpreted kernels before it compiles them."""
_STEP = 2e-7
"""Seconds of one step of an inner loop in the interpreter, generously."""


def module(name: str) -> ModuleType:
    """Return the kernels of a module as plain Python functions."""
    _prepare()
    return import_module(f"{_PACKAGE}.{name}")


@cache
def _prepare() -> None:
    """Make a package of the same files, in which nothing is compiled."""
    from ._kernels.rng import seeded

    package, jit, rng = (ModuleType(f"{_PACKAGE}{name}") for name in ("", "._jit", ".rng"))
    package.__path__ = [str(Path(__file__).parent / "_kernels")]
    for decorator in ("kernel", "inner", "reassociated", "reordered"):
        setattr(jit, decorator, lambda function: function)
    rng.below, rng.seeded = _below, seeded  # type: ignore[attr-defined]
    sys.modules |= {made.__name__: made for made in (package, jit, rng)}


def _below(state: NDArray[np.uint64], n: int) -> int:
    """Return what `rng.below` does, in Python's integers: NumPy's warn of overflow."""
    x = int(state[0])
    x ^= x >> 12
    x ^= (x << 25) & _WORD
    x ^= x >> 27
    state[0] = x
    return (((x * 0x2545F4914F6CDD1D & _WORD) >> 33) * int(n)) >> 31


@contextmanager
def compiled() -> Iterator[None]:
    """Let nothing be interpreted within the block."""
    global _interpreting
    before, _interpreting = _interpreting, False
    try:
        yield
    finally:
        _interpreting = before


_interpreting = True


class Tiers:
    """Modules of kernels, compiled or interpreted, whichever gives the first answer sooner.

    Parameters
    ----------
    *names : str
        Modules of `_kernels`.
    kernel : str
        ``module.function`` whose machine code stands for that of all.
    """

    def __init__(self, *names: str, kernel: str) -> None:
        self._names, self._kernel = names, kernel
        self._spent = 0.0
        self.compiled: tuple[ModuleType, ...] | None = None
        """The compiled modules, once they have been chosen."""

    def choose(self, steps: float) -> tuple[ModuleType, ...]:
        """Return the modules for a job of so many steps of inner loops."""
        if self.compiled is None:
            seconds = _STEP * steps
            affordable = _interpreting and self._spent + seconds < _AFFORDED
            if affordable and not self._is_ready():
                self._spent += seconds
                return tuple(module(name) for name in self._names)
            self.compiled = tuple(import_module(f"{_COMPILED}.{name}") for name in self._names)
        return self.compiled

    def _is_ready(self) -> bool:
        """Whether there is machine code, here or on disk."""
        file, function = self._kernel.split(".")
        kernel: Any = getattr(import_module(f"{_COMPILED}.{file}"), function)
        if getattr(kernel, "signatures", True):
            return True
        cached = getattr(kernel, "_cache", None)
        return cached is not None and bool(cached._cache_file._load_index())
