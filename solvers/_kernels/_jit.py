"""How kernels are compiled, which decides how long the first call takes.

A kernel is what Python calls: it is compiled once for a machine and kept in Numba's cache. What
only kernels call needs neither a place in the cache nor the wrappers through which Python calls,
a third of the time of its compilation. LLVM optimises a function once more in each of those that
call it, so calls are kept shallow; and what drags in the formatting of strings, two seconds, is
avoided: ``a[:] = b`` between arrays, messages in ``raise``.
"""

from typing import Any

import numba

from subsetopt.compiled import njit

kernel = njit(nogil=True)
"""Called from Python, with the same types whatever the data are."""

_UNWRAPPED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

inner = numba.njit(nogil=True, **_UNWRAPPED)
"""Called by kernels alone; called from Python, it would crash."""
