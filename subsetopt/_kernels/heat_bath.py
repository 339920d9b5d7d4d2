"""Simulated annealing by exchanges on a quadratic form, in O(n) a look.

The form and the potentials are those of `quadratic_descent`. A look takes a member at random and
draws who is to stand in its place from all candidates at once, itself among them, with
probabilities in proportion to ``exp(-value / temperature)``: the heat-bath rule (Geman & Geman,
IEEE PAMI 6, 1984), for which one look does what k (n - k) proposals, most of them rejected, do for
the rule of Metropolis. Points have near duplicates under a kernel, and the few good exchanges of a
member are among these.

The temperature is not given: it follows from the share of looks that are to end with an exchange,
which falls geometrically from the beginning to the end of an annealing. So it needs no scale.
Called by `solvers.heuristics._annealing`, which computes the value of what was met afresh.
"""

import numpy as np

from ._jit import inner, kernel
from .lanes import LANES, lane_minima
from .rng import below

CUT = 12.0  # temperatures above the least: further up probabilities are below 1e-5
ADAPTING = 64  # looks between two changes of the temperature

VALUE, BEST, TEMPERATURE, LEFT = range(4)
"""Places in `numbers`: the value and the least so far, both less that of the beginning, the
temperature, and the sum of the probabilities to leave since that was last changed."""
_RANDOM = 1 << 30


@inner
def adapt(numbers, aim):
    """Change the temperature so that the share `aim` of the next looks ends with an exchange."""
    share = numbers[LEFT] / ADAPTING
    factor = (aim / (share + 0.01 * aim)) ** 0.25
    factor = factor if factor < 1.3 else 1.3
    numbers[TEMPERATURE] *= factor if factor > 1.0 / 1.3 else 1.0 / 1.3
    numbers[LEFT] = 0.0


@inner
def drawn(weights, count, staying, numbers, state):
    """Return which of the weights is drawn, `count` where it is that of staying."""
    total = staying
    for a in range(count):
        total += weights[a]
    numbers[LEFT] += 1.0 - staying / total
    left = total * below(state, _RANDOM) / _RANDOM
    a = 0
    while a < count and left >= weights[a]:
        left -= weights[a]
        a += 1
    return a


@inner
def exchange(matrix, p, j, keys, standing, members, numbers):
    """Put j in the place of member p; O(n)."""
    i = members[p]
    stayed = standing[p]
    entered = keys[j] - 2.0 * matrix[i, j]
    numbers[VALUE] += entered - stayed
    for c in range(keys.size):
        keys[c] += 2.0 * (np.float64(matrix[j, c]) - np.float64(matrix[i, c]))
    for q in range(members.size):
        c = members[q]
        standing[q] += 2.0 * (np.float64(matrix[j, c]) - np.float64(matrix[i, c]))
    # A candidate's own entry is no part of its sum.
    keys[j] = np.inf
    keys[i] = stayed + 2.0 * matrix[i, j]
    members[p] = j
    standing[p] = entered


@inner
def note(members, best, numbers):
    """Keep the members as the best if they are."""
    if numbers[VALUE] < numbers[BEST]:
        numbers[BEST] = numbers[VALUE]
        for q in range(members.size):
            best[q] = members[q]


@kernel
def anneal(
    matrix,
    keys,
    standing,
    members,
    near,
    weights,
    best,
    numbers,
    looks,
    shares,
    state,
    minima,
):
    """Make some of the looks of an annealing.

    Parameters
    ----------
    keys : (n,) float64
        The potentials of the free candidates, infinity for the members.
    standing : (k,) float64
        The potentials of the members.
    members : (k,) int64
        The chosen, in any order.
    near : (n,) int64, weights : (n,) float64
        Workspace.
    best : (k,) int64
        The members at the least value so far.
    numbers : (5,) float64, see `VALUE`
    looks : (3,) int64
        The first of the looks, the one after the last, and how many the annealing has.
    shares : (2,) float64
        The share of looks that are to end with an exchange, at its beginning and at its end.
    minima : (lanes.LANES,) float64
        Workspace.
    """
    n = keys.size
    for look in range(looks[0], looks[1]):
        if look % ADAPTING == 0 and look > 0:
            adapt(numbers, shares[0] * (shares[1] / shares[0]) ** (look / looks[2]))
        temperature = numbers[TEMPERATURE]
        p = below(state, members.size)
        row = matrix[members[p]]
        stay = standing[p]
        least = lane_minima(keys, row, minima)
        if least - stay > CUT * temperature:
            continue
        least = least if least < stay else stay
        limit = least + CUT * temperature
        count = 0
        for lane in range(LANES):
            if minima[lane] <= limit:
                for c in range(lane, n, LANES):
                    value = keys[c] - 2.0 * row[c]
                    if value <= limit:
                        near[count] = c
                        weights[count] = np.exp((least - value) / temperature)
                        count += 1
        a = drawn(weights, count, np.exp((least - stay) / temperature), numbers, state)
        if a < count:
            if keys[near[a]] - 2.0 * row[near[a]] > stay:
                note(members, best, numbers)
            exchange(matrix, p, near[a], keys, standing, members, numbers)
    note(members, best, numbers)
