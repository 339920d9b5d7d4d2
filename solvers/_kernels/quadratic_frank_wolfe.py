"""Frank-Wolfe for ``f(m) = m'Bm + b'm`` over ``{0 <= m <= 1, sum m = k}``, ``B = A - diag(d)``.

Throughout, `matrix` (n, n) is A in float32 or float64, `diagonal` (n,) is d, `linear` (n,) is b;
`point` (n,) is m and `gradient` (n,) is ``2 B m + b``, both kept up to date by every step.
Line searches are exact. The vertices (atoms) are the k-subsets, held as their indices and B v.
"""

import numpy as np

from subsetopt.compiled import njit

from .features import dot

VANILLA = 0
AWAY = 1
PAIRWISE = 2


@njit(cache=True, nogil=True)
def smallest(values, k):
    """Return the indices of the k smallest values, ascending; of equal ones the first. O(n)."""
    indices = np.empty(k, dtype=np.int64)
    limit = np.partition(values, k - 1)[k - 1]
    below = 0
    for i in range(values.size):
        below += values[i] < limit
    equal = k - below
    place = 0
    for i in range(values.size):
        if values[i] < limit:
            indices[place] = i
            place += 1
        elif values[i] == limit and equal > 0:
            indices[place] = i
            place += 1
            equal -= 1
    return indices


@njit(cache=True, nogil=True)
def add_images(matrix, begin, end, point, out):
    """Add to ``A point`` what its entries begin..end-1 contribute."""
    for i in range(begin, end):
        weight = point[i]
        if weight != 0.0:
            row = matrix[i]
            for j in range(row.size):
                out[j] += weight * row[j]


@njit(cache=True, nogil=True)
def add_sizes(matrix, begin, end, point, sizes):
    """Add to ``|A| |point|`` what the entries begin..end-1 contribute."""
    for i in range(begin, end):
        weight = abs(point[i])
        if weight != 0.0:
            row = matrix[i]
            for j in range(row.size):
                sizes[j] += weight * abs(row[j])


@njit(cache=True, nogil=True)
def bound_of(product, sizes, diagonal, linear, k, largest, point):
    """Return what no selection can fall below if B is semidefinite where sums are zero; O(n).

    Convexity gives ``f(v) >= g'v - m'Bm`` at any m with gradient g, least over the k smallest
    entries of g. `product` is ``B point`` and `sizes` ``|A| |point|``, both computed anew in
    float64, and what rounding may have added, in them and in ``sum m = k``, is taken off.
    `largest` is at least every ``|B_ij|``.
    """
    n = point.size
    total = 0.0
    for j in range(n):
        sizes[j] += abs(diagonal[j] * point[j]) + 0.5 * abs(linear[j])
        total += point[j]
    gradient = 2.0 * product + linear
    vertex = smallest(gradient, k)
    value = -dot(point, product)
    for i in vertex:
        value += gradient[i]
    spread = dot(np.abs(point), sizes)
    for i in smallest(-sizes, k):
        spread += 2.0 * sizes[i]
    off = abs(total - k) + n * 2.3e-16 * k
    return value - (n + 16) * 2.3e-16 * spread - (4.0 * k + off) * off * largest


@njit(cache=True, nogil=True)
def exchange(matrix, diagonal, curvature, exchanges, tolerance, point, gradient):
    """Move mass between pairs of coordinates up to `exchanges` times; returns how often.

    The one with the least gradient receives, from the one that makes f fall most. O(n) each.
    Stops early where no gradient of a giver is larger by more than `tolerance`. `curvature` is
    the diagonal of B.
    """
    n = point.size
    for done in range(exchanges):
        into = -1
        least = np.inf
        for i in range(n):
            if point[i] < 1.0 and gradient[i] < least:
                least = gradient[i]
                into = i
        if into < 0:
            return done
        row = matrix[into]
        room = 1.0 - point[into]
        best = 0.0
        pick = -1
        length = 0.0
        for j in range(n):
            steep = gradient[j] - least
            if steep > tolerance and point[j] > 0.0:
                curve = curvature[into] + curvature[j] - 2.0 * row[j]
                step = min(room, point[j])
                if 2.0 * curve * step > steep:
                    step = 0.5 * steep / curve
                gain = step * (steep - step * curve)
                if gain > best:
                    best = gain
                    pick = j
                    length = step
        if pick < 0:
            return done
        other = matrix[pick]
        for j in range(n):
            gradient[j] += 2.0 * length * (np.float64(row[j]) - other[j])
        gradient[into] -= 2.0 * length * diagonal[into]
        gradient[pick] += 2.0 * length * diagonal[pick]
        point[pick] = 0.0 if length == point[pick] else point[pick] - length
        point[into] = 1.0 if length == room else point[into] + length
    return exchanges


