"""Matching a sum by swaps, on sorted values: starts, descent, rounds, and `select`.

Throughout, `values` (n,) is ascending float64, `chosen` (n,) marks k of its positions and the
residual is ``wanted - sum(values[chosen])``. A swap of the chosen i for the free j changes the sum
by ``values[j] - values[i]``, so the best one has a difference closest to the residual.
"""

import math

import numpy as np
from numba import njit

from .exchanges import double_swap, exchange, quadruple_swap, split, spread
from .rng import below, seeded


@njit(cache=True, nogil=True)
def strided_start(values, k, wanted, chosen):
    """Choose the mid-points of k equal strata, tilted towards an end if the sum is far off.

    Returns the residual; O(k), with a tilt O(k) a bisection step. The tilt moves every position
    in proportion towards the k smallest or largest, so that the sum changes monotonically and
    positions stay distinct.
    """
    n = values.size
    residual = wanted - _tilted(values, k, 0.0, chosen)
    if abs(residual) <= 0.5 * (values[n - 1] - values[0]):
        return residual
    direction = 1.0 if residual > 0 else -1.0
    low, high = 0.0, 1.0
    for _ in range(48):
        middle = 0.5 * (low + high)
        residual = wanted - _tilted(values, k, direction * middle, chosen)
        if direction * residual > 0:
            low = middle
        else:
            high = middle
    return wanted - _tilted(values, k, direction * high, chosen)


@njit(cache=True, nogil=True)
def _tilted(values, k, tilt, chosen):
    n = values.size
    chosen[:] = False
    total = 0.0
    weight = abs(tilt)
    end = n - k if tilt > 0 else 0
    stride = n / k
    for i in range(k):
        position = int((1.0 - weight) * ((i + 0.5) * stride) + weight * (end + i + 0.5))
        chosen[position] = True
        total += values[position]
    return total


@njit(cache=True, nogil=True)
def best_swap(values, taken, free, residual):
    """Return (error, i, j) of the swap that brings the sum closest: two pointers, O(n)."""
    i = 0
    j = 0
    best = np.inf
    best_i = 0
    best_j = 0
    while i < taken.size and j < free.size:
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


@njit(cache=True, nogil=True)
def descend(values, chosen, residual, tolerance, most, taken, free):
    """Apply best swaps until none helps, the residual is within tolerance or `most` are applied.

    Returns the residual.
    """
    for _ in range(most):
        if abs(residual) <= tolerance:
            break
        split(chosen, taken, free)
        error, i, j = best_swap(values, taken, free, residual)
        if error >= abs(residual):
            break
        residual -= values[free[j]] - values[taken[i]]
        exchange(chosen, taken[i], free[j])
    return residual


@njit(cache=True, nogil=True)
def _kick(chosen, taken, free, state):
    """Exchange up to three random chosen positions for random free ones."""
    split(chosen, taken, free)
    for _ in range(min(3, taken.size, free.size)):
        i = below(state, taken.size)
        j = below(state, free.size)
        if chosen[taken[i]] and not chosen[free[j]]:
            exchange(chosen, taken[i], free[j])


@njit(cache=True, nogil=True)
def _residual(values, chosen, wanted):
    total = 0.0
    for i in range(values.size):
        if chosen[i]:
            total += values[i]
    return wanted - total


@njit(cache=True, nogil=True)
def refine(values, wanted, tolerance, begin, end, pairs, quads, state, chosen):
    """Improve `chosen` in place, in rounds begin..end-1; returns (residual, next round).

    A round descends by single swaps, then tries double swaps among `pairs` swaps, then quadruple
    ones among `quads` exchanges, and stops as soon as ``|residual| <= tolerance``. Rounds after
    round 0 start from the best so far with a few random swaps; the best is kept.
    """
    n = values.size
    k = 0
    for i in range(n):
        k += chosen[i]
    taken = np.empty(k, np.int64)
    free = np.empty(n - k, np.int64)
    # On short arrays a double swap costs no more than a few scans for single ones.
    singles = 2 if n * n <= 16 * pairs else n
    best = _residual(values, chosen, wanted)
    if k == 0 or k == n or abs(best) <= tolerance:
        return best, begin
    trial = chosen.copy()
    for turn in range(begin, end):
        if turn > 0:
            trial[:] = chosen
            _kick(trial, taken, free, state)
        residual = _residual(values, trial, wanted)
        residual = descend(values, trial, residual, tolerance, singles, taken, free)
        if abs(residual) > tolerance and pairs > 0:
            residual = double_swap(values, trial, residual, pairs, taken, free, state)
        # Just above the tolerance, another round of double swaps is the cheaper way there.
        if abs(residual) > 4.0 * tolerance and quads > 0 and k >= 4 and n - k >= 4:
            residual = quadruple_swap(values, trial, residual, quads, taken, free, state)
        if abs(residual) < abs(best):
            best = residual
            chosen[:] = trial
        if abs(best) <= tolerance:
            return best, turn + 1
    return best, end


@njit(cache=True, nogil=True)
def exponent_of(magnitude):
    """Return the power of two to divide by so that sums and squares stay in range; mostly 0."""
    if magnitude == 0.0 or 1e-100 < magnitude < 1e100 or not np.isfinite(magnitude):
        return 0
    return math.frexp(magnitude)[1]


@njit(cache=True, nogil=True)
def gathered(losses, order):
    """Return (losses in ascending order as float64, the power of two they were divided by)."""
    values = np.empty(losses.size)
    for i in range(losses.size):
        values[i] = losses[order[i]]
    exponent = exponent_of(max(abs(values[0]), abs(values[-1])))
    if exponent != 0:
        for i in range(values.size):
            values[i] = math.ldexp(values[i], -exponent)
    return values, exponent


@njit(cache=True, nogil=True)
def indices_of(chosen, order, k):
    """Return the original indices of the chosen positions, ascending; O(n)."""
    marked = np.zeros(chosen.size, np.bool_)
    for i in range(chosen.size):
        if chosen[i]:
            marked[order[i]] = True
    indices = np.empty(k, np.int64)
    count = 0
    for i in range(chosen.size):
        if marked[i]:
            indices[count] = i
            count += 1
    return indices


@njit(cache=True, nogil=True)
def select_sorted(losses, order, k, target, tolerance, rounds, pairs, seed):
    """Select k of one row of losses, given the order that sorts them; NaN target is the mean.

    Returns the indices, ascending; none at all if the losses are not all finite.
    """
    values, exponent = gathered(losses, order)
    n = values.size
    total = 0.0
    for i in range(n):
        total += values[i]
    if not np.isfinite(total):
        return np.empty(0, np.int64)
    wanted = k * (total / n if np.isnan(target) else math.ldexp(target, -exponent))
    chosen = np.empty(n, np.bool_)
    residual = strided_start(values, k, wanted, chosen)
    limit = tolerance * k * spread(values)
    if abs(residual) > limit:
        refine(values, wanted, limit, 0, rounds, pairs, 0, seeded(seed), chosen)
    return indices_of(chosen, order, k)


@njit(cache=True, nogil=True)
def select_rows(losses, order, k, targets, tolerance, rounds, pairs, seed, selected):
    """Select k of each row of losses (B, n) into `selected` (B, k); returns the first bad row.

    -1 means that all rows are finite. Every row uses the same seed, so that a row's answer does
    not depend on its neighbours.
    """
    for row in range(losses.shape[0]):
        indices = select_sorted(
            losses[row], order[row], k, targets[row], tolerance, rounds, pairs, seed
        )
        if indices.size == 0:
            return row
        selected[row] = indices
    return -1
