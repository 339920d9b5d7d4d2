"""Quadratic selection whose matrix is not held: its rows are computed when they are needed."""

from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from subsetopt import _rounding
from subsetopt.errors import TooLarge

from ._side_constraints import SideConstraints
from .quadratic_form import QuadraticForm, StatedForm

__all__ = ["RowSource", "RowsForm"]


class RowSource(Protocol):
    """A symmetric matrix (n, n) whose rows are computed."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the rows."""

    @property
    def largest(self) -> float:
        """An upper bound on the magnitudes of its entries."""

    @property
    def most_stored_rows(self) -> int:
        """Of how many rows the block may be held."""

    def __len__(self) -> int: ...

    def rows(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows (len(indices), n)."""

    def total(self, indices: NDArray[np.int64]) -> float:
        """Return the sum of a block; its memory does not grow with the block."""

    def sums_with(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return for each row the sum of its entries with the others."""

    def among(self, indices: NDArray[np.int64]) -> Self:
        """Return the block of some rows, in their order."""

    def held(self) -> NDArray[Any]:
        """Return the matrix in full, read-only."""


@dataclass(frozen=True, eq=False)
class RowsForm(StatedForm):
    r"""Choose k of n rows of a symmetric matrix A as `QuadraticForm` has it, without A.

    Parameters
    ----------
    matrix : RowSource
        A.
    linear, k, scale, constant, semidefinite, positions, error, side
        See `QuadraticForm`.
    """

    matrix: RowSource
    linear: NDArray[np.float64]
    k: int
    scale: float = 1.0
    constant: float = 0.0
    semidefinite: bool = False
    positions: NDArray[np.int64] | None = None
    error: float = 0.0
    side: SideConstraints | None = None

    @property
    def largest(self) -> float:
        """An upper bound on the magnitudes in A."""
        return self.matrix.largest

    def in_range(self) -> "RowsForm":
        """Return itself: nothing that is done with rows multiplies their entries."""
        return self

    def row(self, row: int) -> NDArray[Any]:
        """Return a row of A (n,), computed now."""
        found: NDArray[Any] = self.matrix.rows(np.array([row]))[0]
        return found

    def value(self, rows: NDArray[np.int64]) -> float:
        """Return the inner value :math:`m'Am + c'm` of the chosen rows; O(k^2) entries."""
        return self.matrix.total(rows) + float(self.linear[rows].sum())

    def rounding(self, rows: NDArray[np.int64]) -> float:
        """Return how far the lifted value of the chosen rows may be off, with `error`."""
        block = len(rows) ** 2 * self.largest
        terms = self.scale * (block + float(np.abs(self.linear[rows]).sum())) + abs(self.constant)
        return 2 * _rounding.of_sum(len(rows) ** 2) * terms + self.error

    def fixed(self, free: NDArray[np.int64], taken: NDArray[np.int64]) -> "RowsForm":
        """Return the form on free rows, numbered from 0, with the taken ones in its terms.

        O(free taken) entries. The constraints are those that are left.
        """
        linear, constant, error = self.linear[free].copy(), self.constant, self.error
        if len(taken):
            linear += 2.0 * self.matrix.sums_with(free, taken)
            constant += self.scale * self.value(taken)
            error += (
                self.rounding(taken)
                + self.scale * self.k * _rounding.of_sum(len(taken)) * 4 * len(taken) * self.largest
            )
        linear.setflags(write=False)
        return RowsForm(
            self.matrix.among(free),
            linear,
            self.k - len(taken),
            self.scale,
            constant,
            self.semidefinite,
            error=error,
            side=None if self.side is None else self.side.restricted(free, taken),
        )

    def held(self) -> QuadraticForm:
        """Return the same with its matrix in full; n^2 entries."""
        return QuadraticForm(
            self.matrix.held(),
            self.linear,
            self.k,
            self.scale,
            self.constant,
            self.semidefinite,
            self.positions,
            self.error,
            self.side,
        ).in_range()

    def refuse(self) -> NoReturn:
        """Raise TooLarge: the matrix is asked for, which is not held."""
        needed = self.matrix.dtype.itemsize * self.n**2
        raise TooLarge(
            f"the {self.n} x {self.n} kernel matrix takes {needed / 2**30:.3g} GiB, more than "
            "there is, and its rows are computed; take solver='tabu', 'swap', 'herding' or "
            "'random', which do without it, bound='none', or coreset, which chooses from millions",
            seconds=0.0,
            bytes=float(needed),
        )
