"""Exchanging several chosen values for free ones at once, by two-sum hashing.

As in `matching`: `values` (n,) is ascending float64, `chosen` (n,) marks k of its positions, and
the residual is ``wanted - sum(values[chosen])``.
"""

import numpy as np

from subsetopt.compiled import njit

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
def _pairs(values, positions, part):
    """List the pairs of every second position: their sums, and the two positions of each."""
    half = (positions.size - part + 1) // 2
    room = half * (half - 1) // 2
    sums = np.empty(room)
    ends = np.empty((room, 2), np.int64)
    count = 0
    for a in range(part, positions.size, 2):
        for b in range(part, a, 2):
            sums[count] = values[positions[a]] + values[positions[b]]
            ends[count, 0] = positions[a]
            ends[count, 1] = positions[b]
            count += 1
    return sums, ends


@njit(cache=True, nogil=True)
def _exchange_pairs(values, chosen, outs, ins):
    """Exchange two chosen positions for two free ones; returns the change of the sum."""
    change = 0.0
    for e in range(2):
        exchange(chosen, outs[e], ins[e])
        change += values[ins[e]] - values[outs[e]]
    return change


@njit(cache=True, nogil=True)
def quadruple_swap(values, chosen, residual, cap, state, work):
    """Apply the best of up to cap**2 exchanges of four for four; returns the residual.

    The positions are dealt into two halves. The exchanges of two for two within the first half go
    into buckets, as in `double_swap`; those of the second half look up their complements. O(cap)
    time and memory.
    """
    taken, free = work[0], work[1]
    split(chosen, taken, free)
    # A half of 2 r positions has 2 r^2 - r pairs; both halves of both sides should have sqrt(cap).
    share = 2 * int(np.sqrt(2.0 * np.sqrt(1.0 * cap)) + 0.5)
    p = min(taken.size, share)
    q = min(free.size, max(share, int(share * share / p)))
    outs = np.empty(p, np.int64)
    ins = np.empty(q, np.int64)
    _sample(taken, p, state, outs)
    _sample(free, q, state, ins)
    out_sums, out_ends = _pairs(values, outs, 0)
    in_sums, in_ends = _pairs(values, ins, 0)
    buckets = 2
    while buckets < 2 * out_sums.size * in_sums.size:
        buckets *= 2
    half = 3.0 * spread(values) + abs(residual)
    low = 0.5 * residual - half
    scale = buckets / (2.0 * half)
    difference = np.full(buckets, np.inf)
    move = np.empty(buckets, np.int32)
    for i in range(out_sums.size):
        for j in range(in_sums.size):
            change = in_sums[j] - out_sums[i]
            place = (change - low) * scale
            if 0.0 <= place < buckets:
                difference[int(place)] = change
                move[int(place)] = i * in_sums.size + j
    other_out_sums, other_out_ends = _pairs(values, outs, 1)
    other_in_sums, other_in_ends = _pairs(values, ins, 1)
    best = abs(residual)
    first = _NO_MOVE
    second = _NO_MOVE
    for i in range(other_out_sums.size):
        for j in range(other_in_sums.size):
            change = other_in_sums[j] - other_out_sums[i]
            place = (change - low) * scale
            if 0.0 <= place < buckets:
                opposite = buckets - 1 - int(place)
                error = abs(difference[opposite] + change - residual)
                if error < best:
                    best = error
                    first = move[opposite]
                    second = i * other_in_sums.size + j
    if first != _NO_MOVE:
        i, j = first // in_sums.size, first % in_sums.size
        residual -= _exchange_pairs(values, chosen, out_ends[i], in_ends[j])
        i, j = second // other_in_sums.size, second % other_in_sums.size
        residual -= _exchange_pairs(values, chosen, other_out_ends[i], other_in_ends[j])
    return residual
