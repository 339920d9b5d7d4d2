"""Few distinct rows, such as labels: which are alike, and how many of each to choose."""

import numpy as np

from subsetopt.compiled import njit

from .columns import nearest

_LEAST = 1e-6  # as in `columns`
_BLOCK = 256  # columns told apart at a time


@njit(cache=True, nogil=True)
def _sign(columns, begin, end, mixed, signatures):
    """Set ``signatures[: end - begin]`` to numbers that only equal columns share."""
    signatures[:] = 0.0
    for q in range(mixed.size):
        part = columns[q, begin:end]
        x = mixed[q]
        for p in range(part.size):
            signatures[p] += x * part[p]


@njit(cache=True, nogil=True)
def strata_of(columns, most, stratum, first):
    """Set `stratum` to which columns are alike; returns how many kinds, -1 for more than `most`.

    ``stratum[p]`` (n,) becomes the number of the kind of column p, as they come, and ``first[s]``
    (most,) the first column of that kind. Columns are told apart by a sum in double precision with
    irrational factors. O(d) a column; it gives up as soon as there are too many kinds.
    """
    d, n = columns.shape
    mixed = np.empty(d)
    for q in range(d):
        mixed[q] = np.sin(1.0 + 12.9898 * q)
    buckets = 2
    while buckets < 4 * most:
        buckets *= 2
    held = np.full(buckets, -1)
    seen = np.empty(most)
    signatures = np.empty(_BLOCK)
    count = 0
    for begin in range(0, n, _BLOCK):
        end = min(n, begin + _BLOCK)
        _sign(columns, begin, end, mixed, signatures)
        for p in range(begin, end):
            value = signatures[p - begin]
            fraction = abs(value) * 1031.7
            place = int((fraction - np.floor(fraction)) * buckets) % buckets
            while held[place] >= 0 and seen[held[place]] != value:
                place = (place + 1) % buckets
            if held[place] < 0:
                if count == most:
                    return -1
                held[place] = count
                seen[count] = value
                first[count] = p
                count += 1
            stratum[p] = held[place]
    return count


@njit(cache=True, nogil=True)
def apportion(columns, k, stratum, first, turns):
    """Return how many columns of each stratum to choose, from those of the first k on.

    Exchanges one column for one of the best other stratum, until that never helps or for so many
    turns. O(S d) each, for S strata.
    """
    d, n = columns.shape
    count = first.size
    kinds = np.empty((d, count), np.float32)
    for s in range(count):
        kinds[:, s] = columns[:, first[s]]
    chosen = np.zeros(count, np.int64)
    free = np.zeros(count, np.int64)
    total = np.zeros(d)
    for p in range(n):
        if p < k:
            chosen[stratum[p]] += 1
        else:
            free[stratum[p]] += 1
    for s in range(count):
        for q in range(d):
            total[q] += chosen[s] * np.float64(kinds[q, s])
    value = (total * total).sum()
    vector = np.empty(d, np.float32)
    squares = np.empty(count, np.float32)
    failed = 0
    s = 0
    while failed < count and turns > 0:
        failed += 1
        if chosen[s] > 0:
            turns -= 1
            for q in range(d):
                vector[q] = total[q] - kinds[q, s]
            nearest(kinds, vector, 0, count, squares)
            pick = -1
            for other in range(count):
                if free[other] > 0 and (pick < 0 or squares[other] < squares[pick]):
                    pick = other
            reached = 0.0
            for q in range(d):
                reached += (total[q] - kinds[q, s] + kinds[q, pick]) ** 2
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
    return chosen


@njit(cache=True, nogil=True)
def fill(places, stratum, wanted, k):
    """Bring to the front of `places` as many of each stratum as wanted, the earlier ones first."""
    left = wanted.copy()
    taken = np.empty(k, places.dtype)
    count = 0
    for p in range(places.size):
        if left[stratum[p]] > 0:
            left[stratum[p]] -= 1
            taken[count] = places[p]
            count += 1
    places[:k] = taken
