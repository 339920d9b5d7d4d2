"""Frank-Wolfe for ``f(m) = m'Bm + b'm`` over ``{0 <= m <= 1, sum m = k}``, ``B = A - diag(d)``.

Throughout, `matrix` (n, n) is A in float32 or float64, `diagonal` (n,) is d, `linear` (n,) is b;
`point` (n,) is m and `gradient` (n,) is ``2 B m + b``, both kept up to date by every step.
Line searches are exact. The vertices (atoms) are the k-subsets, held as their indices and B v.

Called by `solvers.relaxations._quadratic_relaxation`, which picks d so that f is convex where sums
are zero, and works out its bound at `best_point` anew: gap and gradient here carry the rounding of
all steps. Between vertices see `frank_wolfe`. `exchange` picks its two coordinates as Fan, Chen &
Lin (JMLR 6, 2005) do for support vector machines, the first by gradient and the second by decrease;
it converges much faster, since a vertex step moves all coordinates towards k of them.
"""

import numpy as np

from ._jit import kernel
from .active_set import AWAY, PAIRWISE, VANILLA, find, settle
from .smallest_k import smallest
from .zero_sum_rows import dot


@kernel
def add_images(matrix, begin, end, point, out):
    """Add to ``A point`` what its entries begin..end-1 contribute; O(n) for each but the zeros."""
    for i in range(begin, end):
        weight = point[i]
        # Rows for columns, A being symmetric: memory is read in order, and a vertex costs O(k n).
        if weight != 0.0:
            for j in range(out.size):
                out[j] += weight * matrix[i, j]


@kernel
def add_sizes(matrix, begin, end, point, sizes):
    """Add to ``|A| |point|`` what the entries begin..end-1 contribute."""
    for i in range(begin, end):
        weight = abs(point[i])
        if weight != 0.0:
            for j in range(sizes.size):
                sizes[j] += weight * abs(matrix[i, j])


@kernel
def exchange(
    matrix,
    diagonal,
    curvature,
    exchanges,
    tolerance,
    point,
    gradient,
    group,
    above,
    below,
    lowest,
    highest,
    places,
):
    """Move mass between pairs of coordinates up to `exchanges` times; returns how often.

    One with the least gradient receives, from the one that makes f fall most. O(n) each. Stops
    early where no gradient of a giver is larger by more than `tolerance`. `curvature` is the
    diagonal of B.

    Mass moves within groups, and between two as far as the sum of the one may rise and that of the
    other fall. Such moves suffice: the points whose sums of groups are within limits are the bases
    of a polymatroid, where each direction is made of them. The group that receives is that of the
    largest difference between a giver and a receiver.

    Parameters
    ----------
    group : (n,) int64
    above, below : (groups,)
        How far the sum of each group is from its limits; changed in place.
    lowest, highest : (groups,), places : (groups,) int64
        Workspace.
    """
    n = point.size
    groups = above.size
    apart = groups > 1
    for done in range(exchanges):
        into = -1
        least = np.inf
        if not apart:
            for i in range(n):
                if point[i] < 1.0 and gradient[i] < least:
                    least = gradient[i]
                    into = i
        else:
            for g in range(groups):
                lowest[g] = np.inf
                highest[g] = -np.inf
            for i in range(n):
                g = group[i]
                if point[i] < 1.0 and gradient[i] < lowest[g]:
                    lowest[g] = gradient[i]
                    places[g] = i
                if point[i] > 0.0 and gradient[i] > highest[g]:
                    highest[g] = gradient[i]
            outside = -np.inf  # the highest of a group whose sum may fall
            for g in range(groups):
                if below[g] > 0.0 and highest[g] > outside:
                    outside = highest[g]
            steepest = -np.inf
            for g in range(groups):
                end = highest[g]
                if above[g] > 0.0 and outside > end:
                    end = outside
                if end - lowest[g] > steepest:
                    steepest = end - lowest[g]
                    least = lowest[g]
                    into = places[g]
        if into < 0:
            return done
        home = group[into]
        room = 1.0 - point[into]
        best = 0.0
        pick = -1
        length = 0.0
        for j in range(n):
            steep = gradient[j] - least
            if steep > tolerance and point[j] > 0.0:
                # Moving t from j to `into` changes f by -steep t + curve t^2, which is least at
                # steep / (2 curve) or where a coordinate reaches its end. A curve of rounding below
                # zero goes to the end as well.
                curve = curvature[into] + curvature[j] - 2.0 * matrix[into, j]
                step = min(room, point[j])
                if 2.0 * curve * step > steep:
                    step = 0.5 * steep / curve
                gain = step * (steep - step * curve)
                if gain > best and apart and group[j] != home:
                    step = min(step, above[home], below[group[j]])
                    gain = step * (steep - step * curve)
                if gain > best:
                    best = gain
                    pick = j
                    length = step
        if pick < 0:
            return done
        for j in range(n):
            gradient[j] += 2.0 * length * (np.float64(matrix[into, j]) - matrix[pick, j])
        gradient[into] -= 2.0 * length * diagonal[into]
        gradient[pick] += 2.0 * length * diagonal[pick]
        # Ends are met exactly: a remainder of rounding would count as mass to give.
        point[pick] = 0.0 if length == point[pick] else point[pick] - length
        point[into] = 1.0 if length == room else point[into] + length
        away = group[pick]
        if apart and away != home:
            above[home] = 0.0 if length == above[home] else above[home] - length
            below[away] = 0.0 if length == below[away] else below[away] - length
            below[home] += length
            above[away] += length
    return exchanges


