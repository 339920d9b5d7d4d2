"""Frank-Wolfe for the nearest point to the origin in the hull of k-subset sums.

Minimises ``f(m) = ||centred.T m||**2`` over ``{0 <= m <= 1, sum m = k}``, whose vertices (atoms)
are the k-subsets; an atom is held as its indices and its sum of rows.
"""

import numpy as np

from subsetopt.compiled import njit

from .features import dot, products

VANILLA = 0
AWAY = 1
PAIRWISE = 2

ENDED, STUCK, MOVED = range(3)
"""What comes of a step: none was to be taken, it moved nothing, it moved the point."""


@njit(cache=True, nogil=True)
def minimiser(scores, k):
    """Return the indices of the k smallest scores, ascending."""
    return np.sort(np.argsort(scores)[:k])


@njit(cache=True, nogil=True)
def _same(a, b):
    for i in range(a.size):
        if a[i] != b[i]:
            return False
    return True


@njit(cache=True, nogil=True)
def _atom(atoms, count, indices):
    """Return the place of an atom among the first `count`, or `count` if it is new."""
    for a in range(count):
        if _same(atoms[a], indices):
            return a
    return count


@njit(cache=True, nogil=True)
def add_rows(centred, weight, point):
    """Set ``point += weight * sum of the rows``."""
    for i in range(centred.shape[0]):
        for j in range(point.size):
            point[j] += centred[i, j] * weight


@njit(cache=True, nogil=True)
def start(centred, vertex, atoms, sums, weights):
    """Begin at the atom that the gradient at the uniform point asks for."""
    _enter(centred, vertex, 0, atoms, sums)
    weights[0] = 1.0


@njit(cache=True, nogil=True)
def _enter(centred, indices, place, atoms, sums):
    atoms[place] = indices
    sums[place] = 0.0
    for i in indices:
        for j in range(sums.shape[1]):
            sums[place, j] += centred[i, j]


@njit(cache=True, nogil=True)
def point_of(sums, weights, count):
    point = np.zeros(sums.shape[1])
    for a in range(count):
        for j in range(point.size):
            point[j] += weights[a] * sums[a, j]
    return point


@njit(cache=True, nogil=True)
def _compact(atoms, sums, weights, count):
    """Drop atoms of no weight; returns how many are left."""
    kept = 0
    for a in range(count):
        if weights[a] > 0.0:
            if kept < a:
                atoms[kept] = atoms[a]
                sums[kept] = sums[a]
                weights[kept] = weights[a]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def iterate(centred, variant, steps, tolerance, atoms, sums, weights, count, bound, reach=0.0):
    """Take up to `steps` steps; returns (count of atoms, best lower bound, gap, steps taken).

    Fewer are taken where `step` ends them.
    """
    scores = np.empty(centred.shape[0])
    gap = np.inf
    for turn in range(steps):
        point = point_of(sums, weights, count)
        products(centred, point, scores)
        vertex = minimiser(scores, atoms.shape[1])
        count, bound, latest, done = step(
            centred, variant, tolerance, point, vertex, atoms, sums, weights, count, bound, reach
        )
        if latest < np.inf:  # else no room was left for a vertex
            gap = latest
        if done != MOVED:
            return count, bound, gap, turn + (done == STUCK)
    return count, bound, gap, steps


@njit(cache=True, nogil=True)
def step(centred, variant, tolerance, point, vertex, atoms, sums, weights, count, bound, reach=0.0):
    """Take a step from a point; `vertex` (k,) has the smallest of ``centred @ point``, ascending.

    Returns (count of atoms, best lower bound, gap, what came of it: see `MOVED`).

    The duality gap ``<grad f(m), m - v>`` at the minimising vertex v bounds ``f(m) - min f``;
    the lower bound is the best ``f - gap`` seen: ``2 p'v - p'p`` for the sum p at m, which is below
    ``f`` everywhere whatever p is, so that only the rounding of these products is taken off it:
    1e-13 of each, and `reach` times the length of p. Line searches are exact. No step is taken at
    ``gap <= tolerance``, when the room for atoms is full, or when none makes progress.
    """
    value = dot(point, point)
    towards = _atom(atoms, count, vertex)
    if towards == count:
        if count == atoms.shape[0]:
            return count, bound, np.inf, ENDED
        _enter(centred, vertex, count, atoms, sums)
        weights[count] = 0.0
        count += 1
    gap = 2.0 * (value - dot(point, sums[towards]))
    slack = 1e-13 * (value + abs(dot(point, sums[towards]))) + reach * np.sqrt(value)
    bound = max(bound, value - gap - slack)
    if gap <= tolerance:
        return count, bound, gap, ENDED
    if not _move(variant, point, sums, weights, count, towards):
        return count, bound, gap, STUCK
    return _compact(atoms, sums, weights, count), bound, gap, MOVED


@njit(cache=True, nogil=True)
def _farthest(point, sums, weights, count):
    worst = -1
    value = -np.inf
    for a in range(count):
        if weights[a] > 0.0:
            along = dot(point, sums[a])
            if along > value:
                value = along
                worst = a
    return worst


@njit(cache=True, nogil=True)
def _move(variant, point, sums, weights, count, towards):
    """Take one step of the variant; returns whether the point moved."""
    away = _farthest(point, sums, weights, count)
    if variant == PAIRWISE:
        direction = sums[towards] - sums[away]
        limit = weights[away]
    elif variant == AWAY and dot(point, sums[away]) - dot(point, point) > dot(point, point) - dot(
        point, sums[towards]
    ):
        direction = point - sums[away]
        limit = weights[away] / (1.0 - weights[away]) if weights[away] < 1.0 else 0.0
        length = _line_search(point, direction, limit)
        # At the limit the atom leaves: its weight must then be zero, not a rounding of it.
        leaving = length == limit
        for a in range(count):
            weights[a] *= 1.0 + length
        weights[away] = 0.0 if leaving else weights[away] - length
        return length > 0.0
    else:
        direction = sums[towards] - point
        length = _line_search(point, direction, 1.0)
        for a in range(count):
            weights[a] *= 1.0 - length
        weights[towards] += length
        return length > 0.0
    length = _line_search(point, direction, limit)
    weights[towards] += length
    weights[away] = 0.0 if length == limit else weights[away] - length
    return length > 0.0


@njit(cache=True, nogil=True)
def _line_search(point, direction, limit):
    """Return the step in [0, limit] that minimises ``||point + step * direction||``."""
    square = dot(direction, direction)
    if square == 0.0:
        return 0.0
    return min(limit, max(0.0, -dot(point, direction) / square))


@njit(cache=True, nogil=True)
def weights_of_rows(atoms, weights, count, out):
    """Set ``out`` (n,) to the relaxed selection m: how much of each row is chosen."""
    out[:] = 0.0
    for a in range(count):
        for i in atoms[a]:
            out[i] += weights[a]
