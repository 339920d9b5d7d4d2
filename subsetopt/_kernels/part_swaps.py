"""Swaps between the parts of a partition that bring their kernel means closer.

Called by `sequencing._part_search`, block after block. Units, single rows or groups of rows that
stay together, are in p parts of n_a rows; K (m, m) holds the sums of kernels between all rows of
two units of the block, and the potentials (p, m) the sums of kernels with all rows of each part.
Lowered is

    J = sum(S_a / n_a for all parts a),    S_a = sum of K within part a,

which is, but for a constant, ``sum(n_a MMD^2(part a, all))``. Swapping i of part a for j of part b
changes S_a by ``2 (g_aj - g_ai) + q`` and S_b by ``2 (g_bi - g_bj) + q``, with
``q = K_ii + K_jj - 2 K_ij``. All sums are float64; ties go to the lowest index.
"""

import numpy as np

from ._jit import inner, kernel
from .quadratic_descent import BLOCK, least_bits, place_of
from .rng import below


@inner
def fits(give, take, a, b, demands, counts, low, high):
    """Return whether part a may give a unit of one kind to part b and take one of another."""
    for c in range(counts.shape[1]):
        change = demands[take, c] - demands[give, c]
        if change:
            in_a = counts[a, c] + change
            in_b = counts[b, c] - change
            if in_a < low[a, c] or in_a > high[a, c] or in_b < low[b, c] or in_b > high[b, c]:
                return False
    return True


@inner
def fill_equal(matrix, i, part, potentials, sizes, own, start, size, base, slope, keys):
    """Write what J changes by where i is swapped for each of some units of its own size."""
    a = part[i]
    share = 1.0 / sizes[a]
    itself = np.float64(matrix[i, i])
    for b in range(sizes.size):
        both = share + 1.0 / sizes[b]
        slope[b] = -2.0 * both
        base[b] = both * itself + 2.0 * (potentials[b, i] / sizes[b] - potentials[a, i] * share)
    base[a] = np.inf
    entries = matrix[i, start : start + size]
    ours = potentials[a, start : start + size]
    theirs = own[0, start : start + size]
    selves = own[1, start : start + size]
    places = part[start : start + size]
    for c in range(size):
        b = places[c]
        keys[c] = (
            base[b]
            + slope[b] * np.float64(entries[c])
            + share * (2.0 * ours[c] + selves[c])
            - theirs[c]
        )


@inner
def fill_unequal(matrix, i, part, potentials, sizes, sums, mass, own, start, size, keys):
    """Write what J changes by where i is swapped for each of some units of any size."""
    a = part[i]
    for c in range(size):
        j = start + c
        b = part[j]
        if b == a:
            keys[c] = np.inf
        else:
            more = mass[j] - mass[i]
            q = np.float64(matrix[i, i]) + own[1, j] - 2.0 * np.float64(matrix[i, j])
            in_a = sums[a] + 2.0 * (potentials[a, j] - potentials[a, i]) + q
            in_b = sums[b] + 2.0 * (potentials[b, i] - potentials[b, j]) + q
            keys[c] = (
                in_a / (sizes[a] + more)
                - sums[a] / sizes[a]
                + in_b / (sizes[b] - more)
                - sums[b] / sizes[b]
            )


@inner
def fill_own(part, potentials, sizes, own):
    """Write for each unit twice its potential in its part less its own kernel, over the size."""
    for j in range(part.size):
        b = part[j]
        own[0, j] = (2.0 * potentials[b, j] - own[1, j]) / sizes[b]


@inner
def swap(matrix, i, j, part, potentials, sizes, sums, mass, kinds, demands, counts):
    """Let i and j take each other's part. O(m + C)."""
    a = part[i]
    b = part[j]
    q = np.float64(matrix[i, i]) + np.float64(matrix[j, j]) - 2.0 * np.float64(matrix[i, j])
    sums[a] += 2.0 * (potentials[a, j] - potentials[a, i]) + q
    sums[b] += 2.0 * (potentials[b, i] - potentials[b, j]) + q
    sizes[a] += mass[j] - mass[i]
    sizes[b] += mass[i] - mass[j]
    for c in range(counts.shape[1]):
        change = demands[kinds[j], c] - demands[kinds[i], c]
        counts[a, c] += change
        counts[b, c] -= change
    leaving = matrix[i]
    entering = matrix[j]
    for c in range(part.size):
        change = np.float64(entering[c]) - np.float64(leaving[c])
        potentials[a, c] += change
        potentials[b, c] -= change
    part[i] = b
    part[j] = a


