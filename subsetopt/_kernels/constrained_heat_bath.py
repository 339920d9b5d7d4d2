"""Simulated annealing by exchanges under constraints, on a quadratic form.

As `heat_bath`, with the rows of `constrained_swaps`. Budgets and conflicts, the rows from `soft`
on, are kept by each exchange. Quotas, the rows before, may be broken on the way, at a price of
`PRICE` temperatures for each candidate too many or too few: an exchange within a group of few has
few partners, and two exchanges between groups are worth more than the ways that they open. What is
kept as the best keeps all rows. Called by `solvers.heuristics._annealing`.
"""

import numpy as np

from ._jit import inner, kernel
from .constrained_swaps import enter, leave
from .heat_bath import ADAPTING, CUT, TEMPERATURE, adapt, drawn, exchange, note
from .lanes import LANES, lane_minima
from .rng import below

PRICE = 3.0
BROKEN = 4
"""Place in `numbers`: by how many candidates the quotas are broken."""


@inner
def _entering(r, side):
    """Return by how much one more candidate breaks a row: 1, or 0, or -1 where it mends it."""
    load = side[5][r]
    if load >= side[4][r]:
        return 1
    return -1 if load < side[3][r] else 0


@inner
def _leaving(i, soft, side):
    """Return by how much the quotas are broken where i leaves."""
    starts, rows, _, lower, upper, load, _, _ = side
    broken = 0
    for e in range(starts[i], starts[i + 1]):
        r = rows[e]
        if r < soft:
            broken += 1 if load[r] <= lower[r] else (-1 if load[r] > upper[r] else 0)
    return broken


@inner
def _broken(c, soft, side):
    """Return by how much the quotas are broken where c enters; n + 1 where other rows are."""
    starts, rows, weights, _, upper, load, _, _ = side
    broken = 0
    for e in range(starts[c], starts[c + 1]):
        r = rows[e]
        if r < soft:
            broken += _entering(r, side)
        elif load[r] + weights[e] > upper[r]:
            return starts.size
    return broken


@inner
def _together(i, c, before, soft, side):
    """Whether c is in one of the quotas of i, of those that stand before an entry of i."""
    starts, rows = side[0], side[1]
    for e in range(starts[i], before):
        for f in range(starts[c], starts[c + 1]):
            if rows[e] == rows[f] and rows[e] < soft:
                return True
    return False


@inner
def _price(r, priced, extra, side):
    """Bring what entering a quota costs up to date."""
    begins, items = side[6], side[7]
    change = _entering(r, side) - priced[r]
    if change != 0:
        priced[r] += change
        for at in range(begins[r], begins[r + 1]):
            extra[items[at]] += change


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
    minima,  # up to here those of `heat_bath.anneal`: one call of `Annealings` serves both
    soft,
    dear,
    extra,
    priced,
    side,
):
    """Make some of the looks of an annealing; see `heat_bath.anneal` and `constrained_swaps`.

    Parameters
    ----------
    dear : (n,) float64
        Workspace: the keys, and the price of entering.
    extra : (n,) float64
        By how much the quotas are broken where a candidate enters; zeros when it began.
    priced : (soft,) int64
        The same of each quota; zeros when it began.
    """
    n = keys.size
    starts, rows, begins, items = side[0], side[1], side[6], side[7]
    price = 0.0
    for look in range(looks[0], looks[1]):
        if look % ADAPTING == 0 or look == looks[0]:
            if look == 0:
                for r in range(soft):
                    _price(r, priced, extra, side)
            elif look % ADAPTING == 0:
                adapt(numbers, shares[0] * (shares[1] / shares[0]) ** (look / looks[2]))
            price = PRICE * numbers[TEMPERATURE]
            for c in range(n):
                dear[c] = keys[c] + price * extra[c]
        temperature = numbers[TEMPERATURE]
        p = below(state, members.size)
        i = members[p]
        row = matrix[i]
        stay = standing[p]
        left = _leaving(i, soft, side)
        leave(i, side)
        count = 0
        least = stay
        # In a quota of i one has just left: entering may cost less there than `dear` says.
        for e in range(starts[i], starts[i + 1]):
            if rows[e] < soft:
                for at in range(begins[rows[e]], begins[rows[e] + 1]):
                    c = items[at]
                    value = keys[c] - 2.0 * row[c] + price * left
                    if value - price * (starts[c + 1] - starts[c]) > least + CUT * temperature:
                        continue
                    broken = _broken(c, soft, side)
                    value += price * broken
                    if (
                        value <= least + CUT * temperature
                        and broken < n
                        and not _together(i, c, e, soft, side)
                    ):
                        near[count] = c
                        weights[count] = value
                        least = value if value < least else least
                        count += 1
        if lane_minima(dear, row, minima) + price * left <= least + CUT * temperature:
            for lane in range(LANES):
                if minima[lane] + price * left <= least + CUT * temperature:
                    for c in range(lane, n, LANES):
                        value = dear[c] - 2.0 * row[c] + price * left
                        if (
                            value <= least + CUT * temperature
                            and _broken(c, soft, side) < n
                            and not _together(i, c, starts[i + 1], soft, side)
                        ):
                            near[count] = c
                            weights[count] = value
                            least = value if value < least else least
                            count += 1
        for a in range(count):
            weights[a] = np.exp((least - weights[a]) / temperature)
        a = drawn(weights, count, np.exp((least - stay) / temperature), numbers, state)
        if a == count:
            enter(i, side)
            continue
        j = near[a]
        if numbers[BROKEN] == 0.0:
            note(members, best, numbers)
        numbers[BROKEN] += left + _broken(j, soft, side)
        enter(j, side)
        exchange(matrix, p, j, keys, standing, members, numbers)
        for c in (i, j):
            for e in range(starts[c], starts[c + 1]):
                if rows[e] < soft:
                    _price(rows[e], priced, extra, side)
        for c in range(n):
            dear[c] = keys[c] + price * extra[c]
    if numbers[BROKEN] == 0.0:
        note(members, best, numbers)