@njit(cache=True, nogil=True)
def iterate(
    matrix,
    diagonal,
    linear,
    variant,
    steps,
    tolerance,
    atoms,
    products,
    weights,
    count,
    point,
    gradient,
    best,
    best_point,
):
    """Take up to `steps` steps; returns (count of atoms, duality gap, steps taken).

    Stops early at ``gap <= tolerance``, when the room for atoms is full, or when no step makes
    progress. O(n k) a step.

    Parameters
    ----------
    atoms : (room, k), products : (room, n), weights : (room,)
        The first `count` make up `point`; vanilla steps need room for one, and no weights.
    best : (1,)
        The largest ``f - gap`` so far; `best_point` (n,) is where it was.
    """
    gap = np.inf
    for step in range(steps):
        vertex = smallest(gradient, atoms.shape[1])
        gap = dot(gradient, point) - _sum_at(gradient, vertex)
        value = 0.5 * (dot(gradient, point) + dot(linear, point))
        if value - gap > best[0]:
            best[0] = value - gap
            best_point[:] = point
        if gap <= tolerance:
            return count, gap, step
        place = 0 if variant == VANILLA else _atom(atoms, count, vertex)
        if place == atoms.shape[0]:
            return count, gap, step
        if variant == VANILLA or place == count:
            _enter(matrix, diagonal, vertex, place, atoms, products)
            weights[place] = 0.0
            count = max(count, place + 1)
        if not _move(variant, linear, atoms, products, weights, count, place, point, gradient):
            return count, gap, step + 1
        if variant != VANILLA:
            count = _compact(atoms, products, weights, count)
    return count, gap, steps


@njit(cache=True, nogil=True)
def _sum_at(values, indices):
    total = 0.0
    for i in indices:
        total += values[i]
    return total


@njit(cache=True, nogil=True)
def _atom(atoms, count, indices):
    """Return the place of an atom among the first `count`, or `count` if it is new."""
    for a in range(count):
        if np.array_equal(atoms[a], indices):
            return a
    return count


@njit(cache=True, nogil=True)
def _enter(matrix, diagonal, indices, place, atoms, products):
    atoms[place] = indices
    out = products[place]
    out[:] = 0.0
    for i in indices:
        row = matrix[i]
        for j in range(out.size):
            out[j] += row[j]
    for i in indices:
        out[i] -= diagonal[i]


@njit(cache=True, nogil=True)
def _compact(atoms, products, weights, count):
    """Drop atoms of no weight; returns how many are left."""
    kept = 0
    for a in range(count):
        if weights[a] > 0.0:
            if kept < a:
                atoms[kept] = atoms[a]
                products[kept] = products[a]
                weights[kept] = weights[a]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _steepest(atoms, weights, count, gradient):
    """Return the atom of some weight that the gradient most wants to leave."""
    worst = -1
    value = -np.inf
    for a in range(count):
        if weights[a] > 0.0:
            along = _sum_at(gradient, atoms[a])
            if along > value:
                value = along
                worst = a
    return worst


@njit(cache=True, nogil=True)
def _move(variant, linear, atoms, products, weights, count, towards, point, gradient):
    """Take one step of the variant; returns whether the point moved."""
    here = dot(gradient, point)
    leave = -1 if variant == VANILLA else _steepest(atoms, weights, count, gradient)
    direction = -point
    bent = 0.5 * (linear - gradient)  # B times the direction
    limit = 1.0
    if variant == AWAY and _sum_at(gradient, atoms[leave]) - here > here - _sum_at(
        gradient, atoms[towards]
    ):
        direction, bent = -direction, -bent
        limit = weights[leave] / (1.0 - weights[leave]) if weights[leave] < 1.0 else 0.0
        _add(atoms, products, leave, -1.0, direction, bent)
        length = _line_search(dot(gradient, direction), dot(direction, bent), limit)
        weights[:count] *= 1.0 + length
        weights[leave] = 0.0 if length == limit else weights[leave] - length
    elif variant == PAIRWISE:
        direction[:] = 0.0
        bent[:] = 0.0
        limit = weights[leave]
        _add(atoms, products, towards, 1.0, direction, bent)
        _add(atoms, products, leave, -1.0, direction, bent)
        length = _line_search(dot(gradient, direction), dot(direction, bent), limit)
        weights[towards] += length
        weights[leave] = 0.0 if length == limit else weights[leave] - length
    else:
        _add(atoms, products, towards, 1.0, direction, bent)
        length = _line_search(dot(gradient, direction), dot(direction, bent), limit)
        weights[:count] *= 1.0 - length
        weights[towards] += length
    for j in range(point.size):
        point[j] += length * direction[j]
        gradient[j] += 2.0 * length * bent[j]
    return length > 0.0


@njit(cache=True, nogil=True)
def _add(atoms, products, place, sign, direction, bent):
    """Add an atom, or take it off, in a direction and in B times the direction."""
    for i in atoms[place]:
        direction[i] += sign
    for j in range(bent.size):
        bent[j] += sign * products[place, j]


@njit(cache=True, nogil=True)
def _line_search(slope, curve, limit):
    """Return the step in [0, limit] that minimises ``slope * step + curve * step**2``."""
    if slope >= 0.0:
        return 0.0
    if 2.0 * curve * limit <= -slope:
        return limit
    return -0.5 * slope / curve
