"""Choosing batch after batch from all that is left: herding picks and exchanges.

S is all that is chosen so far, t the count that is aimed at, and the potential of a point j is
what j adds to ``|| sum of S - t mean ||^2`` beside the other points of S,

    p_j = K_jj + 2 sum(K_ij for i in S, i != j) - 2 (t/N) R_j,    R_j = sum(K_ij for all i).

`potentials` (n,) holds it for the free points, and infinity for those of S; `own` (k,) for the
members of the current batch. `drift` (n,) is ``(2/N) R``. A pick reads one row of K, an exchange
two. All sums are float64; ties go to the lowest index.
"""

import numpy as np

from subsetopt.compiled import njit

from .quadratic import BLOCK, VECTORISED, exchange_rows, first, least_bits


@njit(cache=True, nogil=True, fastmath=VECTORISED)
def _aim(drift, potentials):
    for j in range(drift.size):
        potentials[j] -= drift[j]


@njit(cache=True, nogil=True, fastmath=VECTORISED)
def _aim_and_add(row, drift, potentials):
    for j in range(drift.size):
        potentials[j] += 2.0 * np.float64(row[j]) - drift[j]


@njit(cache=True, nogil=True, fastmath=VECTORISED)
def _partners(row, potentials, keys):
    for j in range(row.size):
        keys[j] = potentials[j] - 2.0 * np.float64(row[j])


@njit(cache=True, nogil=True)
def aim(drift, potentials):
    """Raise t by one; returns the free point of the least potential, and that."""
    bits = potentials.view(np.int64)
    least = np.inf
    pick = 0
    for start in range(0, drift.size, BLOCK):
        end = min(drift.size, start + BLOCK)
        _aim(drift[start:end], potentials[start:end])
        at = first(bits[start:end], least_bits(bits[start:end]))
        if potentials[start + at] < least:
            pick = start + at
            least = potentials[pick]
    return pick, least


@njit(cache=True, nogil=True)
def aim_and_add(row, drift, potentials):
    """Add a point, whose row of K is given, to S and raise t by one; returns as `aim` does."""
    bits = potentials.view(np.int64)
    least = np.inf
    pick = 0
    for start in range(0, drift.size, BLOCK):
        end = min(drift.size, start + BLOCK)
        _aim_and_add(row[start:end], drift[start:end], potentials[start:end])
        at = first(bits[start:end], least_bits(bits[start:end]))
        if potentials[start + at] < least:
            pick = start + at
            least = potentials[pick]
    return pick, least


@njit(cache=True, nogil=True)
def complete(rows, where, members, drift, own):
    """Bring the potentials of members from when each was picked to when all are; O(k^2).

    ``rows[where[b]]`` is the row of K of ``members[b]``; they were picked in this order.
    """
    k = members.size
    for b in range(k):
        i = members[b]
        for c in range(b + 1, k):
            own[b] += 2.0 * np.float64(rows[where[c], i]) - drift[i]


@njit(cache=True, nogil=True)
def look(rows, where, members, potentials, own, turn, idle, most, least_gain):
    """Look for the best partner of one member after another, until an exchange helps.

    O(n) a member, beginning with number ``turn % k``. It ends with an exchange to be made, with
    the k-th look in vain, or after `most` turns.

    Returns
    -------
    turn, idle : int
        Looks so far, and those in vain since the last exchange.
    at, j : int
        The member that should leave, by its place in the batch, and the point to enter; j is -1
        where there is none.
    key : float
        What j would then add.
    """
    n = potentials.size
    k = members.size
    keys = np.empty(BLOCK + 1)
    bits = keys.view(np.int64)
    while idle < k and turn < most:
        at = turn % k
        row = rows[where[at]]
        turn += 1
        idle += 1
        least = np.inf
        j = 0
        for start in range(0, n, BLOCK):
            end = min(n, start + BLOCK)
            size = end - start
            _partners(row[start:end], potentials[start:end], keys)
            lowest = least_bits(bits[:size])
            bits[BLOCK] = lowest
            if keys[BLOCK] < least:
                least = keys[BLOCK]
                j = start + first(bits[:size], lowest)
        if least - own[at] < -least_gain:
            return turn, 0, at, j, least
    return turn, idle, -1, -1, 0.0


@njit(cache=True, nogil=True)
def exchange(leaving, entering, at, j, key, members, potentials, own):
    """Take j for member number `at`; their rows of K are given. O(n)."""
    i = members[at]
    back = own[at] + 2.0 * np.float64(leaving[j])
    exchange_rows(leaving, entering, potentials)
    potentials[i] = back
    potentials[j] = np.inf
    for b in range(members.size):
        m = members[b]
        own[b] += 2.0 * (np.float64(entering[m]) - np.float64(leaving[m]))
    own[at] = key
    members[at] = j
