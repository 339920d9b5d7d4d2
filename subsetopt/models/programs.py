"""Canonical models: linear and quadratic programs over named variables."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem

from ._side_constraints import SideConstraints

__all__ = ["LinearModel", "QuadraticModel", "SparseRows"]


@dataclass(frozen=True, eq=False)
class SparseRows:
    """A sparse matrix by rows: row i holds ``coefficients[starts[i]:starts[i+1]]``.

    Parameters
    ----------
    starts : ndarray of int64 (rows + 1,)
    columns : ndarray of int64 (entries,)
    coefficients : ndarray of float64 (entries,)
    """

    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    coefficients: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Iterable[tuple[NDArray[np.integer], NDArray[np.float64]]]) -> "SparseRows":
        """Build from (columns, coefficients) pairs, one per row."""
        pairs = list(rows)
        lengths = [len(columns) for columns, _ in pairs]
        return cls(
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.concatenate([columns for columns, _ in pairs]).astype(np.int64),
            np.concatenate([coefficients for _, coefficients in pairs]).astype(np.float64),
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def row(self, i: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the columns and the coefficients of row i."""
        part = slice(self.starts[i], self.starts[i + 1])
        return self.columns[part], self.coefficients[part]

    def dot(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value of each row at `x`."""
        terms = self.coefficients * x[self.columns]
        return np.array([terms[a:b].sum() for a, b in pairwise(self.starts)])


@dataclass(frozen=True, eq=False)
class LinearModel:
    r"""A mixed-integer linear program, to be minimised.

    .. math::
        \min_x \; c'x \quad \text{s.t.} \quad
        l_r \le A x \le u_r,\; l \le x \le u,\; x_j \in \mathbb{Z} \text{ for } j \in I

    Parameters
    ----------
    name : str
    objective, lower, upper : ndarray of float64 (variables,)
        c, l and u; infinite bounds are ``numpy.inf``.
    integer : ndarray of bool (variables,)
    rows : SparseRows
        A.
    row_lower, row_upper : ndarray of float64 (rows,)
    variable_names, row_names : tuple of str
    selectors : int
        The first `selectors` variables are the binaries m of the subset-selection problem.
    products : tuple of two ndarray of int64, optional
        For models whose other variables stand for products of two selectors: which two.
    factors : ndarray of float64 (variables - selectors, selectors), optional
        For models whose other variables are linear in the selectors: the matrix of these.
    """

    name: str
    objective: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    integer: NDArray[np.bool_]
    rows: SparseRows
    row_lower: NDArray[np.float64]
    row_upper: NDArray[np.float64]
    variable_names: tuple[str, ...]
    row_names: tuple[str, ...]
    selectors: int
    products: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    factors: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        variables, rows = len(self.objective), len(self.rows)
        per_variable = (self.lower, self.upper, self.integer, self.variable_names)
        per_row = (self.row_lower, self.row_upper, self.row_names)
        if any(len(part) != variables for part in per_variable):
            raise InvalidProblem(f"model {self.name}: {variables} variables, but parts differ")
        if any(len(part) != rows for part in per_row):
            raise InvalidProblem(f"model {self.name}: {rows} rows, but parts differ")

    @property
    def variables(self) -> int:
        """The number of variables."""
        return len(self.objective)

    def completed(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the solution of a model in products or factors that chooses these selectors."""
        x = np.zeros(self.variables)
        x[chosen] = 1.0
        if self.products is not None:
            first, second = self.products
            x[self.selectors :] = x[first] * x[second]
        if self.factors is not None:
            x[self.selectors :] = self.factors[:, chosen].sum(axis=1)
        return x

    def keeping(self, side: SideConstraints | None) -> "LinearModel":
        """Return the model with rows and bounds for what the selectors keep besides."""
        if side is None:
            return self
        lower, upper = self.lower.copy(), self.upper.copy()
        lower[side.include], upper[side.exclude] = 1.0, 0.0
        more = list(side.model_rows())
        ends = self.rows.starts[-1] + np.cumsum([len(row.columns) for row in more])
        rows = SparseRows(
            np.concatenate([self.rows.starts, ends]).astype(np.int64),
            np.concatenate([self.rows.columns, *(row.columns for row in more)]),
            np.concatenate([self.rows.coefficients, *(row.coefficients for row in more)]),
        )
        return replace(
            self,
            lower=lower,
            upper=upper,
            rows=rows,
            row_lower=np.append(self.row_lower, [row.lower for row in more]),
            row_upper=np.append(self.row_upper, [row.upper for row in more]),
            row_names=(*self.row_names, *(row.name for row in more)),
        )

    def relaxed(self) -> "LinearModel":
        """Return the linear program that is left when integrality is dropped."""
        return replace(self, integer=np.zeros(self.variables, dtype=bool))


@dataclass(frozen=True, eq=False)
class QuadraticModel:
    r"""A `LinearModel` with a quadratic term added to its objective.

    The objective is :math:`c'x + \sum_e q_e x_{i_e} x_{j_e}`; each entry counts once, so an
    off-diagonal product is given once and not halved.

    Parameters
    ----------
    linear : LinearModel
    first, second : ndarray of int64 (entries,)
        i and j of each product.
    coefficients : ndarray of float64 (entries,)
        q of each product.
    """

    linear: LinearModel
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    coefficients: NDArray[np.float64]

    def value(self, x: NDArray[np.float64]) -> float:
        """Return the objective at `x`."""
        quadratic = self.coefficients * x[self.first] * x[self.second]
        return float(self.linear.objective @ x + quadratic.sum())
