"""Choosing k of n so that ``m'Am + c'm`` is small: greedy, swap descent, enumeration.

Called through `solvers.heuristics._quadratic_steps` by the solvers `greedy`, `swap`, `tabu`,
`frank-wolfe` and `branch-and-bound`; `herding_steps`, `tabu_walk` and `batch_herding` find minima
as here. The form is that to which mean matching of vectors, MMD selection (Eq. 4-8 of Deterministic
Mini-batch Sequencing, with the factor 2 that Eq. 5 lacks) and diversity problems lower.

Throughout, `matrix` (n, n) is A, symmetric, float32 or float64, only ever read; `chosen` (n,)
marks the selection; and the potential of i is what i adds to the value beside the other chosen,

    u_i = c_i + A_ii + 2 sum(A_ij for chosen j != i),

so that exchanging a chosen i for a free j changes the value by ``u_j - u_i - 2 A_ij``. All sums
are float64. An exchange reads two rows.

No sum may be reordered or contracted: the last bit would then depend on what is inlined, which is
not the same when code is compiled and when it comes from the cache.
"""

import numpy as np

from ._jit import inner, kernel

BLOCK = 1024  # keys that are worked on at once: they stay in the cache next to the processor

TURNS, IDLE, GAIN = range(3)
"""Places in the progress of a descent: its turns, how many of the last were in vain, and the least
gain that is none of rounding."""
_ORDER = 0x7FFFFFFFFFFFFFFF


@kernel
def exchange_all(matrix, diagonal, leaving, entering, chosen, potentials):
    """Take each of the entering for one of the leaving; O(n) each.

    Where the leaving one is -1, none leaves. Where the entering one is -1, the free candidate of
    the least potential enters, the first of equal ones.
    """
    n = potentials.size
    for a in range(leaving.size):
        i = leaving[a]
        j = entering[a]
        if j < 0:
            for c in range(n):
                if not chosen[c] and (j < 0 or potentials[c] < potentials[j]):
                    j = c
        if i < 0:
            for c in range(n):
                potentials[c] += 2.0 * matrix[j, c]
        else:
            for c in range(n):
                potentials[c] += 2.0 * (np.float64(matrix[j, c]) - np.float64(matrix[i, c]))
            # The loop has treated the two as any other: a candidate's own entry is no part of its
            # sum.
            potentials[i] += 2.0 * diagonal[i]
            chosen[i] = False
        potentials[j] -= 2.0 * diagonal[j]
        chosen[j] = True


@inner
def ordered(bits):
    """Return a whole number that orders as the float64 of these bits does; its own inverse."""
    # The bits of floats >= 0 ascend as the floats do; of negative ones they descend, and flipping
    # all but the sign turns that round. It tells -0.0 from 0.0, as smaller.
    return bits ^ ((bits >> 63) & np.int64(_ORDER))


@inner
def least_bits(bits, size):
    """Return the least of float64 keys, ``bits[:size]``, given and returned as their bits.

    The compiler uses vector registers for the minimum of whole numbers, not for that of floats.
    """
    least = ordered(bits[0])
    for j in range(size):
        order = ordered(bits[j])
        least = order if order < least else least
    return ordered(least)


@inner
def place_of(bits, size, wanted):
    """Return where the wanted bits stand first in ``bits[:size]``."""
    for j in range(size):
        if bits[j] == wanted:
            return j
    return -1


@kernel
def descend(matrix, diagonal, linear, most, members, progress, chosen, potentials, keys, bits):
    """Exchange each member for its best partner where that helps, turn after turn.

    It ends when its turns, O(n) each, are `most`, or when no single exchange helps: then as many
    turns were in vain as there are members. Another call goes on with it.

    Parameters
    ----------
    members : (k,) int64
        The chosen, ascending when it began.
    progress : (3,) float64
        Zeros when it began; see `TURNS`.
    chosen, potentials
        They belong to each other; these four are changed in place.
    keys, bits : (n + 1,) float64 and int64
        Workspace: one memory, seen as numbers and as their bits.

    Returns
    -------
    value : float
        Of the selection, from its potentials.
    """
    n = linear.size
    gain = progress[GAIN]
    # A gain below the rounding of the potentials may be none: two candidates would be exchanged for
    # each other without end.
    if progress[TURNS] == 0.0:
        for c in range(n):
            size = abs(potentials[c])
            size = size if size > abs(linear[c]) else abs(linear[c])
            gain = gain if gain > 1e-14 * size else 1e-14 * size
        progress[GAIN] = gain
    # After as many turns in vain as there are members, each was looked at since the last exchange:
    # no single exchange helps. The potentials are kept up to date, not computed anew; what rounds
    # off there is for callers to refresh before a value is compared.
    while progress[IDLE] < members.size and progress[TURNS] < most:
        at = np.int64(progress[TURNS]) % members.size
        i = members[at]
        progress[TURNS] += 1.0
        progress[IDLE] += 1.0
        for c in range(n):
            keys[c] = np.inf if chosen[c] else potentials[c] - 2.0 * matrix[i, c]
        # The compiler uses vector registers for the minimum of whole numbers, not of floats.
        least = np.int64(_ORDER)
        for c in range(n):
            order = ordered(bits[c])
            least = order if order < least else least
        bits[n] = ordered(least)
        if keys[n] - potentials[i] < -gain:
            j = 0
            while bits[j] != bits[n]:
                j += 1
            for c in range(n):
                potentials[c] += 2.0 * (np.float64(matrix[j, c]) - np.float64(matrix[i, c]))
            potentials[i] += 2.0 * diagonal[i]
            potentials[j] -= 2.0 * diagonal[j]
            chosen[i] = False
            chosen[j] = True
            members[at] = j
            progress[IDLE] = 0.0
    value = 0.0
    for c in range(n):
        if chosen[c]:
            # Half of the pairs of u_i, and all of c_i + A_ii, since each pair is in the u of both.
            value += 0.5 * (potentials[c] + linear[c] + diagonal[c])
    return value


@kernel
def enumerate_all(matrix, diagonal, linear, path, values, potentials, best):
    """Set `best` (k,) to a best selection by trying all, depth first; O(n) for each prefix.

    Parameters
    ----------
    path : (k,) int64, zero
    values : (k,) float64, zero
    potentials : (k, n) float64
        Workspace.
    best : (k,) int64
        Some selection.
    """
    n = linear.size
    k = best.size
    least = np.inf
    for i in range(n):
        potentials[0, i] = linear[i] + diagonal[i]
    depth = 0
    while depth >= 0:
        # Fewer candidates are left than are still to be chosen.
        if path[depth] > n - k + depth:
            depth -= 1
            if depth >= 0:
                path[depth] += 1
            continue
        i = path[depth]
        value = values[depth] + potentials[depth, i]
        if depth == k - 1:
            # Strictly: of equal selections the first in lexicographic order stays. A leaf costs
            # O(1), its value being that of its prefix and one potential.
            if value < least:
                least = value
                for p in range(k):
                    best[p] = path[p]
            path[depth] += 1
            continue
        values[depth + 1] = value
        # Row `depth` of the potentials belongs to the prefix path[:depth]; going back needs no
        # undoing.
        for j in range(i + 1, n):
            potentials[depth + 1, j] = potentials[depth, j] + 2.0 * matrix[i, j]
        path[depth + 1] = i + 1
        depth += 1
