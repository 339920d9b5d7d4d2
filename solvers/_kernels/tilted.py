"""Frank-Wolfe for mean matching with a random tilt, on columns as in `columns`."""

import numpy as np

from subsetopt.compiled import njit

from .columns import dot, swap
from .rng import below

_REORDER = {"reassoc", "contract", "nsz", "nnan"}
_HALVINGS = 64
_EXACT = 2**20  # up to so many are counted in single precision, which vectorises best


@njit(cache=True, nogil=True)
def draw(noise, state):
    """Fill `noise` with numbers from 0 to 1."""
    for p in range(noise.size):
        noise[p] = below(state, 2**24) * 2.0**-24


@njit(cache=True, nogil=True, fastmath=_REORDER)
def _count(scores, limit):
    total = 0
    for first in range(0, scores.size, _EXACT):
        part = scores[first : first + _EXACT]
        count = np.float32(0.0)
        for p in range(part.size):
            count += np.float32(1.0) if part[p] <= limit else np.float32(0.0)
        total += int(count)
    return total


@njit(cache=True, nogil=True, fastmath=_REORDER)
def _range(scores):
    low = scores[0]
    high = scores[0]
    for p in range(scores.size):
        low = min(low, scores[p])
        high = max(high, scores[p])
    return low, high


@njit(cache=True, nogil=True)
def mark_smallest(scores, k, marks):
    """Set `marks` to 1 at the k smallest scores, the first of equal ones, and to 0 elsewhere.

    By halving the range: vectorised counts, which take less than a partition.
    """
    low, high = _range(scores)  # always: fewer than k are up to `low`, at least k up to `high`
    if _count(scores, low) >= k:
        high = low
        low = np.float32(-np.inf)
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


@njit(cache=True, nogil=True, fastmath=_REORDER)
def _blend(a, b, share):
    """Set ``a += share * (b - a)``."""
    for p in range(a.size):
        a[p] += share * (b[p] - a[p])


@njit(cache=True, nogil=True, fastmath=_REORDER)
def _gradient(columns, point, tilt, noise, scores):
    for p in range(scores.size):
        scores[p] = -tilt * noise[p]
    for q in range(columns.shape[0]):
        row = columns[q]
        x = point[q]
        for p in range(scores.size):
            scores[p] += x * row[p]


@njit(cache=True, nogil=True)
def relax(columns, k, noise, tilt, steps, weights):
    """Set `weights` (n,) to the relaxed solution after so many steps of exact length.

    Minimises ``|columns @ m|**2 / 2 - tilt * noise @ m`` over ``{0 <= m <= 1, sum m = k}``, from
    the vertex of the k largest `noise`. O(n d) a step.
    """
    d, n = columns.shape
    scores = np.empty(n, np.float32)
    vertex = np.empty(n, np.float32)
    point = np.empty(d, np.float32)
    along = np.empty(d, np.float32)
    for p in range(n):
        scores[p] = -noise[p]
    mark_smallest(scores, k, weights)
    for q in range(d):
        point[q] = dot(columns[q], weights)
    height = dot(noise, weights)
    for _ in range(steps):
        _gradient(columns, point, tilt, noise, scores)
        mark_smallest(scores, k, vertex)
        square = 0.0
        gain = 0.0
        for q in range(d):
            along[q] = dot(columns[q], vertex) - point[q]
            square += along[q] * along[q]
            gain -= along[q] * point[q]
        rise = dot(noise, vertex) - height
        gain += tilt * rise
        length = np.float32(min(1.0, max(0.0, gain / max(square, 1e-30))))
        if length == 0.0:
            break
        for q in range(d):
            point[q] += length * along[q]
        height += length * rise
        _blend(weights, vertex, length)


@njit(cache=True, nogil=True)
def heaviest_first(columns, places, weights, noise, k):
    """Bring the k columns of the largest weights to the front, the noisier of equal ones."""
    n = places.size
    scores = np.empty(n, np.float32)
    marks = np.empty(n, np.float32)
    for p in range(n):
        scores[p] = -weights[p] - np.float32(1e-6) * noise[p]
    mark_smallest(scores, k, marks)
    q = k
    for p in range(k):
        if marks[p] == 0.0:
            while marks[q] == 0.0:
                q += 1
            swap(columns, places, p, q)
            q += 1


@njit(cache=True, nogil=True)
def start(columns, places, k, tilt, steps, state):
    """Bring to the front the k columns that weigh most in the relaxed solution."""
    n = places.size
    noise = np.empty(n, np.float32)
    weights = np.empty(n, np.float32)
    draw(noise, state)
    relax(columns, k, noise, np.float32(tilt), steps, weights)
    heaviest_first(columns, places, weights, noise, k)
