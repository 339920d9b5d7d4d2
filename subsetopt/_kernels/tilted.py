"""Frank-Wolfe for mean matching with a random tilt, on arrays as in `row_swaps`.

The start "relaxed" of `torch.search._compiled`. The relaxed problem alone is solved by m = k / n,
which says nothing; a random linear term picks one of the vertices near it, and another for each
seed.
"""

import numpy as np

from ._jit import inner, kernel, reordered
from .rng import below
from .row_swaps import dot, swap

_HALVINGS = 64
_EXACT = 2**20  # up to so many, below 2**24, single precision counts exactly, and vectorises best


@reordered
def _count(scores, limit):
    total = np.int64(0)
    for first in range(0, scores.size, _EXACT):
        part = scores[first : first + _EXACT]
        count = np.float32(0.0)
        for p in range(part.size):
            count += np.float32(1.0) if part[p] <= limit else np.float32(0.0)
        total += np.int64(count)
    return total


@reordered
def _range(scores):
    low = scores[0]
    high = scores[0]
    for p in range(scores.size):
        low = min(low, scores[p])
        high = max(high, scores[p])
    return low, high


@inner
def mark_smallest(scores, k, marks):
    """Set `marks` to 1 at the k smallest scores, the first of equal ones, and to 0 elsewhere.

    By halving the range: vectorised counts, which take less than a partition.
    """
    low, high = _range(scores)  # always: fewer than k are up to `low`, at least k up to `high`
    if _count(scores, low) >= k:
        high = low
        low = np.float32(-np.inf)
    # It ends early where no float32 is between; what is then within (low, high] is taken for equal,
    # the first ones first. So exactly k are marked in any case.
    for _ in range(_HALVINGS):
        middle = np.float32(0.5) * (low + high)
        if not low < middle < high:
            break
        count = _count(scores, middle)
        if count < k:
            low = middle
        else:
            high = middle
        if count == k:
            for p in range(scores.size):
                marks[p] = scores[p] <= middle
            return
    left = k - _count(scores, low)
    for p in range(scores.size):
        inside = scores[p] <= low
        if left > 0 and low < scores[p] <= high:
            inside = True
            left -= 1
        marks[p] = inside


@reordered
def _blend(a, b, share):
    """Set ``a += share * (b - a)``."""
    for p in range(a.size):
        a[p] += share * (b[p] - a[p])


@reordered
def _gradient(columns, point, tilt, noise, scores):
    for p in range(scores.size):
        scores[p] = -tilt * noise[p]
    for q in range(columns.shape[0]):
        row = columns[q]
        x = point[q]
        for p in range(scores.size):
            scores[p] += x * row[p]


@kernel
def start(columns, places, k, tilt, steps, state, noise, weights, scores, vertex, point, along):
    """Bring to the front the k columns that weigh most in a relaxed solution.

    It minimises ``|columns @ m|**2 / 2 - tilt * noise @ m`` over ``{0 <= m <= 1, sum m = k}``, for
    random `noise`, by so many steps of exact length from the vertex of the k largest `noise`. Of
    equal weights the noisier come first. O(n d) a step.

    Parameters
    ----------
    noise, weights : (n,) float32
        Become the noise, from 0 to 1, and the relaxed solution.
    scores, vertex : (n,) float32, point, along : (d,) float32
        Workspace.
    """
    d, n = columns.shape
    for p in range(n):
        noise[p] = below(state, 2**24) * 2.0**-24
        scores[p] = -noise[p]
    height = np.float32(0.0)
    turn = 0
    while (
        True
    ):  # after the steps once more, to mark what weighs most: one place where marks are set
        mark_smallest(scores, k, vertex)
        if turn > steps:
            break
        square = 0.0
        gain = 0.0
        for q in range(d):
            at = dot(columns[q], vertex)
            if turn == 0:
                point[q] = at
            else:
                along[q] = at - point[q]
                square += along[q] * along[q]
                gain -= along[q] * point[q]
        reached = dot(noise, vertex)
        if turn == 0:
            height = reached
            for p in range(n):
                weights[p] = vertex[p]
        else:
            rise = reached - height
            gain += tilt * rise
            # Along the step the objective changes by -gain s + square s^2 / 2.
            share = gain / (square if square > 1e-30 else 1e-30)
            share = share if share > 0.0 else 0.0
            length = np.float32(share if share < 1.0 else 1.0)
            if length == 0.0:
                turn = steps
            else:
                for q in range(d):
                    point[q] += length * along[q]
                height += length * rise
                _blend(weights, vertex, length)
        turn += 1
        if turn > steps:
            for p in range(n):
                scores[p] = -weights[p] - np.float32(1e-6) * noise[p]
        else:
            _gradient(columns, point, tilt, noise, scores)
    # As many are unmarked before k as are marked from k on: q never passes the end.
    q = k
    for p in range(k):
        if vertex[p] == 0.0:
            while vertex[q] == 0.0:
                q += 1
            swap(columns, places, p, q)
            q += 1
