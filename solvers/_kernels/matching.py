"""Matching a sum by swaps, on sorted values: the kernels behind `swap` and `select`.

Throughout, `values` (n,) is ascending float64, `chosen` (n,) marks k of its positions and the
residual is ``wanted - sum(values[chosen])``. A swap of the chosen i for the free j changes the sum
by ``values[j] - values[i]``, so the best one has a difference closest to the residual.
"""

import math

import numpy as np
from numba import njit

from .rng import below, seeded

_NO_MOVE = -1


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
def split(chosen, taken, free):
    """List the chosen positions in `taken` (k,) and the others in `free` (n - k,), ascending."""
    p = 0
    q = 0
    for i in range(chosen.size):
        if chosen[i]:
            taken[p] = i
            p += 1
        else:
            free[q] = i
            q += 1


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
def _exchange(chosen, i, j):
    chosen[i] = False
    chosen[j] = True


@njit(cache=True, nogil=True)
def descend(values, chosen, residual, tolerance, taken, free):
    """Apply best swaps until none helps or the residual is within tolerance; returns it."""
    while abs(residual) > tolerance:
        split(chosen, taken, free)
        error, i, j = best_swap(values, taken, free, residual)
        if error >= abs(residual):
            break
        residual -= values[free[j]] - values[taken[i]]
        _exchange(chosen, taken[i], free[j])
    return residual


