"""Lazy greedy maximisation of facility location.

``f(S) = sum_i max(0, max(s_ji for j in S))``, where row j of `similarity` (n, n) holds how well j
serves each i. Minoux, Accelerated greedy algorithms for maximizing submodular set functions, 1978:
gains only shrink, so an old gain bounds the new one, and few are computed again.
"""

import numpy as np

from ._jit import kernel, reordered
from .submodular_gains import heapify, replace_top


@reordered
def gain(row, served):
    """Return ``sum(max(0, row - served))``: differences in the rows' dtype, sums in float64."""
    total = 0.0
    for i in range(row.size):
        total += np.float64(max(row[i] - served[i], row.dtype.type(0)))
    return total


@reordered
def serve(row, served):
    """Set ``served = max(served, row)``."""
    for i in range(row.size):
        served[i] = max(served[i], row[i])


@kernel
def lazy_greedy(similarity, served, keys, ids, chosen, gains):
    """Choose one candidate after another, the first one of the largest gain; returns evaluations.

    Parameters
    ----------
    similarity : (n, n)
    served : (n,) of the same dtype, changed in place
        How well each is served already; infinity for one that does not count.
    keys : (m,) float64, changed in place
        Exact gains of the candidates at first.
    ids : (m,) int64, ascending, changed in place
        The candidates.
    chosen, gains : (k,) int64 and float64, filled
    """
    size = keys.size
    heapify(keys, ids, size)
    evaluated = 0
    for t in range(chosen.size):
        # In step 0 all gains are exact; `fresh` is the candidate whose gain is exact since.
        fresh = ids[0] if t == 0 else -1
        while ids[0] != fresh:
            fresh = ids[0]
            evaluated += 1
            replace_top(keys, ids, size, min(keys[0], gain(similarity[fresh], served)), fresh)
        chosen[t] = fresh
        gains[t] = keys[0]
        serve(similarity[fresh], served)
        # The last of the heap takes the place of the top, whose candidate is chosen.
        size -= 1
        replace_top(keys, ids, size, keys[size], ids[size])
    return evaluated
