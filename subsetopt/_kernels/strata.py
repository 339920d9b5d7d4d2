"""Mean matching of few distinct rows, such as labels: how many of each to choose.

Called by `torch.search._compiled`, on arrays as in `row_swaps`. Alike columns may take each other's
place, so that the search is over S counts, in O(S d) a turn where single columns take O(n d), and
sees exchanges between all strata at once.
"""

import math

import numpy as np

from ._jit import kernel
from .row_swaps import nearest

_LEAST = 1e-6  # as in `columns`
BLOCK = 256  # columns told apart at a time


@kernel
def strata_of(columns, stratum, first, mixed, held, seen, signatures):
    """Set `stratum` to which columns are alike; returns how many kinds, -1 for too many.

    ``stratum[p]`` (n,) becomes the number of the kind of column p, as they come, and ``first[s]``
    (most,) the first column of that kind. Columns are told apart by a sum in double precision with
    irrational factors. O(d) a column; it gives up as soon as there are too many kinds.

    Parameters
    ----------
    mixed : (d,) float64
        The factors.
    held : (buckets,) int64
        A hash table, larger than `first`; workspace, as are the others.
    seen : (most,) float64, signatures : (BLOCK,) float64
    """
    d, n = columns.shape
    buckets = held.size
    for b in range(buckets):
        held[b] = -1
    count = 0
    for begin in range(0, n, BLOCK):
        size = BLOCK if begin + BLOCK < n else n - begin
        for p in range(size):
            signatures[p] = 0.0
        for q in range(d):
            for p in range(size):
                signatures[p] += mixed[q] * columns[q, begin + p]
        for p in range(size):
            # Kinds are told apart by this number alone. Where two share it by chance, their columns
            # are matched as if they were alike: a worse selection, of k places all the same.
            value = signatures[p]
            fraction = abs(value) * 1031.7
            place = np.int64((fraction - math.floor(fraction)) * buckets) % buckets
            while held[place] >= 0 and seen[held[place]] != value:
                place = (place + 1) % buckets
            # There are at least four buckets for each kind that fits, so that the search ends.
            if held[place] < 0:
                if count == first.size:
                    return -1
                held[place] = count
                seen[count] = value
                first[count] = begin + p
                count += 1
            stratum[begin + p] = held[place]
    return count


@kernel
def apportion(columns, k, stratum, first, turns, kinds, chosen, free, total, vector, squares):
    """Set `chosen` to how many columns of each stratum to choose, from those of the first k on.

    Exchanges one column for one of the best other stratum, until that never helps or for so many
    turns. O(S d) each, for S strata.

    Parameters
    ----------
    first : (S,) int64
        The first column of each stratum.
    kinds : (d, S) float32
        Becomes these columns.
    free : (S,) int64, total : (d,) float64, vector : (d,) float32, squares : (S,) float32
        Workspace.
    """
    d, n = columns.shape
    count = first.size
    for s in range(count):
        chosen[s] = 0
        free[s] = 0
    for q in range(d):
        total[q] = 0.0
        for s in range(count):
            kinds[q, s] = columns[q, first[s]]
    for p in range(n):
        if p < k:
            chosen[stratum[p]] += 1
        else:
            free[stratum[p]] += 1
    for s in range(count):
        for q in range(d):
            total[q] += chosen[s] * np.float64(kinds[q, s])
    value = 0.0
    for q in range(d):
        value += total[q] * total[q]
    failed = 0
    s = 0
    while failed < count and turns > 0:
        # After as many strata in vain as there are, none can be exchanged for a better one.
        failed += 1
        if chosen[s] > 0:
            turns -= 1
            for q in range(d):
                vector[q] = total[q] - kinds[q, s]
            # Strata of which nothing is free are looked at with the others and passed by below.
            nearest(kinds, vector, np.int64(0), count, squares)
            pick = -1
            for other in range(count):
                if free[other] > 0 and (pick < 0 or squares[other] < squares[pick]):
                    pick = other
            reached = 0.0
            for q in range(d):
                moved = total[q] - kinds[q, s] + kinds[q, pick]
                reached += moved * moved
            if reached < (1.0 - _LEAST) * value:
                for q in range(d):
                    total[q] += np.float64(kinds[q, pick]) - kinds[q, s]
                chosen[s] -= 1
                free[s] += 1
                chosen[pick] += 1
                free[pick] -= 1
                value = reached
                failed = 0
        s = (s + 1) % count


@kernel
def fill(places, stratum, left, taken):
    """Fill `taken` with as many places of each stratum as `left` says, the earlier ones first."""
    count = 0
    for p in range(places.size):
        if left[stratum[p]] > 0:
            left[stratum[p]] -= 1
            taken[count] = places[p]
            count += 1
