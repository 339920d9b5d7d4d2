"""Rows of a table in parts that resemble each other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from subsetopt._options import keywords
from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem
from subsetopt.sequencing import Partition, partition
from subsetopt.sequencing._part_counts import random_partitions
from subsetopt.sequencing._part_labels import labellings, labels_of
from subsetopt.sequencing._part_units import Units, units_of

from ._part_comparison import compared_parts
from ._row_reading_options import RowReadingKeywords, RowReadingOptions
from ._row_split import RowSplit
from ._row_table import RowTable, texts_of
from ._split_request import SplitRequest
from ._table_columns import columns_of

DRAWS = 25
"""Random partitions of each kind, whose medians are the baselines of columns."""
_MMD_DRAWS = 10  # likewise of the MMD, which takes most of the time of a large table
_STREAM = 5  # of its own: other baselines draw from 1, 3 and 4
Progress = Callable[[int, int], None]


@keywords(RowReadingOptions)
def split_rows(
    table: Any,
    parts: Sequence[float] | None = None,
    *,
    folds: int | None = None,
    names: Sequence[str] | None = None,
    by: str | Sequence[str] = (),
    keep_together: str | None = None,
    part_column: str = "part",
    time_limit: float | None = None,
    seed: int = 0,
    **reading: Unpack[RowReadingKeywords],
) -> RowSplit:
    """Divide the rows of a table into parts that resemble each other and the whole.

    Parameters
    ----------
    table : str, path or table
        A text file (.csv, .tsv, .txt, possibly packed), .parquet, .xlsx or .ods; a data frame of
        pandas or polars, or a `pyarrow.Table`; ``example:earthquakes`` comes with the package.
    parts : sequence of float, optional
        Shares that sum to 1, percentages that sum to 100, or counts that sum to n.
    folds : int, optional
        In [2, n]: as many parts of equal size, in place of `parts`.
    names : sequence of str, optional
        Of the parts; None is train and test, or train, validation and test, and numbers from 1 for
        folds and for more parts.
    by : str or sequence of str
        Columns whose categories are as frequent in each part as in the whole: every count is within
        one of proportional, of several columns as near as a local search comes.
    keep_together : str, optional
        A column of groups, such as patients, each of which goes into one part as a whole. It is
        not compared by, unless `columns` names it.
    part_column : str
        What the column with the names of the parts is called in the table that is given back.
    time_limit : float, optional
        Seconds for the search; None searches until no swap helps.
    seed : int
    **reading

    Returns
    -------
    RowSplit

    Raises
    ------
    InvalidFile, InvalidOption, InvalidProblem
        Naming the column, the row or the line, and the fix.

    Notes
    -----
    As `subsetopt.partition`: O(n^2 d) time, and never more than a block of the kernel matrix.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"age": [30, 31, 50, 51], "plan": ["a", "b", "a", "b"]})
    >>> split = split_rows(table, [50, 50], by="plan")
    >>> split.names, split.sizes.tolist()
    (('train', 'test'), [2, 2])
    >>> sorted(split.rows("test").column("plan").to_pylist())
    ['a', 'b']
    """
    options = RowReadingOptions(**reading)  # type: ignore[arg-type]
    asked = SplitRequest(
        parts=None if parts is None else tuple(parts),
        folds=folds,
        names=None if names is None else tuple(names),
        by=(by,) if isinstance(by, str) else tuple(by),
        keep_together=keep_together,
        part_column=part_column,
        time_limit=time_limit,
        seed=seed,
    )
    return split_table(options.read(table), options, asked)


def split_table(
    rows: RowTable,
    options: RowReadingOptions,
    asked: SplitRequest,
    progress: Progress | None = None,
) -> RowSplit:
    """Divide the rows of a table that has been read; see `split_rows`."""
    if len(rows) < 2:
        raise InvalidProblem(f"{rows.name}: has one row; there is nothing to divide")
    sizes = asked.sizes(len(rows), rows.name)
    names = asked.part_names(len(sizes))
    if asked.part_column in rows.columns:
        raise InvalidOption(
            f"{rows.name} has a column {asked.part_column!r} already; give another name for the "
            "column of parts (part_column, --part-column)"
        )
    together = None
    if asked.keep_together is not None:
        together = _groups(rows, asked.keep_together)
        if asked.keep_together not in (options.columns or ()):
            options = replace(options, ignore=(*options.ignore, asked.keep_together))
    labels = {name: _classes(rows, name) for name in asked.by}
    reading = options.reading(rows, asked.by)
    result = partition(
        reading.features.matrix,
        sizes,
        balance=labels or None,
        keep_together=together,
        scale_columns="none",
        seed=asked.seed,
        time_limit=asked.time_limit,
        progress=progress,
        full_output=True,
        draws=_MMD_DRAWS,
    )
    baselines = _Baselines.of(len(rows), labels, together, result, asked.seed)
    random, stratified = baselines.random(), baselines.stratified()
    columns = reading.features.columns
    compared = compared_parts(columns, result.parts, len(sizes), random, stratified)
    return RowSplit(
        **reading.read(),
        parts=result.parts,
        names=names,
        partition=result,
        columns=compared,
        by=tuple(asked.by),
        keep_together=asked.keep_together,
        part_column=asked.part_column,
    )


def _classes(rows: RowTable, name: str) -> NDArray[Any]:
    """Return the labels of a column to balance; a missing one is a class of its own."""
    labels = _texts(rows, name)
    count = len(set(labels.tolist()))
    if 2 * count > len(rows):
        raise InvalidOption(
            f"by names column {name!r}, which has {count:,} different values in {len(rows):,} "
            "rows, so that there is nothing to balance; leave it out, or "
            "put its values into bins first"
        )
    return labels


def _texts(rows: RowTable, name: str) -> NDArray[Any]:
    if name not in rows.columns:
        columns_of(rows, wanted=[name])  # which says so
    return texts_of(rows, name)


def _groups(rows: RowTable, name: str) -> NDArray[Any]:
    labels = _texts(rows, name)
    missing = np.flatnonzero(labels == "")
    if missing.size:
        raise InvalidFile(
            f"{rows.name}: column {name!r} names what stays together, but on "
            f"{rows.row(int(missing[0]))} there is no value ({missing.size:,} such rows); fill "
            "them in, or drop these rows"
        )
    return labels


@dataclass(frozen=True, eq=False)
class _Baselines:
    """Random partitions with the sizes of one that was searched for."""

    plain: Units
    balanced: Units | None
    sizes: NDArray[np.int64]
    seed: int

    @classmethod
    def of(
        cls,
        n: int,
        labels: dict[str, NDArray[Any]],
        together: NDArray[Any] | None,
        result: Partition,
        seed: int,
    ) -> "_Baselines":
        groups = None if together is None else labels_of("keep_together", together, n)
        balanced = units_of(n, labellings(labels, n), groups) if labels else None
        return cls(units_of(n, [], groups), balanced, result.asked, seed)

    def random(self) -> Iterator[NDArray[np.int64]]:
        yield from self._drawn(self.plain, 0)

    def stratified(self) -> Iterator[NDArray[np.int64]] | None:
        return None if self.balanced is None else self._drawn(self.balanced, 1)

    def _drawn(self, units: Units, stream: int) -> Iterator[NDArray[np.int64]]:
        generator = np.random.default_rng([self.seed, _STREAM, stream])
        for parts in random_partitions(units, self.sizes, DRAWS, generator):
            yield units.of_rows(parts)
