"""Matching a sum by swaps, on sorted values: starts, descent, rounds, and `select`.

Throughout, `values` (n,) is ascending float64, `chosen` (n,) marks k of its positions and the
residual is ``wanted - sum(values[chosen])``. A swap of the chosen i for the free j changes the sum
by ``values[j] - values[i]``, so the best one has a difference closest to the residual.
"""

import math

import numpy as np

from subsetopt.compiled import njit

from .exchanges import double_swap, exchange, quadruple_swap, split, spread, workspace
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
def descend(values, chosen, residual, tolerance, taken, free):
    """Apply best swaps until none helps or the residual is within tolerance; returns it."""
    while abs(residual) > tolerance:
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
def refine(values, k, wanted, tolerance, begin, end, pairs, quads, state, chosen):
    """Improve `chosen` in place, in rounds begin..end-1; returns (residual, next round).

    A round descends by single swaps, then tries exchanges of four for four among `quads` pairs of
    swaps, then double swaps among `pairs` swaps. It stops as soon as ``|residual| <= tolerance``.
    Rounds after round 0 start from the best so far with a few random swaps; the best is kept.
    """
    work = workspace(values.size, k, pairs)
    return _refine(values, wanted, tolerance, begin, end, pairs, quads, state, chosen, work)


@njit(cache=True, nogil=True)
def _refine(values, wanted, tolerance, begin, end, pairs, quads, state, chosen, work):
    taken, free, trial = work[0], work[1], work[4]
    best = _residual(values, chosen, wanted)
    if taken.size == 0 or free.size == 0 or abs(best) <= tolerance:
        return best, begin
    for turn in range(begin, end):
        trial[:] = chosen
        if turn > 0:
            _kick(trial, taken, free, state)
        residual = _residual(values, trial, wanted)
        residual = descend(values, trial, residual, tolerance, taken, free)
        if abs(residual) > tolerance and quads > 0 and min(taken.size, free.size) >= 4:
            residual = quadruple_swap(values, trial, residual, quads, state, work)
        if abs(residual) > tolerance and pairs > 0:
            residual = double_swap(values, trial, residual, pairs, state, work)
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
def gather(losses, order, values):
    """Fill `values` with the losses in ascending order; returns the power of two divided by."""
    for i in range(losses.size):
        values[i] = losses[order[i]]
    exponent = exponent_of(max(abs(values[0]), abs(values[-1])))
    if exponent != 0:
        for i in range(values.size):
            values[i] = math.ldexp(values[i], -exponent)
    return exponent


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _select(losses, order, target, tolerance, rounds, pairs, seed, values, chosen, work, indices):
    """Select one row; returns False if its losses are not all finite."""
    exponent = gather(losses, order, values)
    n = values.size
    k = indices.size
    total = 0.0
    for i in range(n):
        total += values[i]
    if not np.isfinite(total):
        return False
    wanted = k * (total / n if np.isnan(target) else math.ldexp(target, -exponent))
    residual = strided_start(values, k, wanted, chosen)
    limit = tolerance * k * spread(values)
    if abs(residual) > limit:
        _refine(values, wanted, limit, 0, rounds, pairs, 0, seeded(seed), chosen, work)
    write_indices(chosen, order, work[4], indices)
    return True


@njit(cache=True, nogil=True)
def select_sorted(losses, order, k, target, tolerance, rounds, pairs, seed):
    """Select k of one row of losses, given the order that sorts them; NaN target is the mean.

    Returns the indices, ascending; none at all if the losses are not all finite.
    """
    n = losses.size
    values = np.empty(n)
    chosen = np.empty(n, np.bool_)
    work = workspace(n, k, pairs)
    indices = np.empty(k, np.int64)
    if _select(
        losses, order, target, tolerance, rounds, pairs, seed, values, chosen, work, indices
    ):
        return indices
    return indices[:0]


@njit(cache=True, nogil=True)
def select_rows(losses, order, k, targets, tolerance, rounds, pairs, seed, selected):
    """Select k of each row of losses (B, n) into `selected` (B, k); returns the first bad row.

    -1 means that all rows are finite. Every row uses the same seed, so that a row's answer does
    not depend on its neighbours.
    """
    n = losses.shape[1]
    values = np.empty(n)
    chosen = np.empty(n, np.bool_)
    work = workspace(n, k, pairs)
    for row in range(losses.shape[0]):
        if not _select(
            losses[row],
            order[row],
            targets[row],
            tolerance,
            rounds,
            pairs,
            seed,
            values,
            chosen,
            work,
            selected[row],
        ):
            return row
    return -1
