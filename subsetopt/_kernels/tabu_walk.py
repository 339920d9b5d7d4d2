"""Tabu search by exchanges on a quadratic form, in O(n) a move.

Arrays are those of `quadratic`. The neighbourhood is the constrained one of Wu & Hao (European
Journal of Operational Research 231, 2013): the best exchange between the members of the highest
potentials and the free candidates of the lowest; two widths, adapted, say how many these are.
To look at all exchanges would cost O(k n) a move. Called by `solvers.heuristics._quadratic_search`,
which computes the value of what a walk has met afresh: here it is summed up move by move.
"""

import numpy as np

from ._jit import kernel
from .quadratic_descent import ordered
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
    minima_bits,
    near,
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
    keys, bits : (blocks * BLOCK,) float64 and int64
        The potentials plus `barred`, and infinity from n on; one memory.
    minima, minima_bits : (blocks,) float64 and int64, workspace, one memory
    near : (2 * ROOM,) int64, workspace
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
    done = 0
    while done < steps and counts[NOW] - counts[SINCE] < stall and numbers[BEST] > goal:
        counts[NOW] += 1
        done += 1
        now = counts[NOW]
        # The least of each block of keys: the second pass then looks into those blocks alone that
        # hold a candidate near the least of all.
        lowest = np.inf
        for block in range(minima.size):
            # The compiler uses vector registers for the minimum of whole numbers, not of floats.
            least = ordered(bits[block * BLOCK])
            for c in range(block * BLOCK, block * BLOCK + BLOCK):
                order = ordered(bits[c])
                least = order if order < least else least
            minima_bits[block] = ordered(least)
            lowest = minima[block] if minima[block] < lowest else lowest
        highest = -np.inf
        for p in range(k):
            if potentials[members[p]] > highest and until[members[p]] < now:
                highest = potentials[members[p]]
        # Candidates near these two, the tabu ones too: they may beat the best.
        limit = highest - numbers[WIDTH_OUT]
        n_out = 0
        n_free = 0
        # From a random place on: more are near than there is room for where potentials tie, as in
        # graphs, and the first ones would always win.
        first = below(state, k)
        for turn in range(first, first + k):
            p = turn if turn < k else turn - k
            if potentials[members[p]] >= limit and n_out < ROOM:
                near[n_out] = p
                n_out += 1
                n_free += until[members[p]] < now
        limit = lowest + numbers[WIDTH_IN]
        n_in = 0
        first = below(state, minima.size)
        for turn in range(first, first + minima.size):
            block = turn if turn < minima.size else turn - minima.size
            if minima[block] <= limit:
                for c in range(block * BLOCK, block * BLOCK + BLOCK):
                    if keys[c] <= limit and n_in < ROOM and c < n:
                        near[ROOM + n_in] = c
                        n_in += 1
        # The widths follow the potentials as these grow and shrink during a walk.
        aim = 12 if n < 200 else 8
        for side in range(WIDTH_OUT, WIDTH_IN + 1):
            size = n_in if side == WIDTH_IN else n_free
            if size != aim:  # at most beyond all potentials
                numbers[side] *= 1.05 if size < aim else 0.95
                if numbers[side] > 1e14 * gain:
                    numbers[side] = 1e14 * gain
        # The keys of tabu candidates are infinite, so the blocks have not shown them.
        for q in range(counts[HELD]):
            if potentials[held[q]] <= limit and n_in < ROOM:
                near[ROOM + n_in] = held[q]
                n_in += 1
        # The best exchange among them, ties at random.
        # O(ROOM^2) of them. Where all are tabu, this iteration makes no move.
        value = numbers[VALUE]
        enough = numbers[BEST] - gain
        change = np.inf
        place = -1
        entering = -1
        ties = 1
        for a in range(n_out):
            i = members[near[a]]
            for b in range(ROOM, ROOM + n_in):
                j = near[b]
                delta = potentials[j] - potentials[i] - 2.0 * matrix[i, j]
                if delta > change:
                    continue
                if value + delta >= enough and (until[i] >= now or until[j] >= now):
                    continue  # tabu, and no new best, to which none is barred (aspiration)
                ties = ties + 1 if delta == change else 1
                if ties == 1 or below(state, ties) == 0:
                    change = delta
                    place = near[a]
                    entering = j
        if entering >= 0:
            leaving = members[place]
            members[place] = entering
            chosen[leaving] = False
            chosen[entering] = True
            until[leaving] = now + tenures[2] + below(state, tenures[3])
            until[entering] = now + tenures[0] + below(state, tenures[1])
            barred[entering] = np.inf
            barred[leaving] = np.inf
            held[counts[HELD]] = leaving
            counts[HELD] += 1
            # As in `quadratic.exchange_all`. The rows come once `barred` is up to date, so that one
            # loop sets the keys as well.
            potentials[leaving] += 2.0 * diagonal[leaving]
            potentials[entering] -= 2.0 * diagonal[entering]
        q = 0
        while q < counts[HELD]:  # those whose time is over, or that were taken in spite of it
            j = held[q]
            if chosen[j] or until[j] <= now:
                barred[j] = np.inf if chosen[j] else 0.0
                keys[j] = potentials[j] + barred[j]
                counts[HELD] -= 1
                held[q] = held[counts[HELD]]
            else:
                q += 1
        if entering < 0:
            continue
        for c in range(n):
            potentials[c] += 2.0 * (
                np.float64(matrix[entering, c]) - np.float64(matrix[leaving, c])
            )
            keys[c] = potentials[c] + barred[c]
        numbers[VALUE] = value + change
        if value + change < enough:
            numbers[BEST] = value + change
            for c in range(n):
                best[c] = chosen[c]
            counts[SINCE] = now
    return done