@njit(cache=True, nogil=True)
def spread(values):
    """Return the interquartile range of ascending values, or their range where that is zero."""
    n = values.size
    middle = values[(3 * n) // 4] - values[n // 4]
    return middle if middle > 0.0 else values[n - 1] - values[0]


@njit(cache=True, nogil=True)
def _sample(positions, count, state, out):
    """Fill ``out[:count]`` with evenly spaced positions, from a random one on."""
    size = positions.size
    if count == size:
        out[:count] = positions
        return
    offset = below(state, size)
    for i in range(count):
        out[i] = positions[(offset + (i * size) // count) % size]


@njit(cache=True, nogil=True)
def _shares(k, m, cap):
    """Return how many of k taken and of m free to use, as even as can be, product at most cap."""
    p = min(k, max(1, int(np.sqrt(cap))))
    q = min(m, max(1, cap // p))
    p = min(k, max(1, cap // q))
    return p, q


@njit(cache=True, nogil=True)
def double_swap(values, chosen, residual, cap, taken, free, state):
    """Apply the best pair of disjoint swaps among up to cap**2 / 2 pairs; returns the residual.

    Two-sum by hashing: the differences of up to `cap` swaps go into buckets of a width such that
    one holds about half a swap; each looks up its complement before it enters. O(cap) time and
    memory. A partner in a neighbouring bucket is missed, with probability about 1 / cap.
    """
    k = taken.size
    m = free.size
    split(chosen, taken, free)
    p, q = _shares(k, m, cap)
    outs = np.empty(p, np.int64)
    ins = np.empty(q, np.int64)
    _sample(taken, p, state, outs)
    _sample(free, q, state, ins)
    buckets = 2
    while buckets < 2 * p * q:
        buckets *= 2
    half = 2.0 * spread(values) + abs(residual)
    low = 0.5 * residual - half
    scale = buckets / (2.0 * half)
    difference = np.full(buckets, np.inf)
    swap = np.empty(buckets, np.int64)
    best = abs(residual)
    first = _NO_MOVE
    second = _NO_MOVE
    for i in range(p):
        out = values[outs[i]]
        for j in range(q):
            change = values[ins[j]] - out
            place = (change - low) * scale
            if 0.0 <= place < buckets:
                bucket = int(place)
                opposite = buckets - 1 - bucket
                error = abs(difference[opposite] + change - residual)
                if error < best:
                    other = swap[opposite]
                    if other // q != i and other % q != j:
                        best = error
                        first = i * q + j
                        second = other
                difference[bucket] = change
                swap[bucket] = i * q + j
    if first != _NO_MOVE:
        for move in (first, second):
            residual -= values[ins[move % q]] - values[outs[move // q]]
            _exchange(chosen, outs[move // q], ins[move % q])
    return residual


@njit(cache=True, nogil=True)
def _pair_moves(values, outs, ins, part, cap, changes, moves):
    """List exchanges of two for two among every second position; returns how many."""
    count = 0
    for a in range(part, outs.size, 2):
        for b in range(part, a, 2):
            out = values[outs[a]] + values[outs[b]]
            for c in range(part, ins.size, 2):
                for d in range(part, c, 2):
                    if count == cap:
                        return count
                    changes[count] = values[ins[c]] + values[ins[d]] - out
                    moves[count] = ((a * 64 + b) * 64 + c) * 64 + d
                    count += 1
    return count


@njit(cache=True, nogil=True)
def quadruple_swap(values, chosen, residual, cap, taken, free, state):
    """Apply the best of up to cap**2 exchanges of four for four; returns the residual.

    Positions are dealt into two halves; each half's exchanges of two for two are listed, and a
    two-sum over the two lists finds the best combination. O(cap) time and memory.
    """
    split(chosen, taken, free)
    p = min(taken.size, 2 + int(np.sqrt(np.sqrt(16.0 * cap))))
    q = min(free.size, 64, 2 + int(np.sqrt(16.0 * cap / max(1, (p // 2) * (p // 2 - 1)))))
    p = min(p, 64)
    outs = np.empty(p, np.int64)
    ins = np.empty(q, np.int64)
    _sample(taken, p, state, outs)
    _sample(free, q, state, ins)
    changes = np.empty(cap)
    moves = np.empty(cap, np.int64)
    count = _pair_moves(values, outs, ins, 0, cap, changes, moves)
    buckets = 2
    while buckets < 2 * count:
        buckets *= 2
    half = 3.0 * spread(values) + abs(residual)
    low = 0.5 * residual - half
    scale = buckets / (2.0 * half)
    entry = np.full(buckets, _NO_MOVE)
    for e in range(count):
        place = (changes[e] - low) * scale
        if 0.0 <= place < buckets:
            entry[int(place)] = e
    others = np.empty(cap)
    other_moves = np.empty(cap, np.int64)
    count = _pair_moves(values, outs, ins, 1, cap, others, other_moves)
    best = abs(residual)
    first = _NO_MOVE
    second = _NO_MOVE
    for e in range(count):
        place = (others[e] - low) * scale
        if 0.0 <= place < buckets:
            partner = entry[buckets - 1 - int(place)]
            if partner != _NO_MOVE:
                error = abs(changes[partner] + others[e] - residual)
                if error < best:
                    best = error
                    first = moves[partner]
                    second = other_moves[e]
    if first != _NO_MOVE:
        for move in (first, second):
            a, b = move // 262144, move // 4096 % 64
            c, d = move // 64 % 64, move % 64
            residual -= values[ins[c]] + values[ins[d]] - values[outs[a]] - values[outs[b]]
            _exchange(chosen, outs[a], ins[c])
            _exchange(chosen, outs[b], ins[d])
    return residual


@njit(cache=True, nogil=True)
def _kick(chosen, taken, free, state):
    """Exchange up to three random chosen positions for random free ones."""
    split(chosen, taken, free)
    for _ in range(min(3, taken.size, free.size)):
        i = below(state, taken.size)
        j = below(state, free.size)
        if chosen[taken[i]] and not chosen[free[j]]:
            _exchange(chosen, taken[i], free[j])


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
    best = _residual(values, chosen, wanted)
    if k == 0 or k == n or abs(best) <= tolerance:
        return best, begin
    trial = chosen.copy()
    for turn in range(begin, end):
        if turn > 0:
            trial[:] = chosen
            _kick(trial, taken, free, state)
        residual = _residual(values, trial, wanted)
        residual = descend(values, trial, residual, tolerance, taken, free)
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
