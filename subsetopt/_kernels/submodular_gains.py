"""Lazy greedy selection of a batch, and the heap that lazy greedy needs.

A heap is two arrays: `keys` float64, the largest on top, and `ids` int64; of equal keys the
smaller id comes first, so that lazy greedy takes what a plain argmax would.

For the baseline of `sequencing.baselines.submodular` (Joseph et al. 2019, to which Deterministic
Mini-batch Sequencing compares); `facility` uses the heap. Lazy greedy is Minoux' (1978): a score of
before is at least the score of now, so that the top, once computed anew, is the largest if it stays
on top. At most O(m) evaluations a pick, a few as a rule.
"""

import numpy as np

from ._jit import inner, kernel, reordered


@inner
def _sink(keys, ids, size, root, key, item):
    """Put (key, item) at a root or below, where the heap of `size` beneath is one already."""
    while True:
        child = 2 * root + 1
        if child >= size:
            break
        other = child + 1
        if other < size and (
            keys[other] > keys[child] or (keys[other] == keys[child] and ids[other] < ids[child])
        ):
            child = other
        if not (keys[child] > key or (keys[child] == key and ids[child] < item)):
            break
        keys[root] = keys[child]
        ids[root] = ids[child]
        root = child
    keys[root] = key
    ids[root] = item


@inner
def heapify(keys, ids, size):
    """Make a heap of the first `size` of two arrays, in place."""
    for place in range(size // 2):
        root = size // 2 - 1 - place
        _sink(keys, ids, size, root, keys[root], ids[root])


@inner
def replace_top(keys, ids, size, key, item):
    """Put (key, item) in the place of the top of a heap of `size`."""
    if size > 0:
        _sink(keys, ids, size, np.int64(0), key, item)  # a literal would make another copy


@reordered
def _distance(a, b):
    total = 0.0
    for u in range(a.size):
        difference = np.float64(a[u]) - np.float64(b[u])
        total += difference * difference
    return np.sqrt(total)


@reordered
def _covering(row, weights, covered, roots):
    """Return ``sum(sqrt(covered + weights * row) - roots)`` where ``roots = sqrt(covered)``."""
    total = 0.0
    for u in range(row.size):
        total += np.sqrt(covered[u] + weights[u] * row[u]) - roots[u]
    return total


@kernel
def lazy_greedy(
    features, modular, diversity, weights, coverage, ids, chosen, gains,
    keys, nearest, seen, covered, roots,
):  # fmt: skip
    """Take one candidate after another, the first one of the largest score; returns evaluations.

    The score of x beside the chosen S is

        modular_x + diversity * min(|x - y| for y in S)
                  + coverage * sum_u sqrt(sum(w_u y_u for y in S + x)) - sqrt(... S),

    without the middle term while S is empty. For S not empty no score grows with S, so an old
    score bounds the new one; what S empty left bounds nothing, so all are computed again after the
    first pick.

    Parameters
    ----------
    features : (n, d)
        Not negative, if `coverage` is above 0.
    modular : (n,) float64
    diversity, coverage : float
        Not negative.
    weights : (d,) float64
        w, not negative.
    ids : (m,) int64, ascending, changed in place
        The candidates.
    chosen, gains : (k,) int64 and float64, filled
    keys : (m,) float64
        Workspace.
    nearest, seen : (n,) float64, infinite, and int64, zero
        Distances to the chosen, and how many of these they know of.
    covered, roots : (d,) float64, zero
    """
    size = ids.size
    evaluated = 0
    for t in range(chosen.size):
        if t < 2:
            for c in range(size):
                keys[c] = modular[ids[c]]
                keys[c] += _score(
                    features, ids[c], diversity, weights, coverage,
                    covered, roots, chosen, t, nearest, seen,
                )  # fmt: skip
            evaluated += size
            heapify(keys, ids, size)
        fresh = ids[0] if t < 2 else -1
        while ids[0] != fresh:
            fresh = ids[0]
            evaluated += 1
            # The smaller of the two: rounding may put a score above the older one that bounds it,
            # and the heap only lets keys sink.
            key = modular[fresh] + _score(
                features, fresh, diversity, weights, coverage,
                covered, roots, chosen, t, nearest, seen,
            )  # fmt: skip
            replace_top(keys, ids, size, min(keys[0], key), fresh)
        chosen[t] = fresh
        gains[t] = keys[0]
        if coverage > 0.0:
            for u in range(covered.size):
                covered[u] += weights[u] * features[fresh, u]
                roots[u] = np.sqrt(covered[u])
        size -= 1
        replace_top(keys, ids, size, keys[size], ids[size])
    return evaluated


@inner
def _score(
    features, x, diversity, weights, coverage, covered, roots, chosen, count, nearest, seen
):  # fmt: skip
    """Return what the score of x has beyond `modular`; O(d) for each pick since the last time."""
    score = 0.0
    if diversity > 0.0 and count > 0:
        # Most candidates are never looked at again: only who comes to the top catches up on the
        # picks since.
        for t in range(seen[x], count):
            nearest[x] = min(nearest[x], _distance(features[x], features[chosen[t]]))
        seen[x] = count
        score += diversity * nearest[x]
    if coverage > 0.0:
        score += coverage * _covering(features[x], weights, covered, roots)
    return score
