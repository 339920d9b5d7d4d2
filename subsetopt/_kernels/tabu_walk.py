"""Tabu search by exchanges on a quadratic form, in O(n) a move.

Matrix and potentials are those of `quadratic_descent`, kept as in `heat_bath`: of the free
candidates by index, of the members by place. A move takes out the member of the highest potential,
then takes in the best candidate for its place. To look at all exchanges would cost O(k n) a move;
to look at those of the few highest members and lowest candidates, as Wu & Hao do (European Journal
of Operational Research 231, 2013), costs as many reads from anywhere in the matrix, which take
longer than the two rows that a move reads. Called by `solvers.heuristics._tabu_search`, which
computes the value of what a walk has met afresh: here it is summed up move by move.
"""

import numpy as np

from ._jit import kernel
from .heat_bath import exchange
from .lanes import LANES, lane_minima
from .rng import below

VALUE, BEST, GAIN = range(3)
"""Places in `numbers`: the value, the best of this walk, the least gain."""
NOW, SINCE, HELD = range(3)
"""Places in `counts`: the iteration, the one of the last improvement, how many free are tabu."""


@kernel
def walk(
    matrix,
    keys,
    standing,
    members,
    until,
    held,
    lying,
    best,
    numbers,
    counts,
    steps,
    stall,
    goal,
    tenures,
    state,
    minima,
):
    """Walk on until `steps` moves are made, `stall` have passed in vain, or the goal is reached.

    Parameters
    ----------
    keys : (n,) float64
        The potentials of the candidates that may enter, infinity for the others.
    standing : (k,) float64
        The potentials of the members.
    members : (k,) the chosen, in any order
    until : (n,) int64, the iteration up to which a candidate may not be exchanged
    held, lying : (n,) int64 and float64, the free candidates that are tabu, and their potentials
    best : (k,) int64, the members at the best of this walk
    numbers, counts : see `VALUE`, `NOW`
    tenures : (4,) int64
        A member is tabu for ``tenures[0] + below(tenures[1])`` moves, a removed candidate for
        ``tenures[2] + below(tenures[3])``; so few that some of either are always free to move.
    minima : (lanes.LANES,) float64
        Workspace.

    Returns
    -------
    steps : int
        The moves made.
    """
    n = keys.size
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
            if standing[p] >= highest and until[members[p]] < now:
                ties = ties + 1 if standing[p] == highest else 1
                highest = standing[p]
                if ties == 1 or below(state, ties) == 0:
                    place = p
        leaving = members[place]
        row = matrix[leaving]
        least = lane_minima(keys, row, minima)
        entering = below(state, n)
        while minima[entering % LANES] != least:
            entering = entering + 1 if entering + 1 < n else 0
        while keys[entering] - 2.0 * row[entering] != least:
            entering = entering + LANES if entering + LANES < n else entering % LANES
        change = least - highest
        enough = numbers[BEST] - numbers[GAIN]
        back = -1
        for q in range(counts[HELD]):  # a new best is barred to none (aspiration)
            delta = lying[q] - 2.0 * row[held[q]] - highest
            if delta < change and numbers[VALUE] + delta < enough:
                change = delta
                back = q
        if back >= 0:
            entering = held[back]
            keys[entering] = lying[back]
            counts[HELD] -= 1
            held[back] = held[counts[HELD]]
            lying[back] = lying[counts[HELD]]
        exchange(matrix, place, entering, keys, standing, members, numbers)
        until[leaving] = now + tenures[2] + below(state, tenures[3])
        until[entering] = now + tenures[0] + below(state, tenures[1])
        other = matrix[entering]
        q = 0
        while q < counts[HELD]:
            j = held[q]
            lying[q] += 2.0 * (np.float64(other[j]) - np.float64(row[j]))
            if until[j] <= now:  # its time is over
                keys[j] = lying[q]
                counts[HELD] -= 1
                held[q] = held[counts[HELD]]
                lying[q] = lying[counts[HELD]]
            else:
                q += 1
        if until[leaving] > now:
            held[counts[HELD]] = leaving
            lying[counts[HELD]] = keys[leaving]
            counts[HELD] += 1
            keys[leaving] = np.inf
        if numbers[VALUE] < enough:
            numbers[BEST] = numbers[VALUE]
            for p in range(members.size):
                best[p] = members[p]
            counts[SINCE] = now
    return done
