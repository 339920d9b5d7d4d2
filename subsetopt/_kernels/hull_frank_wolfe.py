"""Frank-Wolfe for the nearest point to the origin in the hull of k-subset sums.

Minimises ``f(m) = ||centred.T m||**2`` over ``{0 <= m <= 1, sum m = k}``, whose vertices (atoms)
are the k-subsets; an atom is held as its indices and its sum of rows.

Called by `solvers.relaxations.frank_wolfe` for mean matching, whose bound it is. Away steps are
those of Guelat & Marcotte (1986), pairwise ones and the linear convergence of both those of
Lacoste-Julien & Jaggi (NIPS 2015). A step takes O(n d) for the scores, O(n) for the vertex, and
O(count (k + d)) for the atoms.
"""

import math

import numpy as np

from ._jit import kernel
from .active_set import AWAY, PAIRWISE, find, settle
from .smallest_k import smallest
from .zero_sum_rows import dot


@kernel
def add_rows(centred, weight, point):
    """Set ``point += weight * sum of the rows``, one after another.

    The sum is near zero, and what rounding leaves of it decides where the steps begin.
    """
    n, d = centred.shape
    for i in range(n):
        for j in range(d):
            point[j] += centred[i, j] * weight


@kernel
def point_of(sums, weights, count, point):
    """Set `point` to the sum of rows at the relaxed selection."""
    for j in range(point.size):
        point[j] = 0.0
    for a in range(count):
        for j in range(point.size):
            point[j] += weights[a] * sums[a, j]


@kernel
def iterate(
    centred,
    variant,
    steps,
    tolerance,
    atoms,
    sums,
    weights,
    count,
    bound,
    reach,
    given,
    scores,
    scratch,
    vertex,
    point,
    direction,
):
    """Take up to `steps` steps; returns (count of atoms, best lower bound, gap, steps taken).

    The duality gap ``<grad f(m), m - v>`` at the minimising vertex v bounds ``f(m) - min f``;
    the lower bound is the best ``f - gap`` seen: ``2 p'v - p'p`` for the sum p at m, which is below
    ``f`` everywhere whatever p is, so that only the rounding of these products is taken off it:
    1e-13 of each, and `reach` times the length of p. Line searches are exact. Stops early at
    ``gap <= tolerance``, when the room for atoms is full (the gap is then that of the step before,
    infinite for the first), or when no step makes progress.

    Parameters
    ----------
    atoms : (room, k), sums : (room, d), weights : (room,)
        The first `count` make up m.
    given : bool
        `point` is the sum at m, and `vertex` has the k smallest of ``centred @ point``, of the
        first step.
    scores, scratch : (n,), vertex : (k,) int64, point, direction : (d,)
        Workspace.
    """
    n, d = centred.shape
    k = vertex.size
    gap = np.inf
    for step in range(steps):
        if step > 0 or not given:
            for j in range(d):
                point[j] = 0.0
            for a in range(count):
                for j in range(d):
                    point[j] += weights[a] * sums[a, j]
            for i in range(n):
                scores[i] = dot(centred[i], point)
            smallest(scores, k, scratch, vertex)
        # The sum is added up from the atoms in each step, never updated: the bound would hold for
        # any p, but steps along one that has drifted would lead astray.
        value = dot(point, point)
        towards = find(atoms, count, vertex)
        if towards == count:
            if count == weights.size:
                return count, bound, gap, step
            for j in range(d):
                sums[count, j] = 0.0
            for p in range(k):
                atoms[count, p] = vertex[p]
                for j in range(d):
                    sums[count, j] += centred[vertex[p], j]
            weights[count] = 0.0
            count += 1
        # With q the sum of any selection, |q|^2 >= 2 p'q - p'p, since |q - p|^2 >= 0; and p'q is
        # least at the vertex. That holds for p as it was rounded, so what is taken off is rounding
        # of products, of the sums of rows and of the rows themselves (`reach`) alone.
        along = dot(point, sums[towards])
        gap = 2.0 * (value - along)
        proven = value - gap - (1e-13 * (value + abs(along)) + reach * math.sqrt(value))
        bound = proven if proven > bound else bound
        if gap <= tolerance:
            return count, bound, gap, step
        away = -1
        # The away atom is the one whose sum points most along the gradient 2 p.
        farthest = -np.inf
        for a in range(count):
            if weights[a] > 0.0:
                ahead = dot(point, sums[a])
                if ahead > farthest:
                    farthest = ahead
                    away = a
        pairwise = variant == PAIRWISE
        backwards = variant == AWAY and farthest - value > value - along
        limit = 1.0
        if pairwise:
            limit = weights[away]
            for j in range(d):
                direction[j] = sums[towards, j] - sums[away, j]
        elif backwards:
            limit = weights[away] / (1.0 - weights[away]) if weights[away] < 1.0 else 0.0
            for j in range(d):
                direction[j] = point[j] - sums[away, j]
        else:
            for j in range(d):
                direction[j] = sums[towards, j] - point[j]
        square = dot(direction, direction)
        length = 0.0
        if square > 0.0:
            length = -dot(point, direction) / square
            length = length if length > 0.0 else 0.0
            length = length if length < limit else limit
        count = settle(
            atoms, sums, weights, count, towards, away, pairwise, backwards, length, limit
        )
        # Neither zero nor NaN: rounding is all that is left to gain.
        if not length > 0.0:
            return count, bound, gap, step + 1
    return count, bound, gap, steps
