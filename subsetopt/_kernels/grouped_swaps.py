"""Matching a sum by swaps within groups, each of which keeps its count.

`values` (n,) is float64, group after group, `chosen` (n,) marks what is taken, and the residual is
``wanted - sum(values[chosen])``. Single swaps within a group are those of `sum_matching`; what is
here combines four of them, of whatever groups. Called by `solvers.heuristics._grouped_search`.
"""

import numpy as np

from ._jit import inner, kernel
from .rng import below

_NO_MOVE = -1
_TRIES = 8  # positions of a group that are drawn until one is free


@inner
def _singles(values, begins, ends, group, chosen, members, half, side, most, state, out, into):
    """Draw up to `most` swaps within groups whose two positions are on one side."""
    count = 0
    for _ in range(2 * most):
        if count == most:
            break
        i = members[below(state, members.size)]
        if half[i] != side:
            continue
        g = group[i]
        for _ in range(_TRIES):
            j = begins[g] + below(state, ends[g] - begins[g])
            if not chosen[j] and half[j] == side:
                out[count] = i
                into[count] = j
                count += 1
                break
    return count


@kernel
def quadruple_swap(
    values,
    begins,
    ends,
    group,
    chosen,
    members,
    half,
    residual,
    width,
    state,
    outs,
    ins,
    changes,
    moves,
):
    """Apply the best of some s**4 / 4 combinations of four swaps within groups.

    All positions are dealt to two sides. Of each, s swaps are drawn, and the pairs of them that
    share no position are combined: those of one side go into buckets by what they change the sum
    by, those of the other look up their complements, as in `multiple_swaps.double_swap`. A swap of
    either side alone is among them. O(n + s^2) time, whatever the groups are like.

    Parameters
    ----------
    begins, ends : (groups,) int64
        Where each group lies.
    group : (n,) int64
    members : (k,) int64, the chosen positions when it is called
    half : (n,) bool, workspace
    width : float
        How far changes may be from half the residual; those beyond are left out.
    outs, ins : (2, s) int64, workspace
    changes, moves : (buckets,) float64 and int32, workspace

    Returns
    -------
    residual : float
    """
    most = outs.shape[1]
    for i in range(values.size):
        half[i] = below(state, 2) == 1
    sizes = (
        _singles(
            values, begins, ends, group, chosen, members, half, True, most, state, outs[0], ins[0]
        ),
        _singles(
            values, begins, ends, group, chosen, members, half, False, most, state, outs[1], ins[1]
        ),
    )
    buckets = changes.size
    low = 0.5 * residual - width
    scale = buckets / (2.0 * width)
    changes[:] = np.inf
    best = abs(residual)
    first = _NO_MOVE
    second = _NO_MOVE
    for side in range(2):
        for a in range(sizes[side]):
            i = outs[side, a]
            j = ins[side, a]
            one = values[j] - values[i]
            for b in range(a + 1):  # b = a is the swap alone
                change = one
                if b < a:
                    if outs[side, b] == i or ins[side, b] == j:
                        continue
                    change += values[ins[side, b]] - values[outs[side, b]]
                place = (change - low) * scale
                if not 0.0 <= place < buckets:
                    continue
                if side == 0:
                    changes[np.int64(place)] = change
                    moves[np.int64(place)] = a * most + b
                else:
                    # Buckets lie about half the residual: complements are in mirrored ones.
                    opposite = buckets - 1 - np.int64(place)
                    error = abs(changes[opposite] + change - residual)
                    if error < best:
                        best = error
                        first = moves[opposite]
                        second = a * most + b
    if first != _NO_MOVE:
        for side in range(2):
            move = second if side == 1 else first
            a = move // most
            b = move % most
            for which in range(2 if b < a else 1):
                s = a if which == 0 else b
                chosen[outs[side, s]] = False
                chosen[ins[side, s]] = True
                residual -= values[ins[side, s]] - values[outs[side, s]]
    return residual
