"""Linear models of a quadratic form, with a variable for each product of selectors."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import TooLarge

from ._side_constraints import QuotaRows
from .programs import LinearModel, SparseRows
from .quadratic_form import QuadraticForm

__all__ = [
    "LINEARISATIONS",
    "PAIRS_LIMIT",
    "compact_model",
    "mccormick_model",
    "published_model",
    "rlt_model",
]

PAIRS_LIMIT = 2_000_000
"""The most products that a model may have; at n = 2000 there are that many pairs."""

_BYTES_A_PAIR = 600  # names, three rows and the copy of a solver
_SECONDS_A_PAIR = 1e-4  # of one linear relaxation, at the least


@dataclass(frozen=True, eq=False)
class _Block:
    """Rows of one shape: row r holds ``coefficients`` at ``columns[r]``, within lower..upper."""

    name: str
    columns: NDArray[np.int64]
    coefficients: tuple[float, ...]
    lower: float
    upper: float


def published_model(form: QuadraticForm) -> LinearModel:
    r"""Return the integer program of Eq. 10 of the mini-batch paper.

    .. math::
        \min_{m, w} \sum_{i,j} z_{ij} w_{ij} \quad \text{s.t.} \quad
        2 w_{ij} \le m_i + m_j \; (z_{ij} < 0), \quad
        m_i + m_j \le 1 + 2 w_{ij} \; (z_{ij} \ge 0), \quad \sum_i m_i = k

    with Z = A + diag(c), and m and w binary: with w continuous the second row costs only half a
    pair. The rows of (i, j) and (j, i) are the same, so each pair i <= j is stated once, off the
    diagonal at twice its cost. Two selectors that are equal (i = j) are a pair as the others.

    Variables m0.., then wi_j for i <= j by rows of Z. O(n^2); TooLarge past `PAIRS_LIMIT` pairs.
    """
    n = form.n
    require_pairs("the published model", n, n * (n + 1) // 2)
    i, j = np.triu_indices(n)
    cost = pair_coefficients(form, i, j)
    w = n + np.arange(i.size)
    loop, negative = i == j, cost < 0
    blocks = []
    for name, part, sign, upper in (
        ("pair_negative", ~loop & negative, -1.0, 0.0),
        ("pair_positive", ~loop & ~negative, 1.0, 1.0),
    ):
        columns = np.column_stack([i, j, w])[part]
        blocks.append(_Block(name, columns, (sign, sign, -2.0 * sign), -np.inf, upper))
    for name, part, sign, upper in (
        ("self_negative", loop & negative, -1.0, 0.0),
        ("self_positive", loop & ~negative, 1.0, 1.0),
    ):
        columns = np.column_stack([i, w])[part]
        blocks.append(_Block(name, columns, (2.0 * sign, -2.0 * sign), -np.inf, upper))
    return _model("published", form, np.concatenate([np.zeros(n), cost]), (i, j), blocks, True)


def mccormick_model(form: QuadraticForm) -> LinearModel:
    r"""Return the integer program with the McCormick rows of each product.

    .. math::
        \min_{m, w} \sum_i z_{ii} m_i + \sum_{i<j} 2 a_{ij} w_{ij} \quad \text{s.t.} \quad
        w_{ij} \ge m_i + m_j - 1 \; (a_{ij} > 0), \quad
        w_{ij} \le m_i, \; w_{ij} \le m_j \; (a_{ij} < 0), \quad \sum_i m_i = k

    and 0 <= w <= 1, continuous. The rows that a cost of the other sign never touches are left out,
    which changes no optimum of it or of its relaxation, and so are pairs without a cost.

    Variables m0.., then wi_j for i < j by rows of A. O(n^2); TooLarge past `PAIRS_LIMIT` pairs.
    """
    n = form.n
    require_pairs("the McCormick model", n, n * (n - 1) // 2)
    i, j = np.triu_indices(n, 1)
    cost = pair_coefficients(form, i, j)
    kept = cost != 0
    i, j, cost = i[kept], j[kept], cost[kept]
    w = n + np.arange(i.size)
    blocks = _mccormick_rows(i, j, w, cost > 0, cost < 0)
    objective = np.concatenate([folded_diagonal(form), cost])
    return _model("mccormick", form, objective, (i, j), blocks, False)


def compact_model(form: QuadraticForm) -> LinearModel:
    r"""Return the integer program with the cardinality row times each m and few other rows.

    .. math::
        \sum_{j \ne i} w_{ij} = (k - 1) \, m_i \; \text{for all } i, \quad
        w_{ij} \le m_i, \; w_{ij} \le m_j \; \text{for all } i < j

    These leave products no choice: of the k - 1 that selector i has to add up to, each is 1 at most
    and 0 unless j is chosen too. So the third row of McCormick is left out, after Liberti (2007);
    the relaxation is nearly as tight as that of `rlt_model` and faster to solve.

    Variables m0.., then wi_j for i < j by rows of A. O(n^2); TooLarge past `PAIRS_LIMIT` pairs.
    """
    return _multiplied("compact", form)


def rlt_model(form: QuadraticForm) -> LinearModel:
    r"""Return the integer program with all McCormick rows, and the cardinality row times each m.

    .. math::
        \sum_{j \ne i} w_{ij} = (k - 1) \, m_i \quad \text{for all } i

    is what ``1'm = k`` says of the products (reformulation-linearisation, level 1). It gives the
    relaxation a bound where the other two have next to none. Quotas are multiplied in the same way:
    ``l <= sum_g m_j <= u`` by each m_i and, where l < u, by each ``1 - m_i``. All pairs and, as
    these rows push products up as well as down, all rows are kept.

    Variables m0.., then wi_j for i < j by rows of A. O(n^2); TooLarge past `PAIRS_LIMIT` pairs.
    """
    return _multiplied("rlt", form)


def _multiplied(name: str, form: QuadraticForm) -> LinearModel:
    """Return a model with the cardinality row times each selector; of "rlt", quotas as well."""
    n, full = form.n, name == "rlt"
    require_pairs(f"the {name} model", n, n * (n - 1) // 2)
    i, j = np.triu_indices(n, 1)
    w = n + np.arange(i.size)
    blocks = _mccormick_rows(i, j, w, np.full(i.size, full), np.full(i.size, True))
    if n > 1:
        of = np.zeros((n, n), dtype=np.int64)
        of[i, j] = of[j, i] = w
        products = of[~np.eye(n, dtype=bool)].reshape(n, n - 1)
        columns = np.column_stack([np.arange(n), products])
        weights = (1.0 - form.k, *(1.0 for _ in range(n - 1)))
        blocks.append(_Block("rlt", columns, weights, 0.0, 0.0))
        if full and form.side is not None and form.side.quotas is not None:
            blocks += _quota_products(form.side.quotas, of)
    objective = np.concatenate([folded_diagonal(form), pair_coefficients(form, i, j)])
    return _model(name, form, objective, (i, j), blocks, False)


LINEARISATIONS: Mapping[str, Callable[[QuadraticForm], LinearModel]] = {
    "published": published_model,
    "mccormick": mccormick_model,
    "compact": compact_model,
    "rlt": rlt_model,
}
"""The linear models by name. The relaxation of "rlt" is the tightest; that of "published" is weaker
than that of "mccormick"."""


def _mccormick_rows(
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    w: NDArray[np.int64],
    below: NDArray[np.bool_],
    above: NDArray[np.bool_],
) -> list[_Block]:
    both = np.column_stack([i, j, w])
    return [
        _Block("above", both[below], (1.0, 1.0, -1.0), -np.inf, 1.0),
        _Block("first", both[above][:, [0, 2]], (-1.0, 1.0), -np.inf, 0.0),
        _Block("second", both[above][:, [1, 2]], (-1.0, 1.0), -np.inf, 0.0),
    ]


def _quota_products(quotas: QuotaRows, of: NDArray[np.int64]) -> Iterator[_Block]:
    """Yield the quotas times each m_i and ``1 - m_i``; `of` (n, n) has the columns of products."""
    for r, name in enumerate(quotas.names):
        members, low, high = quotas.row(r), float(quotas.lower[r]), float(quotas.upper[r])
        outside = np.setdiff1d(np.arange(quotas.n), members)
        # m_i m_i = m_i: an item's product with itself is its own selector.
        inside = np.array([np.delete(members, place) for place in range(len(members))])
        beside = np.broadcast_to(members, (len(outside), len(members)))
        for where, items, others, own in (
            ("in", members, inside, 1.0),
            ("out", outside, beside, 0.0),
        ):
            ones, products = (1.0,) * others.shape[1], of[items[:, None], others]
            with_item = np.column_stack([items, products])
            if low == high:
                yield _Block(f"{name}_{where}", with_item, (own - low, *ones), 0.0, 0.0)
                continue
            without = np.column_stack([items, others, products])
            negative = tuple(-one for one in ones)
            if low > 0:
                yield _Block(f"{name}_{where}_low", with_item, (own - low, *ones), 0.0, np.inf)
                weights = (low, *ones, *negative)
                yield _Block(f"{name}_{where}_low_rest", without, weights, low, np.inf)
            if high < len(members):
                yield _Block(f"{name}_{where}_high", with_item, (own - high, *ones), -np.inf, 0.0)
                weights = (high, *ones, *negative)
                yield _Block(f"{name}_{where}_high_rest", without, weights, -np.inf, high)


def _model(
    name: str,
    form: QuadraticForm,
    objective: NDArray[np.float64],
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    blocks: list[_Block],
    whole: bool,
) -> LinearModel:
    """Assemble a model whose rows are the cardinality, then the blocks."""
    n, variables = form.n, objective.size
    count = _Block("cardinality", np.arange(n)[None, :], (1.0,) * n, float(form.k), float(form.k))
    blocks = [count, *(block for block in blocks if len(block.columns))]
    lengths = np.concatenate([np.full(len(b.columns), len(b.coefficients)) for b in blocks])
    rows = SparseRows(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([b.columns.ravel() for b in blocks]),
        np.concatenate([np.tile(b.coefficients, len(b.columns)) for b in blocks]),
    )
    products = zip(*(part.tolist() for part in pairs), strict=True)
    numbered = (f"{b.name}{r}" for b in blocks[1:] for r in range(len(b.columns)))
    return LinearModel(
        name=name,
        objective=objective,
        lower=np.zeros(variables),
        upper=np.ones(variables),
        integer=whole | (np.arange(variables) < n),
        rows=rows,
        row_lower=np.concatenate([np.full(len(b.columns), b.lower) for b in blocks]),
        row_upper=np.concatenate([np.full(len(b.columns), b.upper) for b in blocks]),
        variable_names=(*(f"m{v}" for v in range(n)), *(f"w{a}_{b}" for a, b in products)),
        row_names=("cardinality", *numbered),
        selectors=n,
        products=pairs,
    ).keeping(form.side)


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
