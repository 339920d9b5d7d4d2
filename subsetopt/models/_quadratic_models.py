"""Quadratic models of a quadratic form, and its coefficients by pairs."""

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import TooLarge

from .programs import LinearModel, QuadraticModel, SparseRows
from .quadratic_form import QuadraticForm

PAIRS_LIMIT = 2_000_000
"""The most products that a model may have; at n = 2000 there are that many pairs."""

_BYTES_A_PAIR = 600  # names, three rows and the copy of a solver
_SECONDS_A_PAIR = 1e-4  # of one linear relaxation, at the least


def iqp_model(form: QuadraticForm, folded: bool = False) -> QuadraticModel:
    r"""Return the integer quadratic programme of a form, unfolded or with the diagonal folded.

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


def folded_diagonal(form: QuadraticForm) -> NDArray[np.float64]:
    """Return the diagonal of Z = A + diag(c): what row i costs alone, (n,)."""
    return form.matrix.diagonal().astype(np.float64) + form.linear


def pair_coefficients(
    form: QuadraticForm, i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what the product of rows i <= j costs: z_ii on the diagonal, 2 a_ij off it."""
    coefficients = 2.0 * form.matrix[i, j].astype(np.float64)
    loop = i == j
    coefficients[loop] = folded_diagonal(form)[i[loop]]
    return coefficients


def require_pairs(what: str, n: int, pairs: int) -> None:
    """Raise TooLarge, with the estimate, if there are more pairs than `PAIRS_LIMIT`."""
    if pairs > PAIRS_LIMIT:
        seconds, size = _SECONDS_A_PAIR * pairs, float(_BYTES_A_PAIR * pairs)
        raise TooLarge(
            f"{what} of n = {n} would have {pairs} products, above the limit of {PAIRS_LIMIT}: "
            f"at least {seconds:.0f} s and {size / 2**30:.1f} GiB; use fewer candidates, or tabu "
            "and bound='fw', which need no such model",
            seconds=seconds,
            bytes=size,
        )
