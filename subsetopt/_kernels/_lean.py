"""Numba without SciPy's linear algebra, which none of the kernels calls.

Numba imports it to know whether there is a BLAS, in a third of a second. Here that is answered by
a look whether SciPy is installed; what calls a BLAS imports it then.
"""

from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def load() -> None:
    """Import the part of Numba that asks, unless it has been asked before."""
    with suppress(ImportError, AttributeError):  # another Numba, which does it in its own way
        _load()


def _load() -> None:
    linalg: Any = import_module("numba.np.linalg")
    ask = linalg.ensure_blas
    linalg.ensure_blas = _installed
    try:
        arraymath: Any = import_module("numba.np.arraymath")
        arraymath.ensure_blas = ask
    finally:
        linalg.ensure_blas = ask


def _installed() -> None:
    if find_spec("scipy") is None:
        raise ImportError("scipy is not installed")
