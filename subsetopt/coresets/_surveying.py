"""The first pass: how many rows there are, how they are spread, and a uniform sample of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem

from ._reading_engines import Done, ReadingEngine
from ._row_keys import RowKeys
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


def survey(source: Source, size: int, keys: RowKeys, told: Told, engine: ReadingEngine) -> Survey:
    """Read all rows once; O(n d).

    The sample are the rows of the least keys, whatever the blocks and parts they are read in.
    """
    n = engine.count(source)
    limit = np.inf if n is None else keys.limit(n, size)
    known = source.n if n is None else n
    look = partial(seen_of, size=size, keys=keys, limit=limit)
    seen = SeenRows(size, limit)
    told("survey", 0, known)
    for part in engine.over(source, look, lambda done: told("survey", done, known)):
        seen.join(part)
    if not seen.moments.n:
        raise InvalidProblem(f"{source.name} has no rows")
    return seen.result()


def seen_of(source: Source, done: Done, *, size: int, keys: RowKeys, limit: float) -> "SeenRows":
    """Return what the rows of a part show: moments, and those whose keys are least."""
    seen = SeenRows(size, limit)
    for block in source.blocks():
        seen.add(block, source.first + seen.moments.n, keys)
        done(seen.moments.n)
    return seen


class SeenRows:
    """Moments, and a sample: the rows of the least keys so far."""

    def __init__(self, size: int, limit: float) -> None:
        self.moments = _Moments()
        self._size, self._limit, self._held = size, limit, 0
        self._parts: list[tuple[NDArray[Any], ...]] = []
        self._named = False

    def add(self, block: RowBlock, first: int, keys: RowKeys) -> None:
        """Look at rows, of which the first has this number."""
        self.moments.join(_Moments.of(block.X))
        own = keys.of(first, len(block.X))
        few = np.flatnonzero(own < self._limit)
        ids = np.empty(len(few)) if block.ids is None else block.ids[few]
        self._named = block.ids is not None
        self._hold(own[few], first + few, block.X[few], ids)

    def join(self, other: "SeenRows") -> None:
        """Look at what was seen elsewhere, below these rows."""
        if other.moments.n:
            self.moments.join(other.moments)
            self._named = other._named
            for part in other._parts:
                self._hold(*part)

    def _hold(self, *part: NDArray[Any]) -> None:
        if len(part[0]):
            self._parts.append(part)
            self._held += len(part[0])
        if self._held > 2 * self._size:
            self._shrink()

    def _shrink(self) -> None:
        joined = [np.concatenate(part) for part in zip(*self._parts, strict=True)]
        if len(joined[0]) > self._size:
            least = np.argpartition(joined[0], self._size - 1)[: self._size]
            joined = [part[least] for part in joined]
            self._limit = float(joined[0].max())
        self._parts, self._held = [tuple(joined)], len(joined[0])

    def result(self) -> Survey:
        """Return what has been seen; there must have been rows."""
        self._shrink()
        _, rows, X, ids = self._parts[0]
        order = np.argsort(rows)
        named = ids[order] if self._named else None
        numbers = rows[order].astype(np.int64)
        mean, std, low, high = self.moments.result()
        return Survey(self.moments.n, mean, std, low, high, numbers, X[order], named)


@dataclass(eq=False)
class _Moments:
    """Means and squared distances from them, so that little cancels, joined as parts of a sum.

    Source: Chan, Golub & LeVeque, The American Statistician 37(3), 1983.
    """

    n: int = 0
    mean: Any = 0.0
    squares: Any = 0.0
    low: Any = np.inf
    high: Any = -np.inf

    @classmethod
    def of(cls, X: NDArray[Any]) -> "_Moments":
        mean = X.mean(axis=0, dtype=np.float64)
        away = X - mean
        squares = np.einsum("ij,ij->j", away, away)
        return cls(len(X), mean, squares, X.min(axis=0), X.max(axis=0))

    def join(self, other: "_Moments") -> None:
        n = self.n + other.n
        between = other.mean - self.mean
        self.mean = self.mean + between * (other.n / n)
        with np.errstate(over="ignore", invalid="ignore"):  # of values that no kernel takes
            self.squares = self.squares + other.squares + between**2 * (self.n / n * other.n)
        self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        self.n = n

    def result(self) -> tuple[NDArray[np.float64], ...]:
        low, high = self.low.astype(np.float64), self.high.astype(np.float64)
        std = np.where(low == high, 0.0, np.sqrt(self.squares / self.n))
        return self.mean, std, low, high
