"""Tabu search by exchanges on a quadratic form, in O(n) a move.

Arrays are those of `quadratic`. The neighbourhood is the constrained one of Wu & Hao (European
Journal of Operational Research 231, 2013): the best exchange between the members of the highest
potentials and the free candidates of the lowest; two widths, adapted, say how many these are.
"""

import numpy as np

from ._jit import kernel
from .quadratic import ordered
from .rng import below

BLOCK = 256
ROOM = 24  # candidates that are looked at on either side

VALUE, BEST, WIDTH_OUT, WIDTH_IN, GAIN = range(5)
"""Places in `numbers`: the value, the best of this walk, the two widths, the least gain."""
NOW, SINCE, HELD = range(3)
"""Places in `counts`: the iteration, the one of the last improvement, how many free are tabu."""


@kernel
def walk(
    matrix,
    diagonal,
    chosen,
    potentials,
    members,
    until,
    barred,
    held,
    keys,
    bits,
    minima,
    outs,
    ins,
    best,
    numbers,
    counts,
    steps,
    stall,
    goal,
    tenures,
    state,
):
    """Walk on until `steps` moves are made, `stall` have passed in vain, or the goal is reached.

    Parameters
    ----------
    members : (k,) the chosen, in any order
    until : (n,) int64, the iteration up to which a candidate may not be exchanged
    barred : (n,) infinity where chosen or tabu, else zero
    held : (n,) the free candidates that are tabu
    keys, bits : (blocks * BLOCK + 1,) float64 and int64, one memory, infinity from n on
    minima : (blocks,) int64, workspace
    outs, ins : (ROOM,) int64, workspace
        Places in `members` that may be left, and candidates that may enter.
    best : (n,) bool, the best selection of this walk
    numbers, counts : see `VALUE`, `NOW`
    tenures : (4,) int64
        A member is tabu for ``tenures[0] + below(tenures[1])`` moves, a removed candidate for
        ``tenures[2] + below(tenures[3])``.

    Returns
    -------
    steps : int
        The moves made.
    """
    n = potentials.size
    k = members.size
    gain = numbers[GAIN]
    value = numbers[VALUE]
    least = numbers[BEST]
    widest = 1e14 * gain  # beyond all potentials
    spare = keys.size - 1
    stale = True
    done = 0
    while done < steps and counts[NOW] - counts[SINCE] < stall and least > goal:
        counts[NOW] += 1
        done += 1
        now = counts[NOW]
        if stale:
            for j in range(n):
                keys[j] = potentials[j] + barred[j]
            stale = False
        # The compiler uses vector registers for the minimum of whole numbers, not of floats.
        most = ordered(bits[0])
        for b in range(minima.size):
            start = b * BLOCK
            lowest_here = ordered(bits[start])
            for j in range(start, start + BLOCK):
                order = ordered(bits[j])
                lowest_here = order if order < lowest_here else lowest_here
            minima[b] = lowest_here
            most = lowest_here if lowest_here < most else most
        bits[spare] = ordered(most)
        lowest = keys[spare]
        highest = -np.inf
        for a in range(k):
            i = members[a]
            if potentials[i] > highest and until[i] < now:
                highest = potentials[i]
        # Candidates near these two, the tabu ones too: they may beat the best.
        limit = highest - numbers[WIDTH_OUT]
        n_out = 0
        n_free = 0
        offset = below(state, k)
        for part in range(2):
            first = offset if part == 0 else 0
            last = k if part == 0 else offset
            for a in range(first, last):
                if potentials[members[a]] >= limit and n_out < ROOM:
                    outs[n_out] = a
                    n_out += 1
                    n_free += until[members[a]] < now
        limit = lowest + numbers[WIDTH_IN]
        n_in = 0
        keys[spare] = limit
        most = ordered(bits[spare])
        b = below(state, minima.size)
        for _ in range(minima.size):
            if minima[b] <= most:
                for j in range(b * BLOCK, b * BLOCK + BLOCK):
                    if keys[j] <= limit and n_in < ROOM and j < n:
                        ins[n_in] = j
                        n_in += 1
            b = b + 1 if b + 1 < minima.size else 0
        aim = 12 if n < 200 else 8
        if n_in != aim:
            width = numbers[WIDTH_IN] * (1.05 if n_in < aim else 0.95)
            numbers[WIDTH_IN] = width if width < widest else widest
        if n_free != aim:
            width = numbers[WIDTH_OUT] * (1.05 if n_free < aim else 0.95)
            numbers[WIDTH_OUT] = width if width < widest else widest
        for q in range(counts[HELD]):
            if potentials[held[q]] <= limit and n_in < ROOM:
                ins[n_in] = held[q]
                n_in += 1
        # The best exchange among them, ties at random.
        change = np.inf
        pick_out = -1
        pick_in = -1
        ties = 1
        for a in range(n_out):
            i = members[outs[a]]
            for b in range(n_in):
                j = ins[b]
                delta = potentials[j] - potentials[i] - 2.0 * np.float64(matrix[i, j])
                if delta > change:
                    continue
                if (until[i] >= now or until[j] >= now) and value + delta >= least - gain:
                    continue  # tabu, and no new best
                if delta == change:
                    ties += 1
                    if below(state, ties) > 0:
                        continue
                else:
                    ties = 1
                change = delta
                pick_out = outs[a]
                pick_in = j
        if pick_in >= 0:
            i = members[pick_out]
            members[pick_out] = pick_in
            chosen[i] = False
            chosen[pick_in] = True
            until[i] = now + tenures[2] + below(state, tenures[3])
            until[pick_in] = now + tenures[0] + below(state, tenures[1])
            barred[pick_in] = np.inf
            barred[i] = np.inf
            held[counts[HELD]] = i
            counts[HELD] += 1
            potentials[i] += 2.0 * diagonal[i]
            potentials[pick_in] -= 2.0 * diagonal[pick_in]
        q = 0
        while q < counts[HELD]:  # those whose time is over, or that were taken in spite of it
            j = held[q]
            if chosen[j] or until[j] <= now:
                barred[j] = np.inf if chosen[j] else 0.0
                counts[HELD] -= 1
                held[q] = held[counts[HELD]]
            else:
                q += 1
        if pick_in < 0:
            stale = True
            continue
        for j in range(n):
            potentials[j] += 2.0 * (np.float64(matrix[pick_in, j]) - np.float64(matrix[i, j]))
            keys[j] = potentials[j] + barred[j]
        value += change
        if value < least - gain:
            least = value
            for j in range(n):
                best[j] = chosen[j]
            counts[SINCE] = now
    numbers[VALUE] = value
    numbers[BEST] = least
    return done