@kernel
def shake(matrix, mass, kinds, demands, low, high, state, count,
          part, potentials, sizes, sums, counts):  # fmt: skip
    """Make at most `count` random swaps that the counts allow; arguments as of `descend`.

    `state` is that of the random generator. O(m) a swap.
    """
    m = part.size
    for _ in range(count):
        i = below(state, m)
        first = below(state, m)
        for step in range(m):
            j = (first + step) % m
            if part[j] != part[i] and (
                kinds[i] == kinds[j]
                or fits(kinds[i], kinds[j], part[i], part[j], demands, counts, low, high)
            ):
                swap(matrix, i, j, part, potentials, sizes, sums, mass, kinds, demands, counts)
                break


@kernel
def descend(
    matrix, mass, kinds, demands, low, high, equal, passive, least_gain, turn, idle, most,
    part, potentials, sizes, sums, counts, own, tables, keys, bits,
):  # fmt: skip
    """Swap each unit of the block for its best partner where that helps, turn after turn.

    O(m) a turn. It ends when no swap gains more than `least_gain`, m turns in vain, or when its
    turns are `most`; another call goes on with it.

    Parameters
    ----------
    matrix : (m, m)
        K between the units of the block.
    mass : (m,) float64
        Rows of each unit; all the same where `equal`.
    kinds : (m,) int64
        Units of one kind count alike for the balance: always swappable.
    demands : (D, C) int64
        What a unit of each kind adds to the counts of a part.
    low, high : (p, C) int64
        Between which the counts stay.
    passive : int
        A part whose swaps are looked for from the other side alone, the largest one best.
    part : (m,) int64
        The part of each unit; this and the following are changed in place.
    potentials : (p, m) float64
    sizes, sums : (p,) float64
        n_a and S_a, of all units, those outside the block included.
    counts : (p, C) int64
        Likewise.
    own : (2, m) float64, tables : (2, p) float64
        Workspace.
    keys, bits : (BLOCK + 1,) float64 and int64
        Workspace: one memory, seen as numbers and as their bits.

    Returns
    -------
    turn, idle : int
        Turns so far, and those in vain since the last swap.
    """
    m = part.size
    for j in range(m):
        own[1, j] = np.float64(matrix[j, j])
    if equal:
        fill_own(part, potentials, sizes, own)
    while idle < m and turn < most:
        i = turn % m
        turn += 1
        idle += 1
        a = part[i]
        if a == passive:
            continue
        least = -least_gain
        best = -1
        for start in range(0, m, BLOCK):
            size = m - start if m - start < BLOCK else BLOCK
            if equal:
                fill_equal(
                    matrix, i, part, potentials, sizes, own, start, size, tables[0], tables[1], keys
                )
            else:
                fill_unequal(matrix, i, part, potentials, sizes, sums, mass, own, start, size, keys)
            lowest = least_bits(bits, size)
            bits[BLOCK] = lowest
            if keys[BLOCK] >= least:
                continue
            at = place_of(bits, size, lowest)
            j = start + at
            if kinds[i] == kinds[j] or fits(
                kinds[i], kinds[j], a, part[j], demands, counts, low, high
            ):
                best = j
                least = keys[at]
                continue
            for c in range(size):
                j = start + c
                if keys[c] < least and (
                    kinds[i] == kinds[j]
                    or fits(kinds[i], kinds[j], a, part[j], demands, counts, low, high)
                ):
                    best = j
                    least = keys[c]
        if best >= 0:
            idle = 0
            swap(matrix, i, best, part, potentials, sizes, sums, mass, kinds, demands, counts)
            if equal:
                fill_own(part, potentials, sizes, own)
    return turn, idle
