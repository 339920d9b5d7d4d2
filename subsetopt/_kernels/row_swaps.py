"""Exchanges that bring the mean of k rows near the mean of all, in single precision.

Throughout, `columns` (d, n) float32 holds one row in each column, less the mean of all and scaled;
the first k columns are the chosen ones, and `places` (n,) tells which row is where. An exchange
swaps two columns. The objective is the squared length of the sum of the chosen ones.

For `torch.search._compiled`, which chooses from batches while a network trains: time matters more
than the last digits, so that entries are float32 and features lie in rows, for loops over n to use
vector registers. Sums of float32 may be reordered by the compiler, and their last bits may depend
on the processor; what decides whether an exchange is taken is summed in float64.
"""

import math

import numpy as np

from ._jit import inner, kernel, reassociated, reordered
from .rng import below

_BLOCK = 64  # rows laid out at a time, so that they stay in the cache
_TINY = 1e-300  # one over less may overflow
_LEAST = 1e-6  # share of the objective below which a gain may be rounding


@kernel
def shuffle(places, state):
    """Fill `places` with a random permutation."""
    n = places.size
    for p in range(n):
        places[p] = p
    for p in range(n - 1):
        q = p + below(state, n - p)
        held = places[p]
        places[p] = places[q]
        places[q] = held


@reordered
def dot(a, b):
    """Return the inner product of two float32 vectors."""
    result = np.float32(0.0)
    for p in range(a.size):
        result += a[p] * b[p]
    return result


@reassociated
def _mean(values):
    total = 0.0
    for p in range(values.size):
        total += values[p]
    return total / values.size


@reassociated
def _variance(values, mean):
    total = 0.0
    for p in range(values.size):
        off = values[p] - mean
        total += off * off
    return total / values.size


@kernel
def lay_out(rows, places, standardise, rounding, columns, gathered, mean, spread):
    """Set the columns to the rows at `places`; returns the mean of their squared lengths.

    Parameters
    ----------
    rows : (n, d) float32 or float64
    standardise : bool
        Divide each feature by its standard deviation, or all by the largest difference. A feature
        that is constant, overflows or is not finite becomes zero.
    rounding : float
        The relative one of the rows: what it leaves of a constant feature is no spread.
    gathered : (d, n) of the dtype of the rows, mean, spread : (d,) float64
        Workspace.
    """
    n, d = rows.shape
    for first in range(0, n, _BLOCK):
        end = first + _BLOCK if first + _BLOCK < n else n
        for q in range(d):
            for p in range(first, end):
                gathered[q, p] = rows[places[p], q]
    largest = 0.0
    for q in range(d):
        mean[q] = _mean(gathered[q])
        if standardise:
            # In two passes: the mean of squares less the square of the mean cancels far from 0.
            spread[q] = math.sqrt(_variance(gathered[q], mean[q]))
            if spread[q] <= 8.0 * rounding * abs(mean[q]):
                spread[q] = 0.0
        else:
            off = 0.0
            for p in range(n):
                size = abs(gathered[q, p] - mean[q])
                off = size if size > off else off
            spread[q] = off
        # NaN marks what cannot be used, so that it becomes zero below and weighs nothing.
        if not (math.isfinite(mean[q]) and math.isfinite(spread[q])):
            spread[q] = 0.0
            mean[q] = np.nan
        largest = spread[q] if spread[q] > largest else largest
    square = 0.0
    for q in range(d):
        # By one number for all where they are not standardised, so that no square overflows.
        scale = spread[q] if standardise else largest
        if scale > _TINY and math.isfinite(mean[q]):
            middle = mean[q]
            factor = 1.0 / scale
            for p in range(n):
                columns[q, p] = (gathered[q, p] - middle) * factor
        else:
            for p in range(n):
                columns[q, p] = 0.0
        square += dot(columns[q], columns[q])
    return square / n


@reordered
def nearest(columns, vector, first, end, squares):
    """Return the least squared length of `vector` plus a column; fills ``squares[:end - first]``.

    Differences, not the inner products they expand to: these would cancel near the end.
    """
    d = columns.shape[0]
    size = end - first
    # Slices: an index like `first + j` may be negative for all that the compiler knows, and what
    # Python means by that would keep the loops from vector registers.
    a = columns[0, first:end]
    x = vector[0]
    for j in range(size):
        one = a[j] + x
        squares[j] = one * one
    q = 1
    while q + 3 < d:  # four at a time, for fewer passes over `squares`
        a = columns[q, first:end]
        b = columns[q + 1, first:end]
        c = columns[q + 2, first:end]
        e = columns[q + 3, first:end]
        x = vector[q]
        y = vector[q + 1]
        z = vector[q + 2]
        w = vector[q + 3]
        for j in range(size):
            one = a[j] + x
            two = b[j] + y
            three = c[j] + z
            four = e[j] + w
            squares[j] += (one * one + two * two) + (three * three + four * four)
        q += 4
    while q < d:
        a = columns[q, first:end]
        x = vector[q]
        for j in range(size):
            one = a[j] + x
            squares[j] += one * one
        q += 1
    best = squares[0]
    for j in range(size):
        best = min(best, squares[j])
    return best


