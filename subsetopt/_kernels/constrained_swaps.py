"""Swaps that keep constraints, on a quadratic form: descent, tabu walk, removal and refilling.

The form, `chosen` and the potentials are those of `quadratic_descent`. Constraints are rows over
the candidates, all in whole numbers, so that a move keeps them or not without any rounding:

    lower[r] <= load[r] = sum(weights[e] for entries e of the chosen with rows[e] == r) <= upper[r]

where the entries of candidate i are ``starts[i]:starts[i+1]`` and weights are >= 0. `side` is the
tuple ``(starts, rows, weights, lower, upper, load, begins, items)`` of int64 arrays: `load` follows
every move, and ``items[begins[r]:begins[r+1]]`` are the candidates of row r, ascending. Quotas have
weights 1, budgets the costs and no lower limit, a conflict is a row of two with the upper limit 1.
Called by `solvers.heuristics._constrained_search`.

A swap is looked at from its leaving side: once i has left, only rows of i can lie below their
lower limits, and what enters has to lift all of these and push none above its upper one. So where
one is too low only its own candidates are looked at; that costs as many steps as a candidate has
entries, and only those that would improve are asked.
"""

import numpy as np

from ._jit import inner, kernel
from .quadratic_descent import GAIN, IDLE, TURNS
from .rng import below

NOW, SINCE = range(2)
"""Places in the counts of a walk: its moves so far, and those at the last improvement."""
OUT = 8  # members that a move of a walk looks at


@inner
def leave(i, side):
    """Take the entries of i off the loads.

    Returns how many rows are then too low, and the one of the fewest candidates, -1 for none.
    """
    starts, rows, weights, lower, _, load, begins, _ = side
    short = 0
    row = -1
    for e in range(starts[i], starts[i + 1]):
        r = rows[e]
        load[r] -= weights[e]
        if load[r] < lower[r]:
            short += 1
            if row < 0 or begins[r + 1] - begins[r] < begins[row + 1] - begins[row]:
                row = r
    return short, row


@inner
def enter(i, side):
    """Add the entries of i to the loads."""
    starts, rows, weights, _, _, load, _, _ = side
    for e in range(starts[i], starts[i + 1]):
        load[rows[e]] += weights[e]


@inner
def fits(j, short, side):
    """Whether j lifts the rows that are too low, `short` of them, and lifts none too high."""
    starts, rows, weights, lower, upper, load, _, _ = side
    for e in range(starts[j], starts[j + 1]):
        r = rows[e]
        after = load[r] + weights[e]
        if after > upper[r]:
            return False
        short -= load[r] < lower[r] and after >= lower[r]
    return short == 0


@inner
def _exchange(matrix, diagonal, i, j, chosen, potentials):
    """Take the free j for the chosen i; O(n)."""
    for c in range(potentials.size):
        potentials[c] += 2.0 * (np.float64(matrix[j, c]) - np.float64(matrix[i, c]))
    # A candidate's own entry is no part of its sum.
    potentials[i] += 2.0 * diagonal[i]
    potentials[j] -= 2.0 * diagonal[j]
    chosen[i] = False
    chosen[j] = True


@kernel
def descend(matrix, diagonal, linear, most, members, progress, chosen, potentials, side):
    """Exchange each member for its best partner that keeps the rows, turn after turn.

    As `quadratic_descent.descend`, with the rows kept: it ends after `most` turns, or when no
    single swap that keeps them helps. Returns the value, from the potentials. O(n) a turn, and the
    entries of those candidates that would improve.
    """
    n = linear.size
    begins, items = side[6], side[7]
    gain = progress[GAIN]
    if progress[TURNS] == 0.0:
        # A gain below the rounding of the potentials may be none, see `quadratic_descent`. Stated
        # again: a function of its own would be compiled once more in each of the two.
        for c in range(n):
            size = abs(potentials[c])
            size = size if size > abs(linear[c]) else abs(linear[c])
            gain = gain if gain > 1e-14 * size else 1e-14 * size
        progress[GAIN] = gain
    while progress[IDLE] < members.size and progress[TURNS] < most:
        at = np.int64(progress[TURNS]) % members.size
        i = members[at]
        progress[TURNS] += 1.0
        progress[IDLE] += 1.0
        short, row = leave(i, side)
        least = potentials[i] - gain
        j = -1
        first = begins[row] if row >= 0 else 0
        last = begins[row + 1] if row >= 0 else n
        for at_item in range(first, last):
            c = items[at_item] if row >= 0 else at_item
            key = potentials[c] - 2.0 * matrix[i, c]
            if key < least and not chosen[c] and fits(c, short, side):
                least = key
                j = c
        if j < 0:
            enter(i, side)
        else:
            enter(j, side)
            _exchange(matrix, diagonal, i, j, chosen, potentials)
            members[at] = j
            progress[IDLE] = 0.0
    value = 0.0
    for c in range(n):
        if chosen[c]:
            value += 0.5 * (potentials[c] + linear[c] + diagonal[c])
    return value


