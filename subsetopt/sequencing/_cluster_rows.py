"""The engine whose row sums the workers of a cluster add up, each over some rows of the matrix."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.coresets._kernel_means import sums_with
from subsetopt.coresets._reading_engines import Done, engine_of
from subsetopt.coresets._row_blocks import RowBlock, Source
from subsetopt.coresets._row_parts import RowPart, cuts
from subsetopt.problems import Kernel
from subsetopt.problems._memory import in_units

from ._rows_engine import RowsEngine, require_features

_PARTS, _FEWEST = 128, 512  # of the rows, and rows of a part at least
_BAND = 1024  # rows whose sums are computed at once


class Span:
    """Some rows, known by their number alone: the workers hold the points."""

    name = "X"
    columns: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    first = 0

    def __init__(self, n: int) -> None:
        self.n: int | None = n

    def blocks(self) -> Iterator[RowBlock]:
        """Yield nothing: there is nothing to be read."""
        return iter(())

    def partitions(self, engine: str) -> list[RowPart]:
        """Return as many parts as keep a cluster busy."""
        assert self.n is not None
        size = max(_FEWEST, -(-self.n // _PARTS))
        counts = [part.stop - part.start for part in cuts(self.n, size)]
        return [RowPart(Span, count, count) for count in counts]


class ClusterRows(RowsEngine):
    """Rows from the features, computed here; the sums of all of them by a cluster.

    The sums are O(n^2 d), all else O(n d) for each point that is chosen. Each worker gets the
    features once.

    Parameters
    ----------
    name : str
        The kind of cluster, as `coreset` names its engines.
    scheduler : object, optional
        Its address or a client; None is the one there is.
    """

    def __init__(
        self, name: str, X: NDArray[Any], kernel: Kernel, threads: int | None, scheduler: Any
    ) -> None:
        super().__init__(X, kernel, threads)
        self.name, self._scheduler = name, scheduler

    def row_sums(self, told: Callable[[int, int], None] | None = None) -> NDArray[np.float64]:
        """Return the row sums of K (n,), added up by the workers once."""
        if self._sums is None:
            work = partial(part_sums, kernel=self.kernel, X=self.X)
            rows: Source = Span(self.n)
            with engine_of(self.name, self._scheduler) as cluster:
                parts = cluster.over(rows, work, partial(_tell, told, self.n))
                self._sums = np.concatenate(list(parts))
        return self._sums

    def describe(self) -> str:
        """Return one line: what it is, and its memory here and on each worker."""
        return f"{super().describe()}; sums by {self.name}, {in_units(2 * self.X.nbytes)} a worker"


def _of_cluster(name: str) -> Callable[..., ClusterRows]:
    def made(
        X: NDArray[Any],
        kernel: Kernel,
        *,
        memory: int | None,
        threads: int | None,
        seed: int,
        scheduler: Any = None,
    ) -> ClusterRows:
        require_features(X, memory)
        return ClusterRows(name, X, kernel, threads, scheduler)

    return made


dask_rows, ray_rows = _of_cluster("dask"), _of_cluster("ray")


def part_sums(source: Source, done: Done, *, kernel: Kernel, X: NDArray[Any]) -> NDArray[Any]:
    """Return the sums of some rows of K(X, X); runs on a worker."""
    assert source.n is not None
    parts = cuts(source.n, _BAND)
    rows = [X[source.first + part.start : source.first + part.stop] for part in parts]
    return np.concatenate([sums_with(kernel, some, [X], threads=1)[0] for some in rows])


def _tell(told: Callable[[int, int], None] | None, n: int, rows: int) -> None:
    if told is not None:
        told(rows, n)
