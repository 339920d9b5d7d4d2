"""Batches whose means match one point: swaps between the batches of an epoch.

Called by `torch._matched` once an epoch, on what `stratified_batches.deal` has dealt out.
"""

import numpy as np

from ._jit import kernel, reassociated
from .rng import below

_NONE, _TWO = np.float32(0.0), np.float32(2.0)

_AT_ONCE = 8
"""Partners looked at for each sample in its turn, the best of which is taken."""


@reassociated
def _change(x, y, own, other, ours, theirs):
    """Return what exchanging x of one batch for y of another adds to the sum: O(d)."""
    cross = _NONE
    square = _NONE
    for j in range(x.size):
        step = y[j] - x[j]
        cross += step * (ours * own[j] - theirs * other[j])
        square += step * step
    return _TWO * cross + (ours + theirs) * square


@kernel
def even_out(rows, order, batch, group, begins, members, scale, looks, sums, state):
    """Exchange samples of equal stratum between batches, where that brings their means to zero.

    What is lowered is the sum over batches of ``scale * |sum of rows|**2``. A place keeps its
    stratum, so that the shares of the batches stay as they are, and every sample stays in one
    batch. Each place looks at `looks` random ones of its stratum in all, `_AT_ONCE` in its turn.

    Parameters
    ----------
    rows : (M, d) float32
        Features of each sample of the epoch less the point.
    order : (M,) int64
        The samples, batch after batch, as numbers of rows; exchanged in place.
    batch, group : (M,) int64
        Batch and stratum of each place.
    begins : (S + 1,) int64
        Where each stratum begins in `members`.
    members : (M,) int64
        The places, stratum after stratum.
    scale : (T,) float32
        Of each batch, one over its squared size.
    looks : int
    sums : (T, d) float32
        Workspace.
    state : (1,) uint64
        Random state.

    Returns
    -------
    float
        The sum at the end.
    """
    count, d = rows.shape
    for t in range(scale.size):
        for j in range(d):
            sums[t, j] = _NONE
    for p in range(count):
        for j in range(d):
            sums[batch[p], j] += rows[order[p], j]
    for _ in range(0, looks, _AT_ONCE):
        for p in range(count):
            s = group[p]
            first = begins[s]
            size = begins[s + 1] - first
            own = batch[p]
            best = 0.0
            partner = -1
            for _ in range(_AT_ONCE):
                q = members[first + below(state, size)]
                other = batch[q]
                if other == own:
                    continue
                ours = scale[own]
                theirs = scale[other]
                change = _change(
                    rows[order[p]], rows[order[q]], sums[own], sums[other], ours, theirs
                )
                if change < best:
                    best = change
                    partner = q
            if partner >= 0:
                other = batch[partner]
                for j in range(d):
                    step = rows[order[partner], j] - rows[order[p], j]
                    sums[own, j] += step
                    sums[other, j] -= step
                kept = order[p]
                order[p] = order[partner]
                order[partner] = kept
    total = 0.0  # in double precision: what is compared is exact enough without
    for t in range(scale.size):
        for j in range(d):
            total += scale[t] * sums[t, j] * sums[t, j]
    return total
