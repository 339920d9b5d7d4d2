"""The first pass: how many rows there are, how they are spread, and a uniform sample of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem

from ._row_sources import RowBlock, Source

Told = Callable[[str, int, int | None], None]
"""Takes the phase, the rows done in it and all rows, where that is known."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What the first pass has seen.

    Parameters
    ----------
    n : int
        Rows.
    mean, std, lowest, highest : ndarray of float64 (d,)
        Of each column.
    rows : ndarray of int64 (m,)
        Where the rows of the sample stand, ascending; a uniform sample without replacement.
    X : ndarray (m, d)
        Their features.
    ids : ndarray (m,) or None
    """

    n: int
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    rows: NDArray[np.int64]
    X: NDArray[Any]
    ids: NDArray[Any] | None


def survey(source: Source, size: int, generator: np.random.Generator, told: Told) -> Survey:
    """Read all rows once; O(n d).

    The sample are the rows of the least of n random numbers, one for each row: it depends on the
    generator alone, not on how the rows are divided into blocks.
    """
    sample, moments, n = _Sample(size), _Moments(), 0
    told("survey", 0, source.n)
    for block in source.blocks():
        moments.add(block.X)
        sample.add(block, n, generator.random(len(block.X)))
        n += len(block.X)
        told("survey", n, source.n)
    if not n:
        raise InvalidProblem(f"{source.name} has no rows")
    mean, std, low, high = moments.result()
    return Survey(n, mean, std, low, high, *sample.result())


class _Sample:
    """The rows of the least keys so far."""

    def __init__(self, size: int) -> None:
        self._size, self._limit, self._held = size, np.inf, 0
        self._parts: list[tuple[NDArray[Any], ...]] = []

    def add(self, block: RowBlock, first: int, keys: NDArray[np.float64]) -> None:
        few = np.flatnonzero(keys < self._limit)
        if not few.size:
            return
        ids = np.empty(len(few)) if block.ids is None else block.ids[few]
        self._named = block.ids is not None
        self._parts.append((keys[few], first + few, block.X[few], ids))
        self._held += len(few)
        if self._held > 2 * self._size:
            self._shrink()

    def _shrink(self) -> None:
        joined = [np.concatenate(part) for part in zip(*self._parts, strict=True)]
        if len(joined[0]) > self._size:
            least = np.argpartition(joined[0], self._size - 1)[: self._size]
            joined = [part[least] for part in joined]
            self._limit = float(joined[0].max())
        self._parts, self._held = [tuple(joined)], len(joined[0])

    def result(self) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[Any] | None]:
        self._shrink()
        _, rows, X, ids = self._parts[0]
        order = np.argsort(rows)
        return rows[order].astype(np.int64), X[order], ids[order] if self._named else None


class _Moments:
    """Means and spreads of columns, about the mean of the first block so that little cancels."""

    def __init__(self) -> None:
        self._n = 0

    def add(self, X: NDArray[Any]) -> None:
        low, high = X.min(axis=0), X.max(axis=0)
        if not self._n:
            self._origin = X.mean(axis=0, dtype=np.float64)
            self._sum = np.zeros(X.shape[1])
            self._squares = np.zeros(X.shape[1])
            self._low, self._high = low.astype(np.float64), high.astype(np.float64)
        away = X - self._origin
        self._sum += away.sum(axis=0)
        self._squares += np.einsum("ij,ij->j", away, away)
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self._n += len(X)

    def result(self) -> tuple[NDArray[np.float64], ...]:
        shift = self._sum / self._n
        variance = np.maximum(self._squares / self._n - shift**2, 0.0)
        std = np.where(self._low == self._high, 0.0, np.sqrt(variance))
        return self._origin + shift, std, self._low, self._high
