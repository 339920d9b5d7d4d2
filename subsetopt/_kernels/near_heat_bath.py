"""Simulated annealing as in `heat_bath`, where a member's place goes to a candidate near it.

Under a kernel the few good exchanges of a member are among the candidates that it is most alike to.
Of each member these are listed when it is first looked at, O(n), and a look costs as much as the
list is long; O(n) an exchange, which few looks end with.
"""

import numpy as np

from ._jit import inner, kernel
from .heat_bath import ADAPTING, CUT, TEMPERATURE, adapt, drawn, exchange, note
from .rng import below


@inner
def list_near(row, own, near, entries):
    """List the candidate of the largest entry of each group, but for one's own.

    A group are the candidates with the same remainder: so neighbours in a sorted file are in
    different ones, and of the nearest few each is likely to be the nearest of its group.
    """
    count = near.size
    for g in range(count):
        entries[g] = -np.inf
        near[g] = g
    for first in range(0, row.size - count + 1, count):
        for g in range(count):
            entry = row[first + g]
            if entry > entries[g] and first + g != own:
                entries[g] = entry
                near[g] = first + g


@kernel
def anneal(
    matrix,
    keys,
    standing,
    members,
    lists,
    listed,
    weights,
    best,
    numbers,
    looks,
    shares,
    state,
):
    """Make some of the looks of an annealing; what is not told here is as in `heat_bath`.

    Parameters
    ----------
    lists : (n, count) int32
        For each candidate that has been a member those near it.
    listed : (n,) bool
        Which these are.
    weights : (count,) float64
        Workspace.
    """
    count = weights.size
    for look in range(looks[0], looks[1]):
        if look % ADAPTING == 0 and look > 0:
            adapt(numbers, shares[0] * (shares[1] / shares[0]) ** (look / looks[2]))
        temperature = numbers[TEMPERATURE]
        p = below(state, members.size)
        i = members[p]
        near = lists[i]
        if not listed[i]:
            list_near(matrix[i], i, near, weights)
            listed[i] = True
        row = matrix[i]
        stay = standing[p]
        least = stay
        for a in range(count):
            weights[a] = keys[near[a]] - 2.0 * row[near[a]]
            least = weights[a] if weights[a] < least else least
        for a in range(count):
            above = (weights[a] - least) / temperature
            weights[a] = np.exp(-above) if above < CUT else 0.0
        a = drawn(weights, count, np.exp((least - stay) / temperature), numbers, state)
        if a < count:
            if keys[near[a]] - 2.0 * row[near[a]] > stay:
                note(members, best, numbers)
            exchange(matrix, p, near[a], keys, standing, members, numbers)
    note(members, best, numbers)
