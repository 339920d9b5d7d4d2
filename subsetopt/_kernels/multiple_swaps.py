"""Multiple swaps of scalar values by two-sum hashing.

As in `matching`: `values` (n,) is ascending float64, `chosen` (n,) marks k of its positions, and
the residual is ``wanted - sum(values[chosen])``. Called after the descents of `matching`, where no
single swap helps any more: of cap swaps, cap^2 / 2 pairs are compared for the work of cap. A round
of `solvers.heuristics._scalar_search` takes four for four first, and two for two from there;
`select`, which has microseconds, two for two alone.
"""

import numpy as np

from ._jit import inner, kernel
from .rng import below

_NO_MOVE = -1


@inner
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


@inner
def spread(values):
    """Return the interquartile range of ascending values, or their range where that is zero."""
    n = values.size
    middle = values[(3 * n) // 4] - values[n // 4]
    return middle if middle > 0.0 else values[n - 1] - values[0]


@inner
def sample(positions, count, state, out):
    """Fill ``out[:count]`` with evenly spaced positions, from a random one on."""
    size = positions.size
    # Distances are size / count >= 1, so that no position is taken twice.
    offset = below(state, size) if count < size else 0
    for i in range(count):
        out[i] = positions[(offset + (i * size) // count) % size]


def room(n, k, cap):
    """Return the arrays that `double_swap` works in, for k of n and up to `cap` swaps.

    Taken and free positions, samples of both, the values of one, and its two hash tables.
    """
    buckets = 2
    while buckets < 2 * min(cap, k * (n - k)):
        buckets *= 2
    return (
        np.empty(k, np.int64),
        np.empty(n - k, np.int64),
        np.empty(k, np.int64),
        np.empty(n - k, np.int64),
        np.empty(n - k, np.float64),
        np.empty(buckets, np.float64),
        np.empty(buckets, np.int32),
    )


@kernel
def double_swap(values, chosen, residual, cap, state, work):
    """Apply the best pair of disjoint swaps among up to cap**2 / 2 pairs; returns the residual.

    Two-sum by hashing: the differences of up to `cap` swaps go into buckets of a width such that
    one holds about half a swap; each looks up its complement before it enters. O(cap) time and
    memory. A partner in a neighbouring bucket is missed, with probability about 1 / cap.
    """
    taken, free, outs, ins, entering, difference, swap = work
    k = taken.size
    m = free.size
    split(chosen, taken, free)
    p = min(k, max(1, int(np.sqrt(cap))))  # as even as can be, product at most cap
    q = min(m, max(1, cap // p))
    p = min(k, max(1, cap // q))
    sample(taken, p, state, outs)
    sample(free, q, state, ins)
    for j in range(q):
        entering[j] = values[ins[j]]
    buckets = difference.size
    last = np.uint64(buckets - 1)
    difference[:] = np.inf
    # The buckets are laid about residual / 2: the complement of a change lies in the mirrored
    # bucket, however wide they are. Changes beyond two interquartile ranges are few, and left out.
    half = 2.0 * spread(values) + abs(residual)
    low = 0.5 * residual - half
    scale = buckets / (2.0 * half)
    best = abs(residual)
    first = _NO_MOVE
    second = _NO_MOVE
    for i in range(p):
        out = values[outs[i]]
        for j in range(q):
            change = entering[j] - out
            place = (change - low) * scale
            if 0.0 <= place < buckets:
                bucket = np.uint64(place)  # an index that cannot be negative needs no look
                opposite = last - bucket
                # Looking before entering meets every pair once. An empty bucket says infinity.
                error = abs(difference[opposite] + change - residual)
                if error < best:
                    other = swap[opposite]
                    # Two swaps are one exchange only where no position is in both.
                    if other // q != i and other % q != j:
                        best = error
                        first = i * q + j
                        second = other
                # A later change takes the place of an earlier one: a candidate less, no error.
                difference[bucket] = change
                swap[bucket] = i * q + j
    if first != _NO_MOVE:
        for move in (first, second):
            residual -= values[ins[move % q]] - values[outs[move // q]]
            chosen[outs[move // q]] = False
            chosen[ins[move % q]] = True
    return residual


@inner
def _pairs(values, positions, part, sums, ends):
    """List the pairs of every second position: their sums, and the two positions of each."""
    count = 0
    for a in range(part, positions.size, 2):
        for b in range(part, a, 2):
            sums[count] = values[positions[a]] + values[positions[b]]
            ends[2 * count] = positions[a]
            ends[2 * count + 1] = positions[b]
            count += 1
    return count


@kernel
def quadruple_swap(values, chosen, residual, cap, state, taken, free):
    """Apply the best of up to cap**2 exchanges of four for four; returns the residual.

    The positions are dealt into two halves. The exchanges of two for two within the first half go
    into buckets, as in `double_swap`; those of the second half look up their complements. O(cap)
    time and memory.
    """
    split(chosen, taken, free)
    # A half of 2 r positions has 2 r^2 - r pairs; both halves of both sides should have sqrt(cap).
    share = 2 * int(np.sqrt(2.0 * np.sqrt(1.0 * cap)) + 0.5)
    p = min(taken.size, share)
    q = min(free.size, max(share, int(share * share / p)))
    outs = np.empty(p, np.int64)
    ins = np.empty(q, np.int64)
    sample(taken, p, state, outs)
    sample(free, q, state, ins)
    most_out = ((p + 1) // 2) * ((p + 1) // 2 - 1) // 2  # of the first half, the larger one
    most_in = ((q + 1) // 2) * ((q + 1) // 2 - 1) // 2
    # Every second position is in the first half, the others in the second: exchanges of different
    # halves are disjoint without a look.
    # Sums of pairs on either side, some sqrt(cap) of them: lists of the exchanges themselves, with
    # four positions each, took twice the time.
    out_sums = np.empty(most_out, np.float64)
    in_sums = np.empty(most_in, np.float64)
    out_ends = np.empty(2 * most_out, np.int64)
    in_ends = np.empty(2 * most_in, np.int64)
    _pairs(values, outs, 0, out_sums, out_ends)
    _pairs(values, ins, 0, in_sums, in_ends)
    buckets = 2
    while buckets < 2 * most_out * most_in:
        buckets *= 2
    half = 3.0 * spread(values) + abs(residual)
    low = 0.5 * residual - half
    scale = buckets / (2.0 * half)
    difference = np.empty(buckets, np.float64)
    difference[:] = np.inf
    move = np.empty(buckets, np.int32)
    for i in range(most_out):
        for j in range(most_in):
            change = in_sums[j] - out_sums[i]
            place = (change - low) * scale
            if 0.0 <= place < buckets:
                difference[int(place)] = change
                move[int(place)] = i * most_in + j
    other_out_sums = np.empty(most_out, np.float64)
    other_in_sums = np.empty(most_in, np.float64)
    other_out_ends = np.empty(2 * most_out, np.int64)
    other_in_ends = np.empty(2 * most_in, np.int64)
    other_outs = _pairs(values, outs, 1, other_out_sums, other_out_ends)
    other_ins = _pairs(values, ins, 1, other_in_sums, other_in_ends)
    best = abs(residual)
    first = _NO_MOVE
    second = _NO_MOVE
    for i in range(other_outs):
        for j in range(other_ins):
            change = other_in_sums[j] - other_out_sums[i]
            place = (change - low) * scale
            if 0.0 <= place < buckets:
                opposite = buckets - 1 - int(place)
                error = abs(difference[opposite] + change - residual)
                if error < best:
                    best = error
                    first = move[opposite]
                    second = i * other_ins + j
    if first != _NO_MOVE:
        # Summed pair by pair: the order decides the last bit of the residual.
        residual -= _exchange_pairs(
            values, chosen, out_ends, in_ends, 2 * (first // most_in), 2 * (first % most_in)
        )
        residual -= _exchange_pairs(
            values,
            chosen,
            other_out_ends,
            other_in_ends,
            2 * (second // other_ins),
            2 * (second % other_ins),
        )
    return residual


@inner
def _exchange_pairs(values, chosen, outs, ins, out, into):
    """Exchange two chosen positions for two free ones; returns the change of the sum."""
    change = 0.0
    for e in range(2):
        chosen[outs[out + e]] = False
        chosen[ins[into + e]] = True
        change += values[ins[into + e]] - values[outs[out + e]]
    return change
