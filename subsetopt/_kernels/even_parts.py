"""Stratified partitions whose units are groups of rows, or whose classes cross.

Called by `sequencing._part_counts`. Units are of D kinds; ``held`` (p, D) says how many of each
kind a part holds, ``counts`` (p, C) how many rows, and rows of each class, that makes. What is
lowered is the sum of ``weights (counts - target)^2``, (p, C) each.
"""

from ._jit import inner, kernel


@inner
def gain(change, sign, a, b, counts, target, weights):
    """Return what the sum changes by where a gets ``sign change`` and b loses it."""
    total = 0.0
    for c in range(target.shape[1]):
        d = sign * change[c]
        if d != 0.0:
            to_a = 2.0 * (counts[a, c] - target[a, c]) + d
            to_b = d - 2.0 * (counts[b, c] - target[b, c])
            total += d * (weights[a, c] * to_a + weights[b, c] * to_b)
    return total


@kernel
def deal_out(order, demands, target, weights, held, counts, many):
    """Give one unit after another, of the kinds in `order`, to the part that lacks it most.

    A part takes no unit that would take it further from its size than it is, while another can;
    and none stays empty. O(p C) a unit.

    Parameters
    ----------
    order : (U,) int64
    demands : (D, C) int64
    held, counts : (p, D) and (p, C) int64
        Zeros, which are filled.
    many : (p,) int64
        Units of each part; likewise.
    """
    p, columns = target.shape
    empty = p
    for u in range(order.size):
        kind = order[u]
        best = -1
        least = 0.0
        for a in range(p):
            if many[a] and order.size - u <= empty:
                continue
            beyond = counts[a, 0] + 0.5 * demands[kind, 0] - target[a, 0]
            cost = 1e12 * beyond if beyond > 0.0 else 0.0
            for c in range(columns):
                d = demands[kind, c]
                if d:
                    cost += weights[a, c] * d * (2.0 * (counts[a, c] - target[a, c]) + d)
            if best < 0 or cost < least:
                best = a
                least = cost
        empty -= many[best] == 0
        many[best] += 1
        held[best, kind] += 1
        for c in range(columns):
            counts[best, c] += demands[kind, c]


@kernel
def even_out(order, demands, target, weights, most, held, counts, many, change):
    """Move units between parts, or swap them, where that lowers the sum most, until none does.

    O(p D C) a look at a part's kind; after `most` such operations it ends in any case.

    Parameters
    ----------
    order : (p D,) int64
        Number ``a D + kind`` of each kind of each part, in the order of the looks.
    change : (2, C) float64
        Workspace.

    Returns
    -------
    bool
        Whether nothing lowers the sum any more.
    """
    p, kinds = held.shape
    columns = target.shape[1]
    work = 0
    idle = 0
    turn = 0
    while idle < order.size:
        a = order[turn] // kinds
        k = order[turn] % kinds
        turn = turn + 1 if turn + 1 < order.size else 0
        idle += 1
        if held[a, k] == 0:
            continue
        to = -1
        back = -1
        least = -1e-9
        for b in range(p):
            if b == a:
                continue
            for c in range(columns):
                change[0, c] = demands[k, c]
            if many[a] > 1:
                moved = gain(change[0], -1.0, a, b, counts, target, weights)
                if moved < least:
                    least = moved
                    to = b
                    back = -1
            for other in range(kinds):
                if other != k and held[b, other]:
                    for c in range(columns):
                        change[1, c] = demands[other, c] - demands[k, c]
                    swapped = gain(change[1], 1.0, a, b, counts, target, weights)
                    if swapped < least:
                        least = swapped
                        to = b
                        back = other
        work += p * kinds * columns
        if to >= 0:
            idle = 0
            held[a, k] -= 1
            held[to, k] += 1
            many[a] -= 1
            many[to] += 1
            for c in range(columns):
                counts[a, c] -= demands[k, c]
                counts[to, c] += demands[k, c]
            if back >= 0:
                held[to, back] -= 1
                held[a, back] += 1
                many[a] += 1
                many[to] -= 1
                for c in range(columns):
                    counts[to, c] -= demands[back, c]
                    counts[a, c] += demands[back, c]
        if work > most:
            return False
    return True
