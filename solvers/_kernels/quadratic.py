"""Choosing k of n so that ``m'Am + c'm`` is small: greedy, swap descent, enumeration.

Throughout, `matrix` (n, n) is A, symmetric, float32 or float64, only ever read; `chosen` (n,)
marks the selection; and the potential of i is what i adds to the value beside the other chosen,

    u_i = c_i + A_ii + 2 sum(A_ij for chosen j != i),

so that exchanging a chosen i for a free j changes the value by ``u_j - u_i - 2 A_ij``. All sums
are float64. An exchange reads two rows.
"""

import numpy as np

from subsetopt.compiled import njit

# No potential is NaN, infinity keeps its meaning. Loops over elements need no more to use vector
# registers; the right to reorder or contract would let the last bit depend on what is inlined,
# which is not the same when code is compiled and when it comes from the cache.
VECTORISED = {"nsz", "nnan"}
BLOCK = 1024  # keys that are worked on at once: they stay in the cache next to the processor

TURNS, IDLE = range(2)
"""Places in the progress of a descent: its turns, and how many of the last were in vain."""


@njit(cache=True, nogil=True, fastmath=VECTORISED)
def add_row(row, factor, potentials):
    """Set ``potentials += factor * row``."""
    for i in range(row.size):
        potentials[i] += factor * row[i]


@njit(cache=True, nogil=True)
def refresh(matrix, diagonal, linear, chosen, potentials):
    """Compute the potentials afresh; returns the value of the selection. O(n k)."""
    for i in range(linear.size):
        potentials[i] = linear[i] + diagonal[i]
    add_chosen(matrix, diagonal, 0, linear.size, chosen, potentials)
    return value_of(diagonal, linear, chosen, potentials)


@njit(cache=True, nogil=True)
def add_chosen(matrix, diagonal, begin, end, chosen, potentials):
    """Add to the potentials what the chosen of rows begin..end-1 contribute; O(n) each."""
    for i in range(begin, end):
        if chosen[i]:
            add_row(matrix[i], 2.0, potentials)
            potentials[i] -= 2.0 * diagonal[i]


@njit(cache=True, nogil=True)
def value_of(diagonal, linear, chosen, potentials):
    """Return the value of a selection from its potentials; O(n)."""
    value = 0.0
    for i in range(linear.size):
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
def exchange_all(matrix, diagonal, leaving, entering, chosen, potentials):
    """Take each of the entering for one of the leaving."""
    for a in range(leaving.size):
        exchange(matrix, diagonal, leaving[a], entering[a], chosen, potentials)


@njit(cache=True, nogil=True)
def noise(linear, potentials):
    """Return the size below which a change of the value is rounding."""
    largest = 0.0
    for i in range(linear.size):
        largest = max(largest, abs(potentials[i]), abs(linear[i]))
    return 1e-14 * largest


@njit(cache=True, nogil=True)
def extend(matrix, diagonal, steps, chosen, potentials):
    """Add the free candidate of the least potential, `steps` times; O(n) each.

    `potentials` belong to `chosen`; ties go to the first.
    """
    for _ in range(steps):
        pick = -1
        least = np.inf
        for i in range(potentials.size):
            if not chosen[i] and (pick < 0 or potentials[i] < least):
                least = potentials[i]
                pick = i
        chosen[pick] = True
        add_row(matrix[pick], 2.0, potentials)
        potentials[pick] -= 2.0 * diagonal[pick]


@njit(cache=True, nogil=True)
def ordered(bits):
    """Return a whole number that orders as the float64 of these bits does; its own inverse."""
    return bits ^ ((bits >> 63) & np.int64(0x7FFFFFFFFFFFFFFF))


@njit(cache=True, nogil=True)
def least_bits(bits):
    """Return the least of float64 keys, given and returned as their bits.

    The compiler uses vector registers for the minimum of whole numbers, not for that of floats.
    """
    least = ordered(bits[0])
    for j in range(bits.size):
        least = min(least, ordered(bits[j]))
    return ordered(least)


@njit(cache=True, nogil=True)
def first(bits, wanted):
    """Return where the wanted bits stand first."""
    for j in range(bits.size):
        if bits[j] == wanted:
            return j
    return -1


@njit(cache=True, nogil=True, fastmath=VECTORISED)
def _partners(row, potentials, chosen, keys):
    """Set ``keys = potentials - 2 row``, infinity where chosen."""
    for j in range(row.size):
        keys[j] = np.inf if chosen[j] else potentials[j] - 2.0 * np.float64(row[j])


@njit(cache=True, nogil=True)
def descend(matrix, diagonal, linear, most, chosen, potentials):
    """Exchange each member for its best partner where that helps, turn after turn.

    It ends after `most` turns of O(n), or when no single exchange helps. `potentials` belong to
    `chosen`; both are changed in place.

    Returns
    -------
    turns : int
    settled : bool
        No exchange helps any more.
    """
    members = np.flatnonzero(chosen)
    progress = np.zeros(2, np.int64)
    gain = noise(linear, potentials)
    descend_on(matrix, diagonal, gain, most, members, progress, chosen, potentials)
    return progress[TURNS], progress[IDLE] >= members.size


@njit(cache=True, nogil=True)
def descend_on(matrix, diagonal, least_gain, most, members, progress, chosen, potentials):
    """Go on with a descent until its turns are `most`, or no single exchange helps.

    Parameters
    ----------
    least_gain : float
        `noise` when it began.
    members : (k,) the chosen, ascending when it began
    progress : (2,) zeros when it began; see `TURNS`
    """
    n = potentials.size
    k = members.size
    keys = np.empty(BLOCK + 1)
    bits = keys.view(np.int64)
    turn = progress[TURNS]
    idle = progress[IDLE]
    j = 0
    while idle < k and turn < most:
        at = turn % k
        i = members[at]
        turn += 1
        idle += 1
        least = np.inf
        for start in range(0, n, BLOCK):
            end = min(n, start + BLOCK)
            size = end - start
            _partners(matrix[i, start:end], potentials[start:end], chosen[start:end], keys)
            lowest = least_bits(bits[:size])
            bits[BLOCK] = lowest
            if keys[BLOCK] < least:
                least = keys[BLOCK]
                j = start + first(bits[:size], lowest)
        if least - potentials[i] < -least_gain:
            exchange(matrix, diagonal, i, j, chosen, potentials)
            members[at] = j
            idle = 0
    progress[TURNS] = turn
    progress[IDLE] = idle


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
