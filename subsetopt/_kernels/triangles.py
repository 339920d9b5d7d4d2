"""Triangle inequalities on X = m m': finding the violated, and their action on matrices.

An inequality is a row (kind, i, j, l):

* kind 0, j < l: ``X_ij + X_il - X_jl - X_ii <= 0``
* kind 1, i < j < l: ``X_ii + X_jj + X_ll - X_ij - X_il - X_jl <= 1``
* kind 2, j = l: ``X_ij - X_ii <= 0``
* kind 3, i < j = l: ``X_ii + X_jj - X_ij <= 1``

They are facets of the boolean quadric polytope (Padberg, Mathematical Programming 45, 1989): with
zeros and ones, ``m_i (m_j + m_l - 1) <= m_j m_l``, and of three ones s less the s (s - 1) / 2 pairs
is 1 at most. There are O(n^3) of them; `solvers.relaxations._semidefinite` takes those that are
violated.
"""

import numpy as np

from ._jit import inner, kernel


@kernel
def separate(X, least, rows, amounts):
    """Write the inequalities violated by more than `least`; returns how many, at most the room.

    Parameters
    ----------
    X : (n, n)
    least : float
    rows : int32 (room, 4), amounts : float64 (room,)
        Filled. O(n^3); stops when they are full.
    """
    n, count = X.shape[0], np.int64(0)
    for i in range(n):
        for j in range(n):
            if j == i:
                continue
            if X[i, j] - X[i, i] > least:
                count = _put(rows, amounts, count, np.int64(2), i, j, j, X[i, j] - X[i, i])
                if count == amounts.size:
                    return count
            short = X[i, j] - X[i, i]
            # j < l: the two may be exchanged, so that each inequality is met once.
            for l in range(j + 1, n):  # noqa: E741
                if l != i and short + X[i, l] - X[j, l] > least:
                    count = _put(
                        rows, amounts, count, np.int64(0), i, j, l, short + X[i, l] - X[j, l]
                    )
                    if count == amounts.size:
                        return count
    for i in range(n):
        for j in range(i + 1, n):
            pair = X[i, i] + X[j, j] - X[i, j] - 1.0
            if pair > least:
                count = _put(rows, amounts, count, np.int64(3), i, j, j, pair)
                if count == amounts.size:
                    return count
            for l in range(j + 1, n):  # noqa: E741
                excess = pair + X[l, l] - X[i, l] - X[j, l]
                if excess > least:
                    count = _put(rows, amounts, count, np.int64(1), i, j, l, excess)
                    if count == amounts.size:
                        return count
    return count


@inner
def _put(rows, amounts, count, kind, i, j, l, amount):  # noqa: E741
    # Kinds are given as np.int64: a literal of each would make another copy of this.
    rows[count, 0] = kind
    rows[count, 1] = i
    rows[count, 2] = j
    rows[count, 3] = l
    amounts[count] = amount
    return count + 1


@kernel
def violations(X, rows, out):
    """Set ``out[t]`` to the left side less the right side of inequality t at X."""
    for t in range(rows.shape[0]):
        kind, i, j, l = rows[t, 0], rows[t, 1], rows[t, 2], rows[t, 3]  # noqa: E741
        if kind == 0:
            out[t] = X[i, j] + X[i, l] - X[j, l] - X[i, i]
        elif kind == 1:
            out[t] = X[i, i] + X[j, j] + X[l, l] - X[i, j] - X[i, l] - X[j, l] - 1.0
        elif kind == 2:
            out[t] = X[i, j] - X[i, i]
        else:
            out[t] = X[i, i] + X[j, j] - X[i, j] - 1.0


@kernel
def combine(rows, multipliers, out):
    """Set `out` (n, n) to the sum of multiplier times (symmetric) matrix of each inequality."""
    out[:] = 0.0
    for t in range(rows.shape[0]):
        z = multipliers[t]
        if z == 0.0:
            continue
        kind, i, j, l = rows[t, 0], rows[t, 1], rows[t, 2], rows[t, 3]  # noqa: E741
        # Half on either side of the diagonal, so that <out, X> is the sum of z times left side for
        # symmetric X: the adjoint of `violations`, but for its right sides.
        half = 0.5 * z
        sign = 1.0 if kind % 2 == 0 else -1.0
        out[i, j] += sign * half
        out[j, i] += sign * half
        out[i, i] -= sign * z
        if kind % 2 == 1:
            out[j, j] += z
        if kind < 2:
            out[i, l] += sign * half
            out[l, i] += sign * half
            out[j, l] -= half
            out[l, j] -= half
        if kind == 1:
            out[l, l] += z


@kernel
def dual_step(costs, combined, shift, k, y, mu, X, S, N, W):
    """Set N and W of one iteration, given y: ``M = costs + combined - A*(y)``.

    ``N = max(M - S - mu X, 0)`` and ``W = M - N - mu X``; returns ``||M - N - S||^2`` of the old S.
    """
    # The update of N in Wen, Goldfarb & Yin's method, and the matrix whose positive and negative
    # parts become S and X, in one pass over the matrices.
    n = X.shape[0]
    residual = 0.0
    for i in range(n):
        for j in range(n):
            value = costs[i, j] + combined[i, j] - 0.5 * (y[i] + y[j])
            if i == j:
                value -= shift - k * y[i]
            positive = value - S[i, j] - mu * X[i, j]
            if positive < 0.0:
                positive = 0.0
            N[i, j] = positive
            W[i, j] = value - positive - mu * X[i, j]
            difference = value - positive - S[i, j]
            residual += difference * difference
    return residual