@kernel
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
    scratch,
    vertex,
    direction,
    bent,
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
    scratch, direction, bent : (n,), vertex : (k,) int64
        Workspace.
    """
    n = point.size
    k = vertex.size
    gap = np.inf
    for step in range(steps):
        smallest(gradient, k, scratch, vertex)
        ahead = 0.0
        for p in range(k):
            ahead += gradient[vertex[p]]
        # f(v) >= f(m) + g'(v - m) for every selection v, least at the vertex of the k smallest g.
        here = dot(gradient, point)
        gap = here - ahead
        # 2 m'Bm + b'm is g'm, so f is half of that and of b'm: no product with B.
        value = 0.5 * (here + dot(linear, point))
        if value - gap > best[0]:
            best[0] = value - gap
            for j in range(n):
                best_point[j] = point[j]
        if gap <= tolerance:
            return count, gap, step
        towards = 0 if variant == VANILLA else find(atoms, count, vertex)
        if towards == weights.size:
            return count, gap, step
        if variant == VANILLA or towards == count:
            for j in range(n):
                products[towards, j] = 0.0
            for p in range(k):
                i = vertex[p]
                atoms[towards, p] = i
                for j in range(n):
                    products[towards, j] += matrix[i, j]
            for p in range(k):
                products[towards, vertex[p]] -= diagonal[vertex[p]]
            weights[towards] = 0.0
            count = max(count, towards + 1)
        leave = -1
        steepest = -np.inf
        if variant != VANILLA:  # the atom of some weight that the gradient most wants to leave
            for a in range(count):
                if weights[a] > 0.0:
                    along = 0.0
                    for p in range(k):
                        along += gradient[atoms[a, p]]
                    if along > steepest:
                        steepest = along
                        leave = a
        # `bent` is B times the direction, which begins as `sign` times the point.
        backwards = variant == AWAY and steepest - here > here - ahead
        pairwise = variant == PAIRWISE
        sign = 0.0 if pairwise else (1.0 if backwards else -1.0)
        for j in range(n):
            direction[j] = sign * point[j]
            bent[j] = -sign * (0.5 * (linear[j] - gradient[j]))
        if not backwards:
            for p in range(k):
                direction[vertex[p]] += 1.0
            for j in range(n):
                bent[j] += products[towards, j]
        if backwards or pairwise:
            for p in range(k):
                direction[atoms[leave, p]] -= 1.0
            for j in range(n):
                bent[j] -= products[leave, j]
        # How far the weights allow: all of the weight of the atom that is left, or the blow-up of
        # the others that brings its own to zero.
        limit = 1.0
        if pairwise:
            limit = weights[leave]
        elif backwards:
            limit = weights[leave] / (1.0 - weights[leave]) if weights[leave] < 1.0 else 0.0
        slope = dot(gradient, direction)  # along the step f changes by slope t + curve t^2
        curve = dot(direction, bent)
        length = 0.0
        if slope < 0.0:
            length = limit if 2.0 * curve * limit <= -slope else -0.5 * slope / curve
        count = settle(
            atoms, products, weights, count, towards, leave, pairwise, backwards, length, limit
        )
        for j in range(n):
            point[j] += length * direction[j]
            gradient[j] += 2.0 * length * bent[j]
        if not length > 0.0:
            return count, gap, step + 1
    return count, gap, steps
