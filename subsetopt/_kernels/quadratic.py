"""Choosing k of n so that ``m'Am + c'm`` is small: greedy, swap descent, enumeration.

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
def refresh(matrix, diagonal, linear, chosen, potentials):
    """Compute the potentials afresh; returns the value of the selection. O(n k)."""
    n = linear.size
    for i in range(n):
        potentials[i] = linear[i] + diagonal[i]
    for i in range(n):
        if chosen[i]:
            for j in range(n):
                potentials[j] += 2.0 * matrix[i, j]
            potentials[i] -= 2.0 * diagonal[i]
    value = 0.0
    for i in range(n):
        if chosen[i]:
            value += 0.5 * (potentials[i] + linear[i] + diagonal[i])
    return value


@kernel
def add_chosen(matrix, diagonal, begin, end, chosen, potentials):
    """Add to the potentials what the chosen of rows begin..end-1 contribute; O(n) each."""
    for i in range(begin, end):
        if chosen[i]:
            for j in range(potentials.size):
                potentials[j] += 2.0 * matrix[i, j]
            potentials[i] -= 2.0 * diagonal[i]


@kernel
def value_of(diagonal, linear, chosen, potentials):
    """Return the value of a selection from its potentials; O(n)."""
    value = 0.0
    for i in range(linear.size):
        if chosen[i]:
            value += 0.5 * (potentials[i] + linear[i] + diagonal[i])
    return value


@kernel
def exchange_all(matrix, diagonal, leaving, entering, chosen, potentials):
    """Take each of the entering for one of the leaving."""
    for a in range(leaving.size):
        i = leaving[a]
        j = entering[a]
        for c in range(potentials.size):
            potentials[c] += 2.0 * (np.float64(matrix[j, c]) - np.float64(matrix[i, c]))
        potentials[i] += 2.0 * diagonal[i]
        potentials[j] -= 2.0 * diagonal[j]
        chosen[i] = False
        chosen[j] = True


@kernel
def extend(matrix, diagonal, steps, chosen, potentials):
    """Add the free candidate of the least potential, `steps` times; O(n) each.

    `potentials` belong to `chosen`; ties go to the first.
    """
    n = potentials.size
    for _ in range(steps):
        pick = -1
        least = np.inf
        for i in range(n):
            if not chosen[i] and (pick < 0 or potentials[i] < least):
                least = potentials[i]
                pick = i
        chosen[pick] = True
        for i in range(n):
            potentials[i] += 2.0 * matrix[pick, i]
        potentials[pick] -= 2.0 * diagonal[pick]


@inner
def ordered(bits):
    """Return a whole number that orders as the float64 of these bits does; its own inverse."""
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
    keys, bits : (BLOCK + 1,) float64 and int64
        Workspace: one memory, seen as numbers and as their bits.

    Returns
    -------
    turns : int
        So far.
    settled : bool
        No exchange helps any more.
    value : float
        Of the selection, from its potentials.
    """
    n = linear.size
    k = members.size
    turn = int(progress[TURNS])
    idle = int(progress[IDLE])
    if turn == 0:
        largest = 0.0
        for c in range(n):
            size = abs(potentials[c])
            largest = size if size > largest else largest
            size = abs(linear[c])
            largest = size if size > largest else largest
        progress[GAIN] = 1e-14 * largest
    least_gain = progress[GAIN]
    j = 0
    while idle < k and turn < most:
        at = turn % k
        i = members[at]
        turn += 1
        idle += 1
        least = np.inf
        for start in range(0, n, BLOCK):
            width = n - start if n - start < BLOCK else BLOCK
            row = matrix[i, start : start + width]
            own = potentials[start : start + width]
            taken = chosen[start : start + width]
            for c in range(width):
                keys[c] = np.inf if taken[c] else own[c] - 2.0 * np.float64(row[c])
            lowest = least_bits(bits, width)
            bits[BLOCK] = lowest
            if keys[BLOCK] < least:
                least = keys[BLOCK]
                j = start + place_of(bits, width, lowest)
        if least - potentials[i] < -least_gain:
            for c in range(n):
                potentials[c] += 2.0 * (np.float64(matrix[j, c]) - np.float64(matrix[i, c]))
            potentials[i] += 2.0 * diagonal[i]
            potentials[j] -= 2.0 * diagonal[j]
            chosen[i] = False
            chosen[j] = True
            members[at] = j
            idle = 0
    progress[TURNS] = turn
    progress[IDLE] = idle
    value = 0.0
    for c in range(n):
        if chosen[c]:
            value += 0.5 * (potentials[c] + linear[c] + diagonal[c])
    return turn, idle >= k, value


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
                for p in range(k):
                    best[p] = path[p]
            path[depth] += 1
            continue
        values[depth + 1] = value
        for j in range(i + 1, n):
            potentials[depth + 1, j] = potentials[depth, j] + 2.0 * matrix[i, j]
        path[depth + 1] = i + 1
        depth += 1
