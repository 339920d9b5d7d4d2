"""Kernel herding on a quadratic form, after Chen, Welling & Smola (UAI 2010)."""

import numpy as np

from subsetopt.compiled import njit

from .quadratic import VECTORISED, first, least_bits


@njit(cache=True, nogil=True)
def herd(matrix, target, k, most, replacement, steps, chosen, sums, scores, counts):
    """Choose in step t the candidate of the largest ``target_j - s_j / t``, for `steps` steps.

    Here ``s_j = sum(A_ij for i chosen before)``, with multiplicities. It ends with k distinct
    candidates, and returns whether it did. O(n) a step.

    Parameters
    ----------
    matrix : (n, n)
    target : (n,) float64
        The inner products of the candidates with the mean to be met.
    k, most : int
    replacement : bool
        A candidate may be taken again in the first `most` steps.
    steps : int
        After so many it returns, to go on in the next call.
    chosen : (n,) bool, none at first
    sums : (n,) zeros at first
    scores : (n,) ``-target`` at first
    counts : (2,) int64, zeros at first
        The steps and the distinct candidates so far. All four are changed in place.
    """
    bits = scores.view(np.int64)
    for _ in range(steps):
        pick = first(bits, least_bits(bits))
        counts[0] += 1
        step = counts[0]
        if not chosen[pick]:
            chosen[pick] = True
            counts[1] += 1
        if counts[1] == k:
            return True
        if not replacement:
            sums[pick] = np.inf
        elif step >= most:
            for j in range(target.size):
                if chosen[j]:
                    sums[j] = np.inf
        _add(matrix[pick], target, 1.0 / (step + 1.0), sums, scores)
    return False


@njit(cache=True, nogil=True, fastmath=VECTORISED)
def _add(row, target, weight, sums, scores):
    """Set ``sums += row`` and ``scores = weight * sums - target``."""
    for j in range(row.size):
        sums[j] += row[j]
        scores[j] = weight * sums[j] - target[j]
