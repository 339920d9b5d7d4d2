"""Exchanging several chosen values for free ones at once, by two-sum hashing.

As in `matching`: `values` (n,) is ascending float64, `chosen` (n,) marks k of its positions, and
the residual is ``wanted - sum(values[chosen])``.
"""

import numpy as np
from numba import njit

from .rng import below

_NO_MOVE = -1


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
def exchange(chosen, i, j):
    chosen[i] = False
    chosen[j] = True


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
def workspace(n, k, cap):
    """Return the arrays that `matching.refine` works in, for k of n and up to `cap` swaps.

    Taken and free positions, samples of both, a trial selection, and the two hash tables of
    `double_swap`. Made once for a batch: memory is the one thing its threads would queue for.
    """
    buckets = 2
    while buckets < 2 * min(cap, k * (n - k)):
        buckets *= 2
    return (
        np.empty(k, np.int64),
        np.empty(n - k, np.int64),
        np.empty(k, np.int64),
        np.empty(n - k, np.int64),
        np.empty(n, np.bool_),
        np.empty(buckets),
        np.empty(buckets, np.int64),
    )


@njit(cache=True, nogil=True)
def double_swap(values, chosen, residual, cap, state, work):
    """Apply the best pair of disjoint swaps among up to cap**2 / 2 pairs; returns the residual.

    Two-sum by hashing: the differences of up to `cap` swaps go into buckets of a width such that
    one holds about half a swap; each looks up its complement before it enters. O(cap) time and
    memory. A partner in a neighbouring bucket is missed, with probability about 1 / cap.
    """
    taken, free, outs, ins, _, difference, swap = work
    split(chosen, taken, free)
    p, q = _shares(taken.size, free.size, cap)
    _sample(taken, p, state, outs)
    _sample(free, q, state, ins)
    buckets = difference.size
    difference[:] = np.inf
    half = 2.0 * spread(values) + abs(residual)
    low = 0.5 * residual - half
    scale = buckets / (2.0 * half)
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
            exchange(chosen, outs[move // q], ins[move % q])
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
def quadruple_swap(values, chosen, residual, cap, state, work):
    """Apply the best of up to cap**2 exchanges of four for four; returns the residual.

    Positions are dealt into two halves; each half's exchanges of two for two are listed, and a
    two-sum over the two lists finds the best combination. O(cap) time and memory.
    """
    taken, free = work[0], work[1]
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
            exchange(chosen, outs[a], ins[c])
            exchange(chosen, outs[b], ins[d])
    return residual
