"""Random keys of rows, which depend on row number and seed alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._row_blocks import RowBlock, Source

_AT_ONCE = 2**20
_PER_STEP = 4  # numbers of Philox for one step of its counter


@dataclass(frozen=True)
class RowKeys:
    """Keys of rows: a sample are the rows of the least.

    They come from a generator with a counter (Philox; Salmon, Moraes, Dror & Shaw, SC 2011), so
    that any rows' are there without those before: the sample is the same whatever the blocks, parts
    and workers that read them.

    Parameters
    ----------
    seed : int
    stream : int
        Sources with other streams have other keys.
    """

    seed: int
    stream: int = 0

    def of(self, first: int, count: int) -> NDArray[np.float64]:
        """Return the keys in [0, 1) of `count` rows from row `first` on; O(count)."""
        key = np.random.SeedSequence([self.seed, self.stream]).generate_state(2, np.uint64)
        bits = np.random.Philox(key=key)
        bits.advance(first // _PER_STEP)
        skipped = first % _PER_STEP
        return np.random.Generator(bits).random(skipped + count)[skipped:]

    def among(self, X: NDArray[Any], first: int) -> NDArray[np.float64]:
        """Return the keys of rows, of which the first has this number."""
        return self.of(first, len(X))

    def limit(self, n: int, size: int) -> float:
        """Return what the keys of `size` of n rows are below, and no others; O(n), no row is read.

        Infinity where there are no more rows than that.
        """
        if n <= size:
            return float("inf")
        share = (size + 1) / n
        while True:
            share += 6.0 * float(np.sqrt(share / n))
            parts = (self.of(at, min(_AT_ONCE, n - at)) for at in range(0, n, _AT_ONCE))
            least = np.concatenate([keys[keys < share] for keys in parts])
            if len(least) > size:
                return float(np.partition(least, size)[size])


@dataclass(frozen=True)
class RowShare:
    """The rows whose keys are below a share: a uniform sample, in which those of the least are.

    Parameters
    ----------
    keys : RowKeys
    share : float
        1 or more are all rows.
    """

    keys: RowKeys
    share: float

    def of(self, X: NDArray[Any], first: int) -> NDArray[Any]:
        """Return those among some rows, of which the first has this number."""
        if self.share >= 1.0:
            return X
        few: NDArray[Any] = X[self.keys.of(first, len(X)) < self.share]
        return few

    def count(self, n: int) -> int:
        """Return how many of n rows they are; O(n), no row is read."""
        if self.share >= 1.0:
            return n
        parts = (self.keys.of(at, min(_AT_ONCE, n - at)) for at in range(0, n, _AT_ONCE))
        return sum(int(np.count_nonzero(keys < self.share)) for keys in parts)


ALL_ROWS = RowShare(RowKeys(0), 1.0)


class RememberedShare:
    """A source that keeps the rows of a share, as it is read; so they need not be read again.

    Parameters
    ----------
    source : Source
    share : RowShare
    most : int
        Bytes of rows above which none are kept.

    Attributes
    ----------
    kept : ndarray (m, d) or None
        The rows, once all have been read.
    """

    def __init__(self, source: Source, share: RowShare, most: int) -> None:
        self.name, self.n, self.first = source.name, source.n, source.first
        self.columns, self.names = source.columns, source.names
        self.share, self.kept = share, None
        self._source, self._most = source, most

    kept: NDArray[Any] | None

    def blocks(self) -> Iterator[RowBlock]:
        """Yield all rows."""
        parts: list[NDArray[Any]] = []
        at, held = self.first, 0
        for block in self._source.blocks():
            if held <= self._most:
                parts.append(self.share.of(block.X, at))
                held += parts[-1].nbytes
            else:
                parts.clear()
            at += len(block.X)
            yield block
        if 0 < held <= self._most:
            self.kept = np.concatenate(parts)
