"""How kernels are compiled, which decides how long the first call takes.

A kernel is what Python calls: it is compiled once for a machine and kept in Numba's cache. What
only kernels call needs neither a place in the cache nor the wrappers through which Python calls,
a third of the time of its compilation. What has been measured, in the time that a function of
three lines takes:

* A function costs one such time however short it is, and LLVM optimises it once more in each of
  those that call it: kernels are few and flat, and Python calls one after another where each has
  work for 50 microseconds.
* ``a[:] = b`` between arrays and a message in ``raise`` drag in the formatting of strings, 30
  times; a sort or a partition 15 to 20; an expression of arrays, `numpy.sum` of one, 3 to 5; an
  array that is made in the kernel 1 to 2, so Python hands in the room.
* `min`, `max` and `int` are functions like others, a conditional expression and `np.int64` are not.
* Each type of each argument makes another copy: Python always gives the same ones. Matrices may be
  float32 or float64; a job compiles for its own.
"""

from typing import Any

import numba

from ._cache import njit

_KERNEL: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True, "no_rewrites": True}
"""What is rewritten are expressions of arrays, of which there are none."""
_INNER = _KERNEL | {"no_cpython_wrapper": True}

kernel = njit(**_KERNEL)
"""Called from Python, with the same types whatever the data are."""

inner = numba.njit(**_INNER)
"""Called by kernels alone; called from Python, it would crash."""

reassociated = numba.njit(**_INNER, fastmath={"reassoc", "contract", "nsz"})
"""As `inner`; sums may be reordered, so that they use vector registers. NaN and infinity count."""

reordered = numba.njit(**_INNER, fastmath={"reassoc", "contract", "nsz", "nnan"})
"""As `reassociated`, and minima too: where there is no NaN."""
