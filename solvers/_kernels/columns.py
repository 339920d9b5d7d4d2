"""Exchanges that bring the mean of k rows near the mean of all, in single precision.

Throughout, `columns` (d, n) float32 holds one row in each column, less the mean of all and scaled;
the first k columns are the chosen ones, and `places` (n,) tells which row is where. An exchange
swaps two columns. The objective is the squared length of the sum of the chosen ones.
"""

import numpy as np

from subsetopt.compiled import njit

from .rng import below

# Reordering sums and minima lets loops use vector registers; no column holds NaN or infinity.
_REORDER = {"reassoc", "contract", "nsz", "nnan"}
_REASSOCIATE = {"reassoc", "contract", "nsz"}  # where there may be some
_BLOCK = 64  # rows laid out at a time, so that they stay in the cache
_TINY = 1e-300  # one over less may overflow
_LEAST = 1e-6  # share of the objective below which a gain may be rounding


@njit(cache=True, nogil=True)
def shuffle(places, state):
    """Fill `places` with a random permutation."""
    n = places.size
    for p in range(n):
        places[p] = p
    for p in range(n - 1):
        q = p + below(state, n - p)
        places[p], places[q] = places[q], places[p]


@njit(cache=True, nogil=True, fastmath=_REORDER)
def dot(a, b):
    """Return the inner product of two float32 vectors."""
    result = np.float32(0.0)
    for p in range(a.size):
        result += a[p] * b[p]
    return result


@njit(cache=True, nogil=True, fastmath=_REASSOCIATE)
def _mean(values):
    total = 0.0
    for p in range(values.size):
        total += values[p]
    return total / values.size


@njit(cache=True, nogil=True, fastmath=_REASSOCIATE)
def _variance(values, mean):
    total = 0.0
    for p in range(values.size):
        total += (values[p] - mean) ** 2
    return total / values.size


@njit(cache=True, nogil=True)
def _largest(values, mean):
    largest = 0.0
    for p in range(values.size):
        largest = max(largest, abs(values[p] - mean))
    return largest


@njit(cache=True, nogil=True)
def _gathered(rows, places):
    """Return the rows at `places` as columns, of the same precision."""
    n, d = rows.shape
    gathered = np.empty((d, n), rows.dtype)
    for first in range(0, n, _BLOCK):
        end = min(n, first + _BLOCK)
        for q in range(d):
            for p in range(first, end):
                gathered[q, p] = rows[places[p], q]
    return gathered


@njit(cache=True, nogil=True)
def lay_out(rows, places, standardise, rounding, columns):
    """Set the columns to the rows at `places`; returns the mean of their squared lengths.

    Parameters
    ----------
    rows : (n, d) float32 or float64
    standardise : bool
        Divide each feature by its standard deviation, or all by the largest difference. A feature
        that is constant, overflows or is not finite becomes zero.
    rounding : float
        The relative one of the rows: what it leaves of a constant feature is no spread.
    """
    n, d = rows.shape
    gathered = _gathered(rows, places)
    mean = np.empty(d)
    spread = np.empty(d)
    for q in range(d):
        mean[q] = _mean(gathered[q])
        if standardise:
            spread[q] = np.sqrt(_variance(gathered[q], mean[q]))
            if spread[q] <= 8.0 * rounding * abs(mean[q]):
                spread[q] = 0.0
        else:
            spread[q] = _largest(gathered[q], mean[q])
        if not (np.isfinite(mean[q]) and np.isfinite(spread[q])):
            spread[q] = 0.0
            mean[q] = np.nan
    largest = spread.max()
    square = 0.0
    for q in range(d):
        # By one number for all where they are not standardised, so that no square overflows.
        scale = spread[q] if standardise else largest
        if scale > _TINY and np.isfinite(mean[q]):
            _set_scaled(gathered[q], mean[q], 1.0 / scale, columns[q])
        else:
            columns[q] = 0.0
        square += dot(columns[q], columns[q])
    return square / n


@njit(cache=True, nogil=True)
def _set_scaled(values, mean, scale, out):
    for p in range(values.size):
        out[p] = (values[p] - mean) * scale


