"""Matching a sum by swaps, on sorted values: starts, descent, rounds, and `select`.

Throughout, `values` (n,) is ascending float64, `chosen` (n,) marks k of its positions and the
residual is ``wanted - sum(values[chosen])``. A swap of the chosen i for the free j changes the sum
by ``values[j] - values[i]``, so the best one has a difference closest to the residual.

Called by `solvers.heuristics._scalar_search` (solver `swap`, and what `exact` begins with) and by
`selecting` for one row or many. It is Eq. 6 of One Backward from Ten Forward without its integer
programme. Sums are plain float64: they steer the search, and certification computes the objective
anew from the selection, rounded once.
"""

import math

import numpy as np

from ._jit import inner, kernel
from .multiple_swaps import double_swap, room, split, spread
from .rng import below

ALL = 2**31 - 1
"""So many swaps that there are never more."""


@kernel
def strided_start(values, k, wanted, chosen):
    """Choose the mid-points of k equal strata, tilted towards an end if the sum is far off.

    Returns the residual; O(k), with a tilt O(k) a bisection step. The tilt moves every position
    in proportion towards the k smallest or largest, so that the sum changes monotonically and
    positions stay distinct.
    """
    n = values.size
    # A sum within half the range of all values is left to the swaps: one exchange can move it as
    # far. OBFTF_prox of the paper stops here, with floor(i n / (k + 1)) of the descending
    # values for positions.
    residual = wanted - _tilted(values, k, 0.0, chosen)
    if abs(residual) <= 0.5 * (values[n - 1] - values[0]):
        return residual
    direction = 1.0 if residual > 0 else -1.0
    low, high = 0.0, 1.0
    # `low` falls short in the wanted direction; `high` does not, or is the end itself, where no
    # selection goes further.
    for _ in range(48):
        middle = 0.5 * (low + high)
        residual = wanted - _tilted(values, k, direction * middle, chosen)
        if direction * residual > 0:
            low = middle
        else:
            high = middle
    return wanted - _tilted(values, k, direction * high, chosen)


@inner
def _tilted(values, k, tilt, chosen):
    n = values.size
    chosen[:] = False
    total = 0.0
    weight = abs(tilt)
    end = n - k if tilt > 0 else 0
    stride = n / k
    for i in range(k):
        # Neighbours are at least (1 - weight) n / k + weight >= 1 apart, so their integer parts
        # differ.
        position = int((1.0 - weight) * ((i + 0.5) * stride) + weight * (end + i + 0.5))
        chosen[position] = True
        total += values[position]
    return total


@inner
def best_swap(values, taken, free, residual):
    """Return (error, i, j) of the swap that brings the sum closest: two pointers, O(n)."""
    i = 0
    j = 0
    best = np.inf
    best_i = 0
    best_j = 0
    while i < taken.size and j < free.size:
        # Both lists ascend. Where the excess is negative, j with any later i falls shorter still: j
        # is done. Where it is not, i with any later j overshoots by more: i is done.
        excess = values[free[j]] - values[taken[i]] - residual
        if abs(excess) < best:
            best = abs(excess)
            best_i = i
            best_j = j
        if excess < 0:
            j += 1
        else:
            i += 1
    return best, best_i, best_j


@inner
def descend(values, chosen, residual, tolerance, taken, free, most):
    """Apply best swaps until none helps or the residual is within tolerance, at most so many.

    Returns the residual, and whether it came to that end.
    """
    for _ in range(most):
        if abs(residual) <= tolerance:
            return residual, True
        split(chosen, taken, free)
        error, i, j = best_swap(values, taken, free, residual)
        if error >= abs(residual):
            return residual, True
        # The new residual is minus the excess that was compared, to the last bit; so it shrinks in
        # every turn, and the descent ends.
        residual -= values[free[j]] - values[taken[i]]
        chosen[taken[i]] = False
        chosen[free[j]] = True
    return residual, False


@inner
def kick(chosen, taken, free, state):
    """Exchange up to three random chosen positions for random free ones."""
    split(chosen, taken, free)
    for _ in range(min(3, taken.size, free.size)):
        i = below(state, taken.size)
        j = below(state, free.size)
        # The lists are those before the kick, and a position may be drawn twice.
        if chosen[taken[i]] and not chosen[free[j]]:
            chosen[taken[i]] = False
            chosen[free[j]] = True


@inner
def residual_of(values, chosen, wanted):
    total = 0.0
    for i in range(values.size):
        if chosen[i]:
            total += values[i]
    return wanted - total


