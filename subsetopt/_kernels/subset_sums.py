"""Sorted sums of subsets, piece by piece: the kernels of the meet-in-the-middle search.

A subset's key is the sum of its items' keys, where an item's key is its value plus a constant so
large that the key's high part counts the items. Keys in order are then ordered by cardinality
first, and two keys that add up to a target agree with it in value and in cardinality. Called by
`solvers.exact._meet`, which scales the keys so that no sum of two leaves int64.
"""

import numpy as np

from ._jit import kernel

_CROWD = 64


@kernel
def subset_keys(keys, most, sums, parents, items, counts):
    """List all subsets of at most `most` items.

    Parameters
    ----------
    keys : (m,) int64
    most : int
    sums : (room,) int64, zero
        Becomes the key of each subset, unsorted; entry 0 is the empty one. There is room for
        ``sum C(m, c) for c <= most``.
    parents, items : (room,) int32, zero
        A subset is its parent and one item more.
    counts : (room,) int32, zero
        How many items it has.
    """
    size = 1
    for i in range(keys.size):
        # Each item doubles the list: the subsets without it, then those with it. A subset so comes
        # after its parent, and with its items ascending, once.
        before = size
        for entry in range(before):
            if counts[entry] < most:
                sums[size] = sums[entry] + keys[i]
                parents[size] = entry
                items[size] = i
                counts[size] = counts[entry] + 1
                size += 1


@kernel
def count_below(first, second, limit):
    """Count the pairs of two ascending lists whose sum is below a limit; linear time."""
    j = second.size  # how many of the second go with the i-th of the first: ever fewer
    count = 0
    for i in range(first.size):
        while j > 0 and first[i] + second[j - 1] >= limit:
            j -= 1
        if j == 0:
            break
        count += j
    return count


@kernel
def sums_between(first, second, low, high, out):
    """Fill `out` with the sums of pairs in [low, high), unsorted; returns how many."""
    start = second.size
    end = second.size
    count = 0
    for i in range(first.size):
        a = first[i]
        while end > 0 and a + second[end - 1] >= high:
            end -= 1
        if end == 0:
            break
        # Both ends of the matching interval of `second` only move down as `first` ascends: O(sizes
        # + out) in all.
        start = end if end < start else start
        while start > 0 and a + second[start - 1] >= low:
            start -= 1
        for j in range(start, end):
            out[count] = a + second[j]
            count += 1
    return count


@kernel
def sort_keys(keys, ends, out):
    """Fill `out` with the keys in ascending order; returns False where they are too much alike.

    Dealt into buckets of equal width, of which `ends` (buckets,) int32 is workspace, and sorted by
    insertion, O(keys + buckets): four times as fast as a sort by comparisons where keys are spread
    about evenly, as sums of subsets are in a short interval. Nothing is done where some bucket
    would have more than `_CROWD` keys.
    """
    low = keys[0]
    high = keys[0]
    for i in range(keys.size):
        low = keys[i] if keys[i] < low else low
        high = keys[i] if keys[i] > high else high
    shift = 0
    while (high - low) >> shift >= ends.size:
        shift += 1
    for b in range(ends.size):
        ends[b] = 0
    for i in range(keys.size):
        ends[(keys[i] - low) >> shift] += 1
    begin = 0
    for b in range(ends.size):
        size = ends[b]
        if size > _CROWD:
            return False
        ends[b] = begin
        begin += size
    for i in range(keys.size):
        b = (keys[i] - low) >> shift
        out[ends[b]] = keys[i]
        ends[b] += 1
    for i in range(1, keys.size):
        key = out[i]
        place = i
        while place > 0 and out[place - 1] > key:
            out[place] = out[place - 1]
            place -= 1
        out[place] = key
    return True


@kernel
def closest_pairs(x, y, target):
    """Return the pair sums nearest to a target from below and from above, in ascending lists.

    Returns ``(below, x_below, above, x_above)``: the distances ``target - (x + y) >= 0`` and
    ``(x + y) - target >= 0`` at their least, -1 where there is none, and the x of each.
    """
    i = 0
    j = y.size - 1
    below = np.int64(-1)
    above = np.int64(-1)
    x_below = np.int64(0)
    x_above = np.int64(0)
    while i < x.size and j >= 0:
        # Where the sum is not above the target, x[i] with any smaller y is farther below: i is
        # done. Where it is above, y[j] with any larger x is farther above: j is done.
        distance = x[i] + y[j] - target
        if distance <= 0:
            if below < 0 or -distance < below:
                below = -distance
                x_below = x[i]
            i += 1
        else:
            if above < 0 or distance < above:
                above = distance
                x_above = x[i]
            j -= 1
    return below, x_below, above, x_above


@kernel
def pairs_between(x, y, low, high, out):
    """Fill `out` (room, 2) with all pairs of two ascending lists whose sum is in [low, high].

    Returns how many there are, which may be more than there is room for.
    """
    end = y.size
    count = 0
    for i in range(x.size):
        while end > 0 and x[i] + y[end - 1] > high:
            end -= 1
        j = end - 1
        while j >= 0 and x[i] + y[j] >= low:
            if count < out.shape[0]:
                out[count, 0] = x[i]
                out[count, 1] = y[j]
            count += 1
            j -= 1
    return count
