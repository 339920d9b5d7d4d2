"""Choosing k of n so that ``m'Am + c'm`` is small: greedy, swap descent, enumeration.

Throughout, `matrix` (n, n) is A, symmetric, float32 or float64, only ever read; `chosen` (n,)
marks the selection; and the potential of i is what i adds to the value beside the other chosen,

    u_i = c_i + A_ii + 2 sum(A_ij for chosen j != i),

so that exchanging a chosen i for a free j changes the value by ``u_j - u_i - 2 A_ij``. All sums
are float64. An exchange reads two rows.
"""

import numpy as np
from numba import njit

# Sums and minima may then use vector registers; no potential is NaN, infinity keeps its meaning.
VECTORISED = {"reassoc", "contract", "nsz", "nnan"}


@njit(cache=True, nogil=True, fastmath=VECTORISED)
def add_row(row, factor, potentials):
    """Set ``potentials += factor * row``."""
    for i in range(row.size):
        potentials[i] += factor * row[i]


@njit(cache=True, nogil=True)
def refresh(matrix, diagonal, linear, chosen, potentials):
    """Compute the potentials afresh; returns the value of the selection. O(n k)."""
    n = linear.size
    for i in range(n):
        potentials[i] = linear[i] + diagonal[i]
    for i in range(n):
        if chosen[i]:
            add_row(matrix[i], 2.0, potentials)
            potentials[i] -= 2.0 * diagonal[i]
    value = 0.0
    for i in range(n):
        if chosen[i]:
            value += 0.5 * (potentials[i] + linear[i] + diagonal[i])
    return value


@njit(cache=True, nogil=True, fastmath=VECTORISED)
def exchange_rows(leaving, entering, potentials):
    """Set ``potentials += 2 (entering - leaving)``."""
    for i in range(leaving.size):
        potentials[i] += 2.0 * (np.float64(entering[i]) - np.float64(leaving[i]))


@njit(cache=True, nogil=True)
def exchange(matrix, diagonal, i, j, chosen, potentials):
    """Take j for the chosen i."""
    exchange_rows(matrix[i], matrix[j], potentials)
    potentials[i] += 2.0 * diagonal[i]
    potentials[j] -= 2.0 * diagonal[j]
    chosen[i] = False
    chosen[j] = True


@njit(cache=True, nogil=True)
def noise(linear, potentials):
    """Return the size below which a change of the value is rounding."""
    largest = 0.0
    for i in range(linear.size):
        largest = max(largest, abs(potentials[i]), abs(linear[i]))
    return 1e-14 * largest


@njit(cache=True, nogil=True)
def greedy(matrix, diagonal, linear, k, chosen, potentials):
    """Add the free candidate of the least potential until k are chosen; O(n) each.

    Candidates that are marked at the beginning stay chosen; ties go to the first.
    """
    refresh(matrix, diagonal, linear, chosen, potentials)
    count = 0
    for i in range(linear.size):
        count += chosen[i]
    while count < k:
        pick = -1
        least = np.inf
        for i in range(linear.size):
            if not chosen[i] and (pick < 0 or potentials[i] < least):
                least = potentials[i]
                pick = i
        chosen[pick] = True
        add_row(matrix[pick], 2.0, potentials)
        potentials[pick] -= 2.0 * diagonal[pick]
        count += 1


@njit(cache=True, nogil=True, fastmath=VECTORISED)
def least_partner(row, potentials, barred):
    """Return the least ``potentials + barred - 2 row``."""
    least = np.inf
    for j in range(row.size):
        value = potentials[j] + barred[j] - 2.0 * np.float64(row[j])
        least = min(least, value)
    return least


@njit(cache=True, nogil=True)
def descend(matrix, diagonal, linear, most, chosen, potentials):
    """Exchange members for their best partners, sweep after sweep, while that helps.

    At most `most` sweeps of O(n k), and O(n) an exchange. `potentials` belong to `chosen`; both
    are changed in place.

    Returns
    -------
    exchanges : int
    settled : bool
        No exchange helps any more.
    """
    n = linear.size
    barred = np.zeros(n)
    members = np.empty(n, np.int64)
    k = 0
    for i in range(n):
        if chosen[i]:
            barred[i] = np.inf
            members[k] = i
            k += 1
    least_gain = noise(linear, potentials)
    exchanges = 0
    idle = 0
    turn = 0
    while idle < k and turn < most * k:
        at = turn % k
        i = members[at]
        turn += 1
        idle += 1
        least = least_partner(matrix[i], potentials, barred)
        if least - potentials[i] < -least_gain:
            j = _first_partner(matrix[i], potentials, barred, least + 0.5 * least_gain)
            exchange(matrix, diagonal, i, j, chosen, potentials)
            barred[i] = 0.0
            barred[j] = np.inf
            members[at] = j
            exchanges += 1
            idle = 0
    return exchanges, idle >= k


@njit(cache=True, nogil=True)
def _first_partner(row, potentials, barred, limit):
    """Return the first j that `least_partner` finds no larger than the limit."""
    for j in range(row.size):
        if potentials[j] + barred[j] - 2.0 * np.float64(row[j]) <= limit:
            return j
    return -1


@njit(cache=True, nogil=True)
def enumerate_all(matrix, diagonal, linear, k):
    """Return a best selection (k,) by trying all of them, depth first; O(n) for each prefix."""
    n = linear.size
    path = np.zeros(k, np.int64)
    best = np.arange(k)
    least = np.inf
    potentials = np.empty((k, n))
    values = np.zeros(k)
    for i in range(n):
        potentials[0, i] = linear[i] + diagonal[i]
    depth = 0
    while depth >= 0:
        if path[depth] > n - k + depth:
            depth -= 1
            if depth >= 0:
                path[depth] += 1
            continue
        i = path[depth]
        value = values[depth] + potentials[depth, i]
        if depth == k - 1:
            if value < least:
                least = value
                best[:] = path
            path[depth] += 1
            continue
        values[depth + 1] = value
        for j in range(i + 1, n):
            potentials[depth + 1, j] = potentials[depth, j] + 2.0 * matrix[i, j]
        path[depth + 1] = i + 1
        depth += 1
    return best
