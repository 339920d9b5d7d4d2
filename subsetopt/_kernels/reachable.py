"""Reachable subset sums by number of items: a dynamic program on bit sets.

Bellman's recursion for subset sums with the number of items as a second dimension, 64 sums a word.
Called by `solvers.exact._dynamic` on values that were shifted to be at least 0.
"""

import numpy as np

from ._jit import inner, kernel

UNREACHED = -1


@kernel
def reach(values, begin, end, first, bits):
    """Enter items begin..end-1 into the table of reachable (count, sum).

    Parameters
    ----------
    values : (n,) int64 >= 0
    begin, end : int
    first : (k + 1, sums) int32
        ``first[c, s]`` is the item with which c items first reached the sum s, else `UNREACHED`;
        changed in place.
    bits : (k + 1, words) uint64
        Bit s of row c: c items reach the sum s; changed in place.

    Notes
    -----
    O(n k sums / 64) word operations, and O(64 k sums) in all to enter what is new. Following
    ``first`` backwards yields a subset: what an item was added to was reached by earlier items.
    """
    rows, words = bits.shape
    sums = first.shape[1]
    for i in range(begin, end):
        value = values[i]
        if value >= sums:
            continue
        skip = value // 64
        shift = np.uint64(value % 64)
        # Downwards: row c + 1 takes from row c as it was before this item, so that none is taken
        # twice. From i items before it, no row above i has an entry.
        for c in range(min(i, rows - 2), -1, -1):
            for w in range(words - 1, skip - 1, -1):
                moved = bits[c, w - skip] << shift
                # A shift by 64 is undefined, so whole words are a case of their own.
                if shift != 0 and w > skip:
                    moved |= bits[c, w - skip - 1] >> (np.uint64(64) - shift)
                new = moved & ~bits[c + 1, w]
                if new != 0:
                    bits[c + 1, w] |= new
                    _enter(first, c + 1, w, new, i, sums)


@inner
def _enter(first, c, word, new, item, sums):
    # All bits of a word for each time that it has news: O(64 k sums) in all at worst, since every
    # time one bit at least is set for good.
    for b in range(64):
        if (new >> np.uint64(b)) & np.uint64(1):
            total = word * 64 + b
            # Bits past the table are kept in the last word, and shifted, but stand for nothing.
            if total < sums:
                first[c, total] = item


@kernel
def nearest(first, c, low):
    """Return the reachable sums of c items nearest to `low` from below and above, -1 for none."""
    below = low
    while below >= 0 and first[c, below] == UNREACHED:
        below -= 1
    above = low + 1
    while above < first.shape[1] and first[c, above] == UNREACHED:
        above += 1
    return below, (above if above < first.shape[1] else -1)


@kernel
def subset(values, first, total, items):
    """Fill `items` (c,) with one subset of c items with the given sum."""
    for position in range(items.size - 1, -1, -1):
        # What was there before its item was entered by earlier items, so that the way back never
        # meets an item twice.
        items[position] = first[position + 1, total]
        total -= values[items[position]]