@inner
def _place_of(squares, best):
    j = 0
    while squares[j] != best:
        j += 1
    return j


@inner
def swap(columns, places, p, q):
    """Swap two columns."""
    for r in range(columns.shape[0]):
        held = columns[r, p]
        columns[r, p] = columns[r, q]
        columns[r, q] = held
    place = places[p]
    places[p] = places[q]
    places[q] = place


@kernel
def take_greedily(columns, places, k, total, vector, squares):
    """Choose one column after another, each bringing the sum closest to zero; O(n d k).

    `total` (d,) float64, `vector` (d,) and `squares` (n,) float32 are workspace.
    """
    d, n = columns.shape
    for q in range(d):
        total[q] = 0.0
    for p in range(k):
        for q in range(d):
            vector[q] = total[q]
        # Columns before p are chosen already, the sum of them is `total`.
        best = nearest(columns, vector, p, n, squares)
        swap(columns, places, p, p + _place_of(squares, best))
        for q in range(d):
            total[q] += columns[q, p]


@kernel
def exchange(columns, places, groups, width, sweeps, looks, enough, total, vector, squares):
    """Exchange chosen columns for others where that helps; returns (objective, how many looks).

    The chosen ones take turns. Each looks at a block of at most `width` others, the next at the
    next block, and goes for the best of them; a sweep has shown every block to every chosen one.

    Parameters
    ----------
    groups : tuple of (groups,) int64
        Where each group of columns begins, how many of its first ones are chosen, and where it
        ends: exchanges are within a group. One group holds all where none keeps its count.
    sweeps, looks : int
        How many at most; a look is at one exchange.
    enough : float
        The objective at which to stop. It stops as well after a sweep without an exchange: then
        none helps.
    total : (d,) float64, vector : (d,) float32, squares : (width,) float32
        Workspace.

    Notes
    -----
    O(d) a look, vectorised, and O(d) an exchange.
    """
    begins, counts, ends = groups
    d = columns.shape[0]
    k = np.int64(0)
    most = np.int64(0)
    for g in range(begins.size):
        blocks = (ends[g] - begins[g] - counts[g] + width - 1) // width
        most = blocks if blocks > most and counts[g] > 0 else most
        k += counts[g]
    sweep = k * most
    value = 0.0
    for q in range(d):
        total[q] = 0.0
        for g in range(begins.size):
            for p in range(begins[g], begins[g] + counts[g]):
                total[q] += columns[q, p]
        value += total[q] * total[q]
    looked = 0
    turn = 0
    last = 0
    turns = 1.0 * sweeps * sweep  # which need not fit an integer
    group = 0
    at = np.int64(0)
    while turn < turns and turn - last < sweep and looked < looks and value > enough:
        while at == counts[group]:
            at = np.int64(0)
            group = group + 1 if group + 1 < begins.size else 0
        p = begins[group] + at
        free = begins[group] + counts[group]
        size = ends[group] - free
        blocks = (size + width - 1) // width
        turn += 1
        at += 1
        if blocks == 0:
            continue
        # All pairs of a chosen one and a block come in `sweep` turns, whichever is the first.
        block = (at - 1 + (turn - 1) // k) % blocks
        first = free + size * block // blocks
        end = free + size * (block + 1) // blocks
        for q in range(d):
            vector[q] = total[q] - columns[q, p]
        best = nearest(columns, vector, first, end, squares)
        looked += end - first
        # In float32, which is enough to pass by; an exchange needs the float64 sum below.
        if best >= value:
            continue
        j = first + _place_of(squares, best)
        reached = 0.0
        for q in range(d):
            moved = total[q] - columns[q, p] + columns[q, j]
            reached += moved * moved
        # A gain that the rounding of the float32 look may have made up could be undone in the next
        # turn and come back for ever.
        if reached < (1.0 - _LEAST) * value:
            for q in range(d):
                total[q] += np.float64(columns[q, j]) - columns[q, p]
            swap(columns, places, p, j)
            value = reached
            last = turn
    return value, looked
