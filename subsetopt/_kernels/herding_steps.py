"""Kernel herding on a quadratic form, after Chen, Welling & Smola (UAI 2010).

Called by the solver `herding`. It is Frank-Wolfe on the distance to the mean that is to be met,
with steps 1 / t instead of a line search (Bach, Lacoste-Julien & Obozinski, ICML 2012).
"""

import numpy as np

from ._jit import kernel
from .quadratic_descent import least_bits, place_of


@kernel
def herd(matrix, target, k, most, replacement, steps, chosen, sums, scores, bits, counts):
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
    scores, bits : (n,) float64 and int64
        ``-target`` at first; one memory, seen as numbers and as their bits.
    counts : (2,) int64, zeros at first
        The steps and the distinct candidates so far. All five are changed in place.
    """
    n = target.size
    for _ in range(steps):
        pick = place_of(bits, n, least_bits(bits, n))
        counts[0] += 1
        step = counts[0]
        if not chosen[pick]:
            chosen[pick] = True
            counts[1] += 1
        if counts[1] == k:
            return True
        # Never the least again. Without this a candidate near the mean is taken over and over,
        # which is right for a mean of many picks, but leaves fewer than k distinct ones.
        if not replacement:
            sums[pick] = np.inf
        elif step >= most:
            for j in range(n):
                if chosen[j]:
                    sums[j] = np.inf
        # For the next step, whose number is one higher.
        weight = 1.0 / (step + 1.0)
        for j in range(n):
            sums[j] += matrix[pick, j]
            scores[j] = weight * sums[j] - target[j]
    return False
