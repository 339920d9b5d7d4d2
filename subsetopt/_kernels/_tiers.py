"""Interpreted or compiled kernels: small first jobs run without machine code.

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

_COMPILED, _PACKAGE = __package__, f"{__package__}._interpreted"
_WORD = 2**64 - 1

_AFFORDED = 1.0
"""Seconds that a process spends on interpreted kernels before it compiles them."""
_UNLOADED = 0.15
"""Seconds that it spends on them before it loads the compiler, which takes some 0.3 seconds."""
_STEP = 2e-7
"""Seconds of one step of an inner loop in the interpreter, generously."""


def module(name: str) -> ModuleType:
    """Return the kernels of a module as plain Python functions."""
    _prepare()
    return import_module(f"{_PACKAGE}.{name}")


@cache
def _prepare() -> None:
    """Make a package of the same files, in which nothing is compiled."""
    package, jit = (ModuleType(f"{_PACKAGE}{name}") for name in ("", "._jit"))
    package.__path__ = [str(Path(__file__).parent)]
    for decorator in ("kernel", "inner", "reassociated", "reordered"):
        setattr(jit, decorator, lambda function: function)
    sys.modules |= {made.__name__: made for made in (package, jit)}
    rng: Any = import_module(f"{_PACKAGE}.rng")
    rng.below = _below


def seeded(seed: int) -> NDArray[np.uint64]:
    """Return what `rng.seeded` does, without loading the compiler."""
    state: NDArray[np.uint64] = module("rng").seeded(seed)
    return state


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

    def choose(self, steps: float, *, hurried: bool = False) -> tuple[ModuleType, ...]:
        """Return the modules for a job of so many steps of inner loops.

        One that is `hurried` has a time limit, in which the compiler is not loaded, but in which
        what is compiled does more.
        """
        if self.compiled is None:
            seconds = _STEP * steps
            spent = self._spent + seconds
            unloaded = not hurried and "numba" not in sys.modules and spent < _UNLOADED
            if _interpreting and (unloaded or (spent < _AFFORDED and not self._is_ready())):
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
