"""Choosing rows of a matrix so that their sum is near zero: greedy and swaps.

Throughout, `centred` (n, d) holds the candidates less the target, so that the objective is ``|| sum
of the chosen rows ||**2 / k**2``; `total` (d,) is that sum. Called by
`solvers.heuristics._vector_search` for mean matching of vectors in O(n d) memory, where the
quadratic form would take O(n^2). Centring comes first, in float64: `norms` and products of rows far
from the target would cancel.
"""

import numpy as np

from ._jit import kernel, reassociated


@reassociated
def dot(a, b):
    """Return the inner product of two vectors."""
    result = 0.0
    for j in range(a.size):
        result += a[j] * b[j]
    return result


@kernel
def products(centred, vector, out):
    """Set ``out = centred @ vector``."""
    for i in range(centred.shape[0]):
        out[i] = dot(centred[i], vector)


@kernel
def squared_norms(centred, out):
    """Set ``out`` (n,) to the squared norms of the rows."""
    for i in range(centred.shape[0]):
        out[i] = dot(centred[i], centred[i])


@kernel
def best_addition(centred, norms, chosen, total):
    """Return what the best free row adds to ``||total||**2``, and which it is; -1 for none."""
    best = np.inf
    pick = -1
    for i in range(centred.shape[0]):
        if not chosen[i]:
            value = norms[i] + 2.0 * dot(centred[i], total)
            # Some row in any case, also where all of them overflow.
            if value < best or pick < 0:
                best = value
                pick = i
    return best, pick


@kernel
def extend(centred, norms, steps, chosen, total):
    """Choose `steps` rows more, each bringing the sum closest to zero; O(n d) each.

    With equal steps of the mean this is kernel herding's greedy cousin: it looks at the sum
    itself, not at the running mean.
    """
    for _ in range(steps):
        _, pick = best_addition(centred, norms, chosen, total)
        chosen[pick] = True
        for j in range(total.size):
            total[j] += centred[pick, j]


@kernel
def total_of(centred, chosen, total):
    """Set `total` to the sum of the chosen rows."""
    n, d = centred.shape
    for j in range(d):
        total[j] = 0.0
    for i in range(n):
        if chosen[i]:
            for j in range(d):
                total[j] += centred[i, j]


@kernel
def sweep(centred, members, gram, norms, begin, work, chosen, total, similarity):
    """Exchange each member for its best partner, where that helps, for a while.

    Parameters
    ----------
    centred : (n, d)
    members : (b,) rows that were chosen when the sweep began
    gram : (b, n) inner products of the members with all rows
    norms : (n,) squared norms of all rows
    begin : int
        The member to go on with.
    work : int
        Entries that may be read before it returns; one member at least is looked at.
    chosen, total, similarity : changed in place; ``similarity = centred @ total``

    Returns
    -------
    next : int
        The member to go on with; b at the end.
    exchanges : int
    stale : bool
        `similarity` is still that before the last exchange: it takes more than `work` by itself.

    Notes
    -----
    The change of ``||total||**2`` by i out, j in is
    ``2 (s_j - s_i) + |c_i|**2 + |c_j|**2 - 2 c_i c_j``. O(b n), and O(n d) an exchange.
    """
    n, d = centred.shape
    exchanges = 0
    spent = 0
    for b in range(begin, members.size):
        if spent > work:
            return b, exchanges, False
        i = members[b]
        if not chosen[i]:
            continue
        spent += n
        # What i alone contributes to the change in the notes; the rest depends on j.
        base = norms[i] - 2.0 * similarity[i]
        best = 0.0
        pick = -1
        for j in range(n):
            if not chosen[j]:
                change = base + norms[j] + 2.0 * (similarity[j] - gram[b, j])
                if change < best:
                    best = change
                    pick = j
        # Below this the gain is rounding, and two rows could be exchanged for ever.
        if pick < 0 or best > -1e-12 * (norms[i] + norms[pick]):
            continue
        chosen[i] = False
        chosen[pick] = True
        for j in range(d):
            total[j] += centred[pick, j] - centred[i, j]
        exchanges += 1
        if n * d > work:
            return b + 1, exchanges, True
        for j in range(n):
            # Afresh: the products with the row that enters are not in `gram` and would cost as
            # much, and what is computed afresh does not drift.
            similarity[j] = dot(centred[j], total)
        spent += n * d
    return members.size, exchanges, False
