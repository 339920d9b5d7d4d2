"""Quadratic models of a quadratic form: the form itself, or a sum of squares."""

import numpy as np

from .linearisations import pair_coefficients, require_pairs
from .programs import LinearModel, QuadraticModel, SparseRows
from .quadratic_form import QuadraticForm

__all__ = ["factored_model", "iqp_model"]

_NEGLIGIBLE = 1e-12  # eigenvalues, of the largest


def iqp_model(form: QuadraticForm, folded: bool = False) -> QuadraticModel:
    r"""Return the integer quadratic program of a form, unfolded or with the diagonal folded.

    .. math::
        \min_{m \in \{0,1\}^n} \; m'Am + c'm \quad \text{or} \quad m'Zm, \; Z = A + \mathrm{diag}(c)
        \quad \text{s.t.} \quad \sum_i m_i = k

    The two agree on selections. The unfolded one is convex wherever A is positive semidefinite;
    the folded one (Eq. 7 of the mini-batch paper) need not be. Products without a cost are left
    out. Variables m0..; O(n^2), and TooLarge past `PAIRS_LIMIT` products.
    """
    n = form.n
    require_pairs("the quadratic model", n, n * (n + 1) // 2)
    i, j = np.triu_indices(n)
    coefficients = pair_coefficients(form, i, j)
    if not folded:
        coefficients[i == j] = form.matrix.diagonal()
    kept = coefficients != 0
    linear = LinearModel(
        name="iqp_folded" if folded else "iqp",
        objective=np.zeros(n) if folded else form.linear.copy(),
        lower=np.zeros(n),
        upper=np.ones(n),
        integer=np.ones(n, dtype=bool),
        rows=SparseRows.of([(np.arange(n), np.ones(n))]),
        row_lower=np.array([float(form.k)]),
        row_upper=np.array([float(form.k)]),
        variable_names=tuple(f"m{v}" for v in range(n)),
        row_names=("cardinality",),
        selectors=n,
    ).keeping(form.side)
    return QuadraticModel(linear, i[kept], j[kept], coefficients[kept])


def factored_model(form: QuadraticForm) -> QuadraticModel:
    r"""Return the program in squares of a form whose matrix is ``B'B``: convex in few variables.

    .. math::
        \min_{m \in \{0,1\}^n, y} \; y'y + (c - d 1)'m \quad \text{s.t.} \quad y = B m, \quad
        \sum_i m_i = k, \quad B'B = A + d I

    with d = 0 where A is positive semidefinite, else the least that makes it so, as
    :math:`m_i^2 = m_i`. B is made of eigenvectors and rounded: the objective is off by what
    `factored_error` returns. Variables m0.., then y0..; O(n^3), and TooLarge past `PAIRS_LIMIT`.
    """
    n = form.n
    require_pairs("the factored model", n, n * (n + 1) // 2)
    values, vectors = np.linalg.eigh(form.matrix.astype(np.float64))
    shift = 0.0 if form.semidefinite else max(0.0, -float(values[0]))
    values += shift
    kept = values > _NEGLIGIBLE * max(abs(float(values[0])), float(values[-1]))
    factors = (vectors[:, kept] * np.sqrt(values[kept])).T
    d = len(factors)
    m = np.arange(n)
    lines = [(np.append(m, n + r), np.append(row, -1.0)) for r, row in enumerate(factors)]
    ends = np.concatenate([[float(form.k)], np.zeros(d)])
    linear = LinearModel(
        name="factored",
        objective=np.concatenate([form.linear - shift, np.zeros(d)]),
        lower=np.concatenate([np.zeros(n), np.full(d, -np.inf)]),
        upper=np.concatenate([np.ones(n), np.full(d, np.inf)]),
        integer=np.arange(n + d) < n,
        rows=SparseRows.of([(m, np.ones(n)), *lines]),
        row_lower=ends,
        row_upper=ends,
        variable_names=(*(f"m{v}" for v in range(n)), *(f"y{r}" for r in range(d))),
        row_names=("cardinality", *(f"factor{r}" for r in range(d))),
        selectors=n,
        factors=factors,
    ).keeping(form.side)
    squares = np.arange(n, n + d)
    return QuadraticModel(linear, squares, squares, np.ones(d))


def factored_error(form: QuadraticForm, model: QuadraticModel) -> float:
    """Return how far the objective of the factored model may be from ``m'Am + c'm``; O(n^2 d)."""
    factors = model.linear.factors
    assert factors is not None
    shifted = factors.T @ factors
    shifted.flat[:: form.n + 1] += model.linear.objective[: form.n] - form.linear
    scale = float(np.abs(form.matrix).max())
    off = float(np.abs(shifted - form.matrix).max()) + 4 * form.n * np.finfo(float).eps * scale
    return form.k**2 * off
