"""Swaps on a sparse quadratic in O(d log n) each, for rows of d entries.

Arrays are those of `sparse_peeling`. A tree of minima, ``tree[size:]`` one key for each candidate
and ``tree[p]`` the smaller of ``tree[2 p]`` and ``tree[2 p + 1]``, tells the best candidate at
once. A candidate that may not be taken has an infinite key.

A member leaves, which changes the potentials of its neighbours; then the best free candidate is the
one of the least potential, and that is the best exchange for this member: no pair has to be looked
at, and the entries of the matrix between two candidates need not be found.
"""

import numpy as np

from ._jit import inner, kernel
from .rng import below

PLACE, IDLE = range(2)
"""Places in the progress of a descent: whose turn it is, and how many turns were in vain."""
VALUE, BEST, GAIN = range(3)
"""Places in the numbers of a walk: its value, its best one, and the least gain that counts."""
NOW, SINCE, HELD = range(3)
"""Places in the counts of a walk: its moves, that of the last gain, how many are tabu."""


@kernel
def build(tree):
    """Fill in the minima above the keys; O(n)."""
    size = tree.size // 2
    for back in range(1, size):
        p = size - back
        tree[p] = tree[2 * p] if tree[2 * p] < tree[2 * p + 1] else tree[2 * p + 1]


@inner
def _set_key(tree, i, key):
    """Give a candidate another key."""
    p = tree.size // 2 + i
    tree[p] = key
    p >>= 1
    while p >= 1:
        least = tree[2 * p] if tree[2 * p] < tree[2 * p + 1] else tree[2 * p + 1]
        if tree[p] == least:
            break
        tree[p] = least
        p >>= 1


@inner
def _least(tree, state):
    """Return the candidate of the least key, which is finite; one of several at random."""
    size = tree.size // 2
    p = np.int64(1)
    while p < size:
        p *= 2
        if tree[p + 1] < tree[p] or (tree[p + 1] == tree[p] and below(state, 2) == 1):
            p += 1
    return p - size


@inner
def _shift(indptr, indices, data, i, factor, potentials, entering, leaving):
    """Add ``factor * A_ij`` to the potentials of the neighbours of i, and keep the trees."""
    size = entering.size // 2
    for e in range(indptr[i], indptr[i + 1]):
        j = np.int64(indices[e])
        potentials[j] += factor * data[e]
        if entering[size + j] < np.inf:
            _set_key(entering, j, potentials[j])
        elif leaving[size + j] < np.inf:
            _set_key(leaving, j, -potentials[j])


@kernel
def descend(
    indptr, indices, data, members, potentials, entering, leaving, gain, steps, progress, state
):
    """Exchange members for their best partners, one after another, while that gains something.

    Parameters
    ----------
    members : (k,) int64, the chosen
    entering : tree of the potentials of the free
    leaving : tree without a finite key
    gain : float
        What is no more than this is rounding.
    steps : int
        Turns at most; each looks at one member.
    progress : (2,) int64
        See `PLACE`. No exchange helps where `IDLE` is k.

    Returns
    -------
    change : float
        Of the value.
    """
    k = members.size
    change = 0.0
    for _ in range(steps):
        if progress[IDLE] >= k:
            break
        p = progress[PLACE]
        i = members[p]
        _shift(indptr, indices, data, i, -2.0, potentials, entering, leaving)
        _set_key(entering, i, potentials[i])
        j = _least(entering, state)
        if potentials[j] < potentials[i] - gain:
            change += potentials[j] - potentials[i]
            progress[IDLE] = 0
        else:
            j = i
            progress[IDLE] += 1
        _set_key(entering, j, np.inf)
        _shift(indptr, indices, data, j, 2.0, potentials, entering, leaving)
        members[p] = j
        progress[PLACE] = p + 1 if p + 1 < k else 0
    return change


@kernel
def walk(
    indptr,
    indices,
    data,
    members,
    places,
    potentials,
    entering,
    leaving,
    until,
    held,
    best,
    numbers,
    counts,
    steps,
    stall,
    goal,
    tenures,
    odds,
    state,
):
    """Make `steps` tabu moves, fewer where `stall` have passed in vain or the goal is reached.

    A move takes out the member of the highest potential that is not tabu, then takes in the free
    candidate of the least; a tabu one where that is a new best. Ties are broken at random.

    Parameters
    ----------
    members, best : (k,) int64, the chosen, and those of the best of this walk
    places : (n,) int64, the place of each among the members, or -1
    entering, leaving : trees
        The potentials of the free, and the negative ones of members, none of them tabu.
    until : (n,) int64, the move up to which a candidate is tabu
    held : int64, room for all that are tabu
    numbers, counts : see `VALUE`, `NOW`
    tenures : (4,) int64
        A member is tabu for ``tenures[0] + below(tenures[1])`` moves, a removed candidate for
        ``tenures[2] + below(tenures[3])``.
    odds : int
        One in so many moves takes out a random member; 0 is none.

    Returns
    -------
    moves : int
    """
    gain = numbers[GAIN]
    done = 0
    while done < steps and counts[NOW] - counts[SINCE] < stall and numbers[BEST] > goal:
        counts[NOW] += 1
        done += 1
        now = counts[NOW]
        q = 0
        while q < counts[HELD]:
            j = held[q]
            if until[j] >= now:
                q += 1
                continue
            if places[j] >= 0:
                _set_key(leaving, j, -potentials[j])
            else:
                _set_key(entering, j, potentials[j])
            counts[HELD] -= 1
            held[q] = held[counts[HELD]]
        if leaving[1] == np.inf or entering[1] == np.inf:
            continue  # all of one side are tabu
        i = _least(leaving, state)
        if odds > 0 and below(state, odds) == 0:
            h = members[below(state, members.size)]
            i = h if until[h] < now else i
        _set_key(leaving, i, np.inf)
        _shift(indptr, indices, data, i, -2.0, potentials, entering, leaving)
        j = _least(entering, state)
        least = potentials[j]
        enough = numbers[BEST] - gain - numbers[VALUE] + potentials[i]
        for q in range(counts[HELD]):
            h = held[q]
            if places[h] < 0 and potentials[h] < least and potentials[h] < enough:
                j = h
                least = potentials[h]
        numbers[VALUE] += least - potentials[i]
        place = places[i]
        members[place] = j
        places[j] = place
        places[i] = -1
        if until[j] < now:  # else it is held already
            held[counts[HELD]] = j
            counts[HELD] += 1
        held[counts[HELD]] = i
        counts[HELD] += 1
        until[i] = now + tenures[2] + below(state, tenures[3])
        until[j] = now + tenures[0] + below(state, tenures[1])
        _set_key(entering, j, np.inf)
        _shift(indptr, indices, data, j, 2.0, potentials, entering, leaving)
        if numbers[VALUE] < numbers[BEST] - gain:
            numbers[BEST] = numbers[VALUE]
            counts[SINCE] = now
            for p in range(best.size):
                best[p] = members[p]
    return done
