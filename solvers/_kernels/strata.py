"""Few distinct rows, such as labels: which are alike, and how many of each to choose."""

import numpy as np
from numba import njit

from .columns import nearest

_LEAST = 1e-6


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _signature(columns, p, mixed):
    """Return a number that equal columns share."""
    result = 0.0
    for q in range(mixed.size):
        result += columns[q, p] * mixed[q]
    return result


@njit(cache=True, nogil=True)
def _alike(columns, p, r):
    for q in range(columns.shape[0]):
        if columns[q, p] != columns[q, r]:
            return False
    return True


@njit(cache=True, nogil=True)
def strata_of(columns, most, stratum, first):
    """Set `stratum` to which columns are alike; returns how many kinds, -1 for more than `most`.

    ``stratum[p]`` (n,) becomes the number of the kind of column p, as they come, and ``first[s]``
    (most,) the first column of that kind. O(d) a column by hashing; it gives up as soon as there
    are too many kinds.
    """
    d, n = columns.shape
    mixed = np.empty(d)
    for q in range(d):
        mixed[q] = np.sin(1.0 + 12.9898 * q)
    buckets = 2
    while buckets < 4 * most:
        buckets *= 2
    held = np.full(buckets, -1)
    count = 0
    for p in range(n):
        # The fraction, spread over the buckets.
        value = abs(_signature(columns, p, mixed)) * 1031.7
        place = int((value - np.floor(value)) * buckets) % buckets
        while held[place] >= 0 and not _alike(columns, p, first[held[place]]):
            place = (place + 1) % buckets
        if held[place] < 0:
            if count == most:
                return -1
            held[place] = count
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
