"""Kernel herding of batch after batch, and swaps.

S is all that is chosen so far, t the count that is aimed at, and the potential of a point j is
what j adds to ``|| sum of S - t mean ||^2`` beside the other points of S,

    p_j = K_jj + 2 sum(K_ij for i in S, i != j) - 2 (t/N) R_j,    R_j = sum(K_ij for all i).

`potentials` (n,) holds it for the free points, and infinity for those of S; `own` (k,) for the
members of the current batch. `drift` (n,) is ``(2/N) R``. A pick reads one row of K, an exchange
two. All sums are float64; ties go to the lowest index.

Called by `sequencing._selectors`, batch after batch. With t = |S| the objective is MMD^2(S, rest)
of Deterministic Mini-batch Sequencing, Eq. 3, times a number that depends on |S| alone: the means
of S and of the rest lie on a line through the mean of all. So no step needs the rest, and the
potentials are what is carried from batch to batch. Picks are herding (Chen, Welling & Smola, UAI
2010).
"""

import numpy as np

from ._jit import kernel
from .quadratic_descent import BLOCK, least_bits, place_of


@kernel
def aim_and_add(row, drift, potentials, bits):
    """Add a point, whose row of K is given, to S and raise t by one.

    `bits` is the memory of `potentials`, seen as whole numbers.

    Returns
    -------
    pick, least
        The free point of the least potential, and that.
    """
    least = np.inf
    pick = 0
    for start in range(0, drift.size, BLOCK):
        end = start + BLOCK if start + BLOCK < drift.size else drift.size
        entries = row[start:end]
        drifts = drift[start:end]
        free = potentials[start:end]
        for j in range(end - start):
            # One more in S is 2 K_ij for each free j, one more in t is (2/N) R_j less; S keeps its
            # infinity.
            free[j] += 2.0 * np.float64(entries[j]) - drifts[j]
        part = bits[start:end]
        at = start + place_of(part, end - start, least_bits(part, end - start))
        if potentials[at] < least:
            pick = at
            least = potentials[pick]
    return pick, least


@kernel
def complete(rows, where, members, drift, own):
    """Bring the potentials of members from when each was picked to when all are; O(k^2).

    ``rows[where[b]]`` is the row of K of ``members[b]``; they were picked in this order.
    """
    k = members.size
    for b in range(k):
        i = members[b]
        for c in range(b + 1, k):
            # As `aim_and_add` did to the free ones for each pick after b, which was no longer free.
            own[b] += 2.0 * np.float64(rows[where[c], i]) - drift[i]


@kernel
def look(rows, where, members, potentials, own, turn, idle, most, least_gain, keys, bits):
    """Look for the best partner of one member after another, until an exchange helps.

    O(n) a member, beginning with number ``turn % k``. It ends with an exchange to be made, with
    the k-th look in vain, or after `most` turns.

    Parameters
    ----------
    keys, bits : (BLOCK + 1,) float64 and int64
        Workspace: one memory, seen as numbers and as their bits.

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
    while idle < k and turn < most:
        at = turn % k
        row = where[at]
        turn += 1
        idle += 1
        least = np.inf
        j = 0
        for start in range(0, n, BLOCK):
            size = n - start if n - start < BLOCK else BLOCK
            entries = rows[row, start : start + size]
            free = potentials[start : start + size]
            for c in range(size):
                # i out and j in changes the objective by p_j - p_i - 2 K_ij; p_i is the same for
                # all j.
                keys[c] = free[c] - 2.0 * np.float64(entries[c])
            lowest = least_bits(bits, size)
            bits[BLOCK] = lowest
            if keys[BLOCK] < least:
                least = keys[BLOCK]
                j = start + place_of(bits, size, lowest)
        if least - own[at] < -least_gain:
            return turn, 0, at, j, least
    return turn, idle, -1, -1, 0.0


@kernel
def exchange(leaving, entering, at, j, key, members, potentials, own):
    """Take j for member number `at`; their rows of K are given. O(n)."""
    i = members[at]
    # What i adds as a free point: what it added as a member, and its pair with j, now in S.
    back = own[at] + 2.0 * np.float64(leaving[j])
    for c in range(potentials.size):
        potentials[c] += 2.0 * (np.float64(entering[c]) - np.float64(leaving[c]))
    potentials[i] = back
    potentials[j] = np.inf
    for b in range(members.size):
        m = members[b]
        own[b] += 2.0 * (np.float64(entering[m]) - np.float64(leaving[m]))
    own[at] = key
    members[at] = j
