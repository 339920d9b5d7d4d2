"""Tabu search by exchanges on a quadratic form, in O(n) a move.

Arrays are those of `quadratic_descent`. A move takes out the member of the highest potential, then
takes in the best candidate for its place. To look at all exchanges would cost O(k n) a move; to
look at those of the few highest members and lowest candidates, as Wu & Hao do (European Journal of
Operational Research 231, 2013), costs as many reads from anywhere in the matrix, which take longer
than the two rows that a move adds. Called by `solvers.heuristics._tabu_search`, which computes the
value of what a walk has met afresh: here it is summed up move by move.
"""

import numpy as np

from ._jit import kernel
from .quadratic_descent import least_bits
from .rng import below

VALUE, BEST, GAIN = range(3)
"""Places in `numbers`: the value, the best of this walk, the least gain."""
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
    held,
    keys,
    bits,
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
    held : (n,) the free candidates that are tabu
    keys, bits : (n,) float64 and int64
        The potentials of the candidates that may enter, infinity for the others; one memory.
    best : (n,) bool, the best selection of this walk
    numbers, counts : see `VALUE`, `NOW`
    tenures : (4,) int64
        A member is tabu for ``tenures[0] + below(tenures[1])`` moves, a removed candidate for
        ``tenures[2] + below(tenures[3])``; so few that some of either are always free to move.

    Returns
    -------
    steps : int
        The moves made.
    """
    n = potentials.size
    done = 0
    while done < steps and counts[NOW] - counts[SINCE] < stall and numbers[BEST] > goal:
        counts[NOW] += 1
        done += 1
        now = counts[NOW]
        # The member to leave and the candidate to enter; ties at random, of which graphs have many.
        place = -1
        ties = 1
        highest = -np.inf
        for p in range(members.size):
            i = members[p]
            if potentials[i] >= highest and until[i] < now:
                ties = ties + 1 if potentials[i] == highest else 1
                highest = potentials[i]
                if ties == 1 or below(state, ties) == 0:
                    place = p
        leaving = members[place]
        # One array a loop, for the sake of vector registers.
        for c in range(n):
            potentials[c] -= 2.0 * matrix[leaving, c]
        for c in range(n):
            keys[c] -= 2.0 * matrix[leaving, c]
        least = least_bits(bits, n)
        potentials[leaving] = highest  # a candidate's own entry is no part of its sum
        entering = below(state, n)
        while bits[entering] != least:
            entering = entering + 1 if entering + 1 < n else 0
        change = keys[entering] - highest
        value = numbers[VALUE]
        enough = numbers[BEST] - numbers[GAIN]
        for q in range(counts[HELD]):  # a new best is barred to none (aspiration)
            delta = potentials[held[q]] - highest
            if delta < change and value + delta < enough:
                change = delta
                entering = held[q]
        members[place] = entering
        chosen[leaving] = False
        chosen[entering] = True
        until[leaving] = now + tenures[2] + below(state, tenures[3])
        until[entering] = now + tenures[0] + below(state, tenures[1])
        held[counts[HELD]] = leaving
        counts[HELD] += 1
        keys[leaving] = np.inf
        keys[entering] = np.inf
        potentials[entering] -= 2.0 * diagonal[entering]
        for c in range(n):
            potentials[c] += 2.0 * matrix[entering, c]
        for c in range(n):
            keys[c] += 2.0 * matrix[entering, c]
        q = 0
        while q < counts[HELD]:  # those whose time is over, or that were taken in spite of it
            j = held[q]
            if chosen[j] or until[j] <= now:
                keys[j] = np.inf if chosen[j] else potentials[j]
                counts[HELD] -= 1
                held[q] = held[counts[HELD]]
            else:
                q += 1
        numbers[VALUE] = value + change
        if value + change < enough:
            numbers[BEST] = value + change
            for c in range(n):
                best[c] = chosen[c]
            counts[SINCE] = now
    return done
