"""A lower bound on quadratic selection by degrees: each candidate with its best company.

A chosen i contributes ``c_i + A_ii`` and its entries with the k - 1 others, which are no less than
the k - 1 smallest of its row; the sum of the k smallest such contributions is below every
selection. For the densest k nodes these are degrees, cut off at k - 1, and the bound on the number
of edges is half the sum of the k largest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subsetopt import _rounding
from subsetopt.models import QuadraticForm, SparseForm

from ._deadline import Deadline

Floats = NDArray[np.float64]

_GRID = 2.0**10  # sums of multiples of 1 / _GRID are exact as long as they are moderate
_EXACT = 2.0**53


@dataclass(frozen=True)
class _Contributions:
    """The least that each row contributes, and the sum of the magnitudes of its terms, (n,)."""

    least: Floats
    sizes: Floats
    on_grid: bool


def degree_bound(form: QuadraticForm | SparseForm, deadline: Deadline) -> float:
    """Return a lower bound on the inner value of a form, less its rounding.

    O(n^2), or O(m) for m entries of a sparse form that are not zero.
    """
    sparse = isinstance(form, SparseForm)
    found = _of_sparse(form, deadline) if sparse else _of_dense(form, deadline)  # type: ignore[arg-type]
    k = form.k
    total = float(np.partition(found.least, k - 1)[:k].sum())
    size = float(np.partition(found.sizes, form.n - k)[form.n - k :].sum())
    if found.on_grid and size * _GRID < _EXACT:
        return total
    return total - _rounding.UNIT * (form.n + k) * size


def _on_grid(values: Floats) -> bool:
    with np.errstate(over="ignore"):
        scaled = values * _GRID
    return bool((scaled == np.rint(scaled)).all())


def _of_dense(form: QuadraticForm, deadline: Deadline) -> _Contributions:
    own = form.matrix.diagonal().astype(np.float64)
    least, sizes = form.linear + own, np.abs(form.linear) + np.abs(own)
    on_grid = _on_grid(form.linear)
    for part in deadline.chunks(form.n, 10 * form.n):
        rows = form.matrix[part].astype(np.float64)
        on_grid = on_grid and _on_grid(rows)
        rows[np.arange(len(rows)), np.arange(form.n)[part]] = np.inf
        if form.k > 1:
            taken = np.partition(rows, form.k - 2, axis=1)[:, : form.k - 1]
            least[part] += taken.sum(axis=1)
            sizes[part] += np.abs(taken).sum(axis=1)
    return _Contributions(least, sizes, on_grid)


def _of_sparse(form: SparseForm, deadline: Deadline) -> _Contributions:
    """Negative entries first, then zeros; rows where that is not all are looked at one by one."""
    matrix, n, others = form.matrix, form.n, form.k - 1
    negative = matrix.data < 0
    rows = np.repeat(np.arange(n), matrix.degrees)[negative]
    counts, zeros = np.bincount(rows, minlength=n), n - 1 - matrix.degrees
    sums = np.bincount(rows, matrix.data[negative], n).astype(np.float64)  # without rows: integers
    sizes = -sums
    deadline.check()
    odd = np.flatnonzero((counts > others) | (counts + zeros < others))
    for part in deadline.chunks(len(odd), 2**10):
        for i in odd[part]:
            row = matrix.data[matrix.indptr[i] : matrix.indptr[i + 1]]
            count = others if counts[i] > others else others - zeros[i]
            taken = np.sort(row)[:count]
            sums[i], sizes[i] = taken.sum(), np.abs(taken).sum()
    parts = (matrix.data, matrix.diagonal, form.linear)
    own = form.linear + matrix.diagonal
    sizes += np.abs(form.linear) + np.abs(matrix.diagonal)
    return _Contributions(own + sums, sizes, all(map(_on_grid, parts)))
