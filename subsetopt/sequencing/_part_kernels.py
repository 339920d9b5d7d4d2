"""Sums of kernels between units: blocks of them, and products, from features or from a matrix."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import Kernel
from subsetopt.problems._kernel_matrices import require_semidefinite, symmetric_kernel
from subsetopt.problems._kernel_products import Told, kernel_products
from subsetopt.problems._parallel import each

from ._part_units import Units

_TILE = 512


class KernelRows(Protocol):
    """The kernel matrix (n, n) of rows, in pieces; known to be `definite`, or to be looked at."""

    n: int
    dtype: np.dtype[Any]
    definite: bool
    threads: int | None

    def piece(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[Any]:
        """Return K of some rows and some columns."""

    def products(self, V: NDArray[np.float64], alone: int, told: Told) -> NDArray[np.float64]:
        """Return ``K @ V`` for V (n, q), its first columns by themselves."""


class FeatureRows:
    """Rows that are evaluated from features X (n, d) each time."""

    def __init__(self, kernel: Kernel, X: NDArray[Any], threads: int | None) -> None:
        self.kernel, self.X, self.n = kernel, X, len(X)
        self.threads = threads if kernel.semidefinite else 1  # a caller's function stands no more
        self.dtype, self.definite = kernel.dtype(X, X), kernel.semidefinite
        self._fill: Any = kernel.filler(X, X)  # takes indices of rows as it takes slices

    def piece(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[Any]:
        """Return K of some rows and some columns."""
        out = np.empty((len(rows), len(columns)), self.dtype)
        with np.errstate(all="ignore"):  # all pairs have been looked at by `products`
            self._fill(rows, columns, out)
        return out

    def products(self, V: NDArray[np.float64], alone: int, told: Told) -> NDArray[np.float64]:
        """Return ``K @ V`` for V (n, q); O(n^2 (d + q))."""
        return kernel_products(self.kernel, self.X, V, self.threads, told, alone)


class MatrixRows:
    """Rows of a kernel matrix K (n, n) that is given."""

    definite = True

    def __init__(self, K: NDArray[Any], threads: int | None) -> None:
        self.K = symmetric_kernel("K", K)
        require_semidefinite("K", self.K)
        self.n, self.dtype, self.threads = len(K), self.K.dtype, threads

    def piece(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[Any]:
        """Return K of some rows and some columns."""
        return np.ascontiguousarray(self.K[rows][:, columns])

    def products(self, V: NDArray[np.float64], alone: int, told: Told) -> NDArray[np.float64]:
        """Return ``K @ V`` for V (n, q)."""
        first, rest = (part.astype(self.dtype) for part in np.split(V, [alone], axis=1))

        def multiplied(band: slice) -> NDArray[Any]:
            return np.concatenate([self.K[band] @ first, self.K[band] @ rest], axis=1)

        told(0, self.n)
        bands = each(multiplied, _tiles(self.n), self.threads)
        told(self.n, self.n)
        return np.concatenate(bands, dtype=np.float64)


class UnitSums:
    """Sums of K over pairs of units."""

    def __init__(self, rows: KernelRows, units: Units) -> None:
        self.units = units
        self._rows, self._known = rows, rows.definite

    def block(self, units: NDArray[np.int64]) -> NDArray[Any]:
        """Return the sums between some units (m, m); O(r^2 d) for their r rows.

        Raises
        ------
        InvalidProblem
            If the first of them, of a function, shows that it is no kernel.
        """
        rows = self.units.rows_of(units)
        sums = self._pieces(rows) if self.units.single else self._between(units, rows)
        if not self._known:
            require_semidefinite("the kernel matrix", symmetric_kernel("the kernel matrix", sums))
            self._known = True
        return sums

    def _columns(self, part: slice, count: int) -> Iterator[slice]:
        """Yield the tiles to evaluate beside some rows: of a symmetric K those from there on."""
        return (tile for tile in _tiles(count) if tile.start >= part.start or not self._known)

    def _pieces(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        out = np.empty((len(rows), len(rows)), self._rows.dtype)

        def write(part: slice) -> None:
            for columns in self._columns(part, len(rows)):
                piece = self._rows.piece(rows[part], rows[columns])
                out[part, columns] = piece
                if self._known:
                    out[columns, part] = piece.T

        each(write, _tiles(len(rows)), self._rows.threads)
        return out

    def _between(self, units: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        owner = np.repeat(np.arange(len(units)), self.units.mass[units].astype(np.int64))

        def summed(part: slice) -> NDArray[np.float64]:
            starts = np.flatnonzero(np.diff(owner[part], prepend=-1))
            wide = np.zeros((len(starts), len(units)))
            for columns in self._columns(part, len(rows)):
                piece = self._rows.piece(rows[part], rows[columns])
                few = np.add.reduceat(piece, starts, axis=0, dtype=np.float64)
                theirs = owner[columns]
                first = np.flatnonzero(np.diff(theirs, prepend=-1))
                half = 0.5 if self._known and columns == part else 1.0
                wide[:, theirs[first]] += half * np.add.reduceat(few, first, axis=1)
            return wide

        out = np.zeros((len(units), len(units)))
        parts = list(_tiles(len(rows)))
        for part, wide in zip(parts, each(summed, parts, self._rows.threads), strict=True):
            out[owner[part][0] : owner[part][-1] + 1] += wide
        return out + out.T if self._known else out

    def products(self, V: NDArray[np.float64], alone: int, told: Told) -> NDArray[np.float64]:
        """Return for each unit the sum over its rows of ``K @ V``, for V (U, q); (U, q).

        The first `alone` columns are the same whatever the others are.
        """
        spread = np.empty((len(self.units.rows), V.shape[1]))
        spread[self.units.rows] = np.repeat(V, np.diff(self.units.starts), axis=0)
        return self._gathered(self._rows.products(spread, alone, told))

    def changes(self, units: NDArray[np.int64], V: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what `products` does for V that is zero but for some units; V (m, q)."""
        rows = self.units.rows_of(units)
        weights = np.repeat(V, self.units.mass[units].astype(np.int64), axis=0)
        narrow = weights.astype(self._rows.dtype)
        everything = np.arange(len(self.units.rows))

        def multiplied(part: slice) -> NDArray[np.float64]:
            out = np.zeros((part.stop - part.start, V.shape[1]))
            for columns in _tiles(len(rows)):
                out += self._rows.piece(everything[part], rows[columns]) @ narrow[columns]
            return out

        parts = each(multiplied, _tiles(len(everything)), self._rows.threads)
        return self._gathered(np.concatenate(parts))

    def _gathered(self, of_rows: NDArray[np.float64]) -> NDArray[np.float64]:
        in_order = of_rows[self.units.rows]
        if self.units.single:
            return in_order
        return np.asarray(np.add.reduceat(in_order, self.units.starts[:-1], axis=0))


def _tiles(n: int) -> Iterator[slice]:
    return (slice(start, min(start + _TILE, n)) for start in range(0, n, _TILE))