@kernel
def refill(
    matrix, diagonal, leaving, entering, later, cover, spread, state, chosen, potentials, side
):
    """Remove candidates, and choose as many as there is room for in `entering`, one by one.

    Each is the one of the least potential, plus up to `spread` at random, of those that lift no row
    too high and leave the rows that are too low within reach of what is still to enter. With
    disjoint quotas that never ends in vain; else it may.

    Parameters
    ----------
    leaving : (a,) int64
        They come back only where nothing else can be chosen.
    entering : (b,) int64
        Filled with what was chosen, -1 from where nothing could be.
    later : int
        How many will enter in further calls.
    cover : int
        The most rows with a lower limit that one candidate is in.

    Returns
    -------
    kept : bool
        Whether all could be chosen, and no row is too low but for what is to enter later.
    """
    n = potentials.size
    starts, rows, weights, lower, upper, load, _, _ = side
    for a in range(leaving.size):
        i = leaving[a]
        leave(i, side)
        chosen[i] = False
        for c in range(n):
            potentials[c] -= 2.0 * np.float64(matrix[i, c])
        potentials[i] += 2.0 * diagonal[i]
    missing = 0  # what the rows lack, in candidates
    for r in range(lower.size):
        if load[r] < lower[r]:
            missing += lower[r] - load[r]
    entering[:] = -1
    for b in range(entering.size):
        # Of those that have just left only if there is no other, so that a kick leads away.
        j = -1
        left = entering.size - b - 1 + later
        least = np.inf
        for second in range(2):
            for c in range(n):
                if chosen[c] or potentials[c] >= least:
                    continue
                back = False
                for a in range(leaving.size):
                    back = back or leaving[a] == c
                if back and second == 0:
                    continue
                lifted = 0
                over = False
                for e in range(starts[c], starts[c + 1]):
                    r = rows[e]
                    over = over or load[r] + weights[e] > upper[r]
                    lifted += load[r] < lower[r]
                if over or missing - lifted > left * cover:
                    continue
                key = potentials[c]
                if spread > 0.0:
                    key += spread * below(state, 1 << 20) / (1 << 20)
                if key < least:
                    least = key
                    j = c
            if j >= 0:
                break
        if j < 0:
            return False
        for e in range(starts[j], starts[j + 1]):
            missing -= load[rows[e]] < lower[rows[e]]
        enter(j, side)
        entering[b] = j
        chosen[j] = True
        for c in range(n):
            potentials[c] += 2.0 * np.float64(matrix[j, c])
        potentials[j] -= 2.0 * diagonal[j]
    return missing <= later * cover


@kernel
def walk(
    matrix,
    diagonal,
    chosen,
    potentials,
    members,
    until,
    best,
    numbers,
    counts,
    steps,
    stall,
    goal,
    tenures,
    state,
    side,
):
    """Walk on by tabu search that keeps the rows, until `steps` moves are made or it stalls.

    A move looks at `OUT` members, half of them those of the highest potentials and half at random,
    each with all free candidates: O(n) for each. The neighbourhood of `tabu_walk`, the extremes on
    both sides, may have no swap that keeps the rows.

    Parameters
    ----------
    members : (k,) int64, the chosen, in any order
    until : (n,) int64, the move up to which a candidate may not be exchanged
    best : (n,) bool, the best selection of this walk
    numbers : (3,) float64, the value, the best of this walk and the least gain
    counts : (2,) int64, see `NOW`
    tenures : (4,) int64
        As of `tabu_walk`.

    Returns
    -------
    steps : int
        The moves made.
    """
    n = potentials.size
    k = members.size
    begins, items = side[6], side[7]
    done = 0
    while done < steps and counts[NOW] - counts[SINCE] < stall and numbers[1] > goal:
        counts[NOW] += 1
        done += 1
        now = counts[NOW]
        enough = numbers[1] - numbers[2]
        change = np.inf
        place = -1
        entering = -1
        ties = 1
        ceiling = np.inf
        for a in range(OUT if k > OUT else k):
            p = a
            if k > OUT and a % 2:
                p = below(state, k)
            elif k > OUT:
                # The next lower potential of a member: O(k), against O(n) of its partners.
                p = -1
                for q in range(k):
                    u = potentials[members[q]]
                    if u < ceiling and until[members[q]] < now:
                        if p < 0 or u > potentials[members[p]]:
                            p = q
                if p < 0:
                    continue
                ceiling = potentials[members[p]]
            i = members[p]
            held = until[i] >= now
            short, row = leave(i, side)
            first = begins[row] if row >= 0 else 0
            last = begins[row + 1] if row >= 0 else n
            for at_item in range(first, last):
                c = items[at_item] if row >= 0 else at_item
                delta = potentials[c] - potentials[i] - 2.0 * matrix[i, c]
                if delta > change or chosen[c]:
                    continue
                # Tabu, and no new best, to which nothing is barred (aspiration).
                if (held or until[c] >= now) and numbers[0] + delta >= enough:
                    continue
                if not fits(c, short, side):
                    continue
                ties = ties + 1 if delta == change else 1
                if ties == 1 or below(state, ties) == 0:
                    change = delta
                    place = p
                    entering = c
            enter(i, side)
        if entering < 0:
            continue  # all are tabu, or fit nowhere: time passes
        leaving = members[place]
        leave(leaving, side)
        enter(entering, side)
        _exchange(matrix, diagonal, leaving, entering, chosen, potentials)
        members[place] = entering
        until[leaving] = now + tenures[2] + below(state, tenures[3])
        until[entering] = now + tenures[0] + below(state, tenures[1])
        numbers[0] += change
        if numbers[0] < enough:
            numbers[1] = numbers[0]
            for c in range(n):
                best[c] = chosen[c]
            counts[SINCE] = now
    return done
