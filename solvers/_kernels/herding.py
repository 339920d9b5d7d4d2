"""Kernel herding on a quadratic form, after Chen, Welling & Smola (UAI 2010)."""

import numpy as np

from subsetopt.compiled import njit

from .quadratic import VECTORISED, first, least_bits


@njit(cache=True, nogil=True)
def herd(matrix, target, k, most, replacement, chosen):
    """Choose in step t the candidate of the largest ``target_j - s_j / t``; returns the steps.

    Here ``s_j = sum(A_ij for i chosen before)``, with multiplicities. It ends with k distinct
    candidates. O(n) a step.

    Parameters
    ----------
    matrix : (n, n)
    target : (n,) float64
        The inner products of the candidates with the mean to be met.
    k, most : int
    replacement : bool
        A candidate may be taken again in the first `most` steps.
    chosen : (n,) bool, changed in place
    """
    scores = -target
    bits = scores.view(np.int64)
    sums = np.zeros(target.size)
    chosen[:] = False
    count = 0
    step = 0
    pick = first(bits, least_bits(bits))
    while True:
        step += 1
        if not chosen[pick]:
            chosen[pick] = True
            count += 1
        if count == k:
            return step
        if not replacement:
            sums[pick] = np.inf
        elif step >= most:
            for j in range(target.size):
                if chosen[j]:
                    sums[j] = np.inf
        _add(matrix[pick], target, 1.0 / (step + 1.0), sums, scores)
        pick = first(bits, least_bits(bits))


@njit(cache=True, nogil=True, fastmath=VECTORISED)
def _add(row, target, weight, sums, scores):
    """Set ``sums += row`` and ``scores = weight * sums - target``."""
    for j in range(row.size):
        sums[j] += row[j]
        scores[j] = weight * sums[j] - target[j]