@kernel
def settle(values, wanted, tolerance, kicks, state, chosen, trial, taken, free, most):
    """Begin a round: descend from `chosen`, kicked or not, to `trial`, by at most so many swaps.

    Returns the residual, and whether no swap helps any more.
    """
    for i in range(chosen.size):
        trial[i] = chosen[i]
    if kicks:
        kick(trial, taken, free, state)
    # Summed afresh each round: what the swaps have added up has rounded once for each.
    residual = residual_of(values, trial, wanted)
    return descend(values, trial, residual, tolerance, taken, free, most)


@kernel
def scale(values):
    """Divide ascending values by a power of two where sums or squares would leave the range.

    Returns the power: 0 for ordinary magnitudes, infinities and NaN.
    """
    # By a power of two differences and their order stay what they are, to the last bit, save where
    # a value is so far below the largest that it loses bits as a subnormal number.
    first = abs(values[0])
    last = abs(values[-1])
    largest = first if first > last else last  # NaN, which is sorted last, stays
    if largest == 0.0 or 1e-100 < largest < 1e100 or not np.isfinite(largest):
        return 0
    exponent = math.frexp(largest)[1]
    for i in range(values.size):
        values[i] = math.ldexp(values[i], -exponent)
    return exponent


@kernel
def write_indices(chosen, order, marked, indices):
    """Fill `indices` (k,) with the original places of the chosen positions, ascending; O(n)."""
    marked[:] = False
    for i in range(chosen.size):
        if chosen[i]:
            marked[order[i]] = True
    count = 0
    for i in range(chosen.size):
        if marked[i]:
            indices[count] = i
            count += 1


_room = inner(room)


@inner
def _refine(values, wanted, tolerance, rounds, pairs, state, chosen, trial, work):
    """Improve `chosen` in rounds of a descent and a double swap; the best is kept."""
    taken, free = work[0], work[1]
    best = residual_of(values, chosen, wanted)
    for turn in range(rounds):
        if taken.size == 0 or free.size == 0 or abs(best) <= tolerance:
            return
        residual, _ = settle(
            values, wanted, tolerance, turn > 0, state, chosen, trial, taken, free, ALL
        )
        if abs(residual) > tolerance:
            residual = double_swap(values, trial, residual, pairs, state, work)
        if abs(residual) < abs(best):
            best = residual
            for i in range(chosen.size):
                chosen[i] = trial[i]


@inner
def _select(values, order, target, tolerance, rounds, pairs, seed, chosen, trial, work, indices):
    """Select one row of ascending values; returns False if they are not all finite."""
    exponent = scale(values)
    n = values.size
    k = indices.size
    total = 0.0
    for i in range(n):
        total += values[i]
    if not np.isfinite(total):
        return False
    # `tolerance` is of the mean in interquartile ranges; the residual is of the sum, k times that.
    wanted = k * (total / n if np.isnan(target) else math.ldexp(target, -exponent))
    residual = strided_start(values, k, wanted, chosen)
    limit = tolerance * k * spread(values)
    if abs(residual) > limit:
        state = np.empty(1, np.uint64)
        state[0] = seed
        _refine(values, wanted, limit, rounds, pairs, state, chosen, trial, work)
    write_indices(chosen, order, trial, indices)
    return True


@kernel
def select_sorted(values, order, target, tolerance, rounds, pairs, seed, selected):
    """Select of one row, given ascending values and their original places; NaN target: the mean.

    `seed` is the word of `rng.seeded`. Fills `selected` with the indices, ascending, and returns
    whether the values are all finite. They may be scaled.
    """
    n = values.size
    chosen = np.empty(n, np.bool_)
    trial = np.empty(n, np.bool_)
    work = _room(n, selected.size, pairs)
    return _select(
        values, order, target, tolerance, rounds, pairs, seed, chosen, trial, work, selected
    )


@kernel
def select_rows(values, order, k, targets, tolerance, rounds, pairs, seed, selected):
    """Select k of each row of ascending values (B, n) into `selected`; returns the first bad row.

    -1 means that all rows are finite. Every row uses the same seed, so that a row's answer does
    not depend on its neighbours.
    """
    n = values.shape[1]
    chosen = np.empty(n, np.bool_)
    trial = np.empty(n, np.bool_)
    work = _room(n, k, pairs)  # once: memory is the one thing that threads would queue for
    for row in range(values.shape[0]):
        if not _select(
            values[row],
            order[row],
            targets[row],
            tolerance,
            rounds,
            pairs,
            seed,
            chosen,
            trial,
            work,
            selected[row],
        ):
            return row
    return -1
