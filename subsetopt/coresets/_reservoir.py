"""Reservoir sample of rows that can be read only once."""

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem

from ._coreset_result import Coreset
from ._row_blocks import Source
from ._row_keys import RowKeys
from ._row_sources import ArrayRows, BlockRows
from ._surveying import SeenRows, Told

_PER_ROW = 8  # rows of memory for each that is kept: twice as many are held, and once more joined


class OnceRows(BlockRows):
    """Rows of blocks of an iterator, which gives them once."""

    def __init__(self, blocks: Any, name: str = "data") -> None:
        super().__init__(lambda: blocks, name)


@dataclass(frozen=True, eq=False)
class KeptRows:
    """What is chosen from: the source, or a sample where it can be read once.

    Parameters
    ----------
    source : Source
    rows : ndarray of int64 (m,) or None
        Where the rows of the sample stand among all, ascending; None where there is no sample.
    n : int
        All rows, of which it is a sample.
    seconds : float
        Of reading them.
    """

    source: Source
    rows: NDArray[np.int64] | None = None
    n: int = 0
    seconds: float = 0.0

    @property
    def message(self) -> str:
        """What to know of the sample; nothing where all rows are in it."""
        if self.rows is None or len(self.rows) == self.n:
            return ""
        return (
            f"{self.source.name} gave its rows once: a uniform sample of {len(self.rows)} of "
            f"{self.n} rows is in their place"
        )

    def among_all(self, chosen: Coreset, target: "KeptRows | None") -> Coreset:
        """Return a coreset of the sample as one of all rows."""
        both = [self] if target is None else [self, target]
        texts = [*(kept.message for kept in both), chosen.message]
        said = "; ".join(text for text in texts if text)
        spent = sum(kept.seconds for kept in both)
        seconds = {"reading": spent, **chosen.seconds} if spent else chosen.seconds
        if self.rows is None:
            return replace(chosen, message=said, seconds=seconds)
        rows = self.rows[chosen.indices]
        return replace(chosen, indices=rows, n=self.n, message=said, seconds=seconds)


def kept_rows(source: Source, limit: int, keys: RowKeys, told: Told) -> KeptRows:
    """Return the source, or where it can be read once a uniform sample of it; then O(n d).

    The sample has an eighth of `limit` bytes. It is held twice over while it is drawn and joined
    once more, so half the limit is enough for it.
    """
    if not isinstance(source, OnceRows):
        return KeptRows(source)
    start, seen = perf_counter(), None
    for block in source.blocks():
        if seen is None:
            size = limit // (_PER_ROW * block.X[:1].nbytes)
            seen = SeenRows(max(1, size), np.inf)
        seen.add(block, seen.moments.n, keys)
        told("survey", seen.moments.n, None)
    if seen is None:
        raise InvalidProblem(f"{source.name} has no rows")
    sample = seen.result()
    rows = ArrayRows(sample.X, source.name)
    return KeptRows(rows, sample.rows, sample.n, perf_counter() - start)
