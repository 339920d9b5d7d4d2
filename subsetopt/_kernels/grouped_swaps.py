"""Matching a sum by swaps within groups, each of which keeps its count.

`values` (n,) is float64, group after group, each ascending, `chosen` (n,) marks what is taken, and
the residual is ``wanted - sum(values[chosen])``. Single swaps within a group are those of
`sum_matching`; `quadruple_swap` combines four of them, of whatever groups. Called by
`solvers.heuristics._grouped_search` and `torch.search._class_counts`.
"""

import numpy as np

from ._jit import inner, kernel
from .rng import below
from .sum_matching import ALL, descend, kick, residual_of, strided_start

_COMBINED = 4  # times that swaps are combined in a round
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


@inner
def _mean(values):
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total / values.size


@kernel
def start(values, begins, ends, counts, wanted, chosen):
    """Choose the mid-points of `counts` strata of each group, all moved alike to come to `wanted`.

    Returns the residual; O(n), see `sum_matching.strided_start`.
    """
    left = wanted
    k = 0
    for g in range(begins.size):
        if counts[g] > 0:
            left -= counts[g] * _mean(values[begins[g] : ends[g]])
            k += counts[g]
    for g in range(begins.size):
        for i in range(begins[g], ends[g]):
            chosen[i] = False
        if counts[g] > 0:
            part = values[begins[g] : ends[g]]
            share = counts[g] * (_mean(part) + left / k)
            strided_start(part, counts[g], share, chosen[begins[g] : ends[g]])
    return residual_of(values, chosen, wanted)


@kernel
def improve(values, begins, ends, group, order, chosen, wanted, tolerance, kicked, state, room):
    """Take the best swaps within each group while they help, then combine swaps of all groups.

    Parameters
    ----------
    order : (groups,) int64
        A permutation of the groups, which is shuffled.
    chosen : (n,) bool
        Is changed, also for the worse where `kicked`; each group keeps its count.
    tolerance, kicked
        A residual that is small enough; whether one group is perturbed first.
    room : tuple
        Workspace: ``taken, free, members`` (n,) int64, ``half`` (n,) bool, ``outs, ins`` (2, s)
        int64, ``changes, moves`` (buckets,) float64 and int32, and ``width``, see `quadruple_swap`.

    Returns
    -------
    residual : float
    """
    taken, free, members, half, outs, ins, changes, moves, width = room
    for last in range(order.size - 1, 0, -1):
        other = below(state, last + 1)
        held = order[last]
        order[last] = order[other]
        order[other] = held
    residual = residual_of(values, chosen, wanted)
    for turn in range(order.size):
        begin = begins[order[turn]]
        end = ends[order[turn]]
        part = chosen[begin:end]
        count = 0
        for i in range(part.size):
            count += part[i]
        if 0 < count < part.size:
            own = taken[:count], free[: part.size - count]
            if kicked:
                kick(part, *own, state)
                kicked = False
                residual = residual_of(values, chosen, wanted)
            residual, _ = descend(values[begin:end], part, residual, tolerance, *own, ALL)
    for _ in range(_COMBINED):
        residual = residual_of(values, chosen, wanted)  # summed afresh: each swap rounds once
        if abs(residual) <= tolerance:
            break
        k = 0
        for i in range(chosen.size):
            if chosen[i]:
                members[k] = i
                k += 1
        reach = width + abs(residual)
        residual = quadruple_swap(
            values,
            begins,
            ends,
            group,
            chosen,
            members[:k],
            half,
            residual,
            reach,
            state,
            outs,
            ins,
            changes,
            moves,
        )
    return residual_of(values, chosen, wanted)