@njit(cache=True, nogil=True, fastmath=_REORDER)
def nearest(columns, vector, first, end, squares):
    """Return the least squared length of `vector` plus a column; fills ``squares[:end - first]``.

    Differences, not the inner products they expand to: these would cancel near the end.
    """
    d = columns.shape[0]
    size = end - first
    a = columns[0, first:end]
    x = vector[0]
    for j in range(size):
        squares[j] = (a[j] + x) ** 2
    q = 1
    while q + 3 < d:  # four at a time, for fewer passes over `squares`
        a = columns[q, first:end]
        b = columns[q + 1, first:end]
        c = columns[q + 2, first:end]
        e = columns[q + 3, first:end]
        x, y, z, w = vector[q], vector[q + 1], vector[q + 2], vector[q + 3]
        for j in range(size):
            one = (a[j] + x) ** 2 + (b[j] + y) ** 2
            squares[j] += one + ((c[j] + z) ** 2 + (e[j] + w) ** 2)
        q += 4
    while q < d:
        a = columns[q, first:end]
        x = vector[q]
        for j in range(size):
            squares[j] += (a[j] + x) ** 2
        q += 1
    best = squares[0]
    for j in range(size):
        best = min(best, squares[j])
    return best


@njit(cache=True, nogil=True)
def _place_of(squares, best):
    j = 0
    while squares[j] != best:
        j += 1
    return j


@njit(cache=True, nogil=True)
def swap(columns, places, p, q):
    """Swap two columns."""
    for r in range(columns.shape[0]):
        columns[r, p], columns[r, q] = columns[r, q], columns[r, p]
    places[p], places[q] = places[q], places[p]


@njit(cache=True, nogil=True)
def sum_of(columns, k):
    """Return the sum of the first k columns."""
    total = np.zeros(columns.shape[0])
    for q in range(columns.shape[0]):
        for p in range(k):
            total[q] += columns[q, p]
    return total


@njit(cache=True, nogil=True)
def take_greedily(columns, places, k):
    """Choose one column after another, each bringing the sum closest to zero; O(n d k)."""
    d, n = columns.shape
    total = np.zeros(d)
    vector = np.empty(d, np.float32)
    squares = np.empty(n, np.float32)
    for p in range(k):
        vector[:] = total
        best = nearest(columns, vector, p, n, squares)
        swap(columns, places, p, p + _place_of(squares, best))
        for q in range(d):
            total[q] += columns[q, p]


@njit(cache=True, nogil=True)
def exchange(columns, places, k, width, sweeps, looks, enough):
    """Exchange chosen columns for others where that helps; returns (objective, how many looks).

    The chosen ones take turns. Each looks at a block of at most `width` others, the next at the
    next block, and goes for the best of them; a sweep has shown every block to every chosen one.

    Parameters
    ----------
    sweeps, looks : int
        How many at most; a look is at one exchange.
    enough : float
        The objective at which to stop. It stops as well after a sweep without an exchange: then
        none helps.

    Notes
    -----
    O(d) a look, vectorised, and O(d) an exchange.
    """
    d, n = columns.shape
    blocks = (n - k + width - 1) // width
    sweep = k * blocks
    total = sum_of(columns, k)
    vector = np.empty(d, np.float32)
    squares = np.empty(min(n - k, width), np.float32)
    value = (total * total).sum()
    looked = 0
    turn = 0
    last = 0
    turns = 1.0 * sweeps * sweep  # which need not fit an integer
    while turn < turns and turn - last < sweep and looked < looks and value > enough:
        p = turn % k
        # All pairs of a chosen one and a block come in `sweep` turns, whichever is the first.
        block = (p + turn // k) % blocks
        first = k + (n - k) * block // blocks
        end = k + (n - k) * (block + 1) // blocks
        for q in range(d):
            vector[q] = total[q] - columns[q, p]
        best = nearest(columns, vector, first, end, squares)
        looked += end - first
        turn += 1
        if best >= value:
            continue
        j = first + _place_of(squares, best)
        reached = 0.0
        for q in range(d):
            reached += (total[q] - columns[q, p] + columns[q, j]) ** 2
        if reached < (1.0 - _LEAST) * value:
            for q in range(d):
                total[q] += np.float64(columns[q, j]) - columns[q, p]
            swap(columns, places, p, j)
            value = reached
            last = turn
    return value, looked
