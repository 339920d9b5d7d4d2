"""Blocks of records, each of them once, whatever is written or merged meanwhile."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._layout import Layout, arrow
from ._segment_files import Skipped, opened, require_its_fault
from ._segments import RECORDS, Segment, segments

Array = NDArray[Any]
_TIMES = 100
"""How often the list of segments is made again before a missing file is an error."""


@dataclass(frozen=True)
class RecordBlock:
    """Consecutive records of one writer, or of its labels; None for columns not asked for."""

    writer: str
    sequence: Array
    """int64, (m,), rising."""
    ids: Any
    """int64 (m,), or a list of str."""
    times: Array
    """int64, (m,): microseconds since 1970."""
    losses: Array | None = None
    """float32, (m,), NaN where unknown."""
    models: Array | None = None
    """int32, (m,): places in `versions`."""
    versions: tuple[str, ...] = ()
    outputs: Array | None = None
    """float32, (m, d), NaN where there are none."""
    features: Array | None = None
    labels: Array | None = None
    """float64, (m,)."""

    def __len__(self) -> int:
        return len(self.sequence)

    def taken(self, rows: slice | Array) -> "RecordBlock":
        """Return some of the rows."""

        def some(values: Any) -> Any:
            if values is None:
                return None
            if isinstance(values, list):
                return values[rows] if isinstance(rows, slice) else [values[p] for p in rows]
            return values[rows]

        return RecordBlock(
            self.writer,
            some(self.sequence),
            some(self.ids),
            some(self.times),
            some(self.losses),
            some(self.models),
            self.versions,
            some(self.outputs),
            some(self.features),
            some(self.labels),
        )


def blocks(
    root: Path,
    layout: Layout,
    columns: Sequence[str],
    *,
    kind: str = RECORDS,
    writers: Collection[str] | None = None,
    after: Mapping[str, int] | None = None,
    skipped: Skipped | None = None,
    groups: "RowGroups | None" = None,
) -> Iterator[RecordBlock]:
    """Yield all records from those numbers on, writer by writer, each block of one row group.

    Parameters
    ----------
    columns : sequence of {"loss", "model", "outputs", "features", "label"}
        Besides the ids, times and numbers, which are always read.
    writers : collection of str, optional
        Only these.
    after : mapping, optional
        For each writer the number of the first record that is wanted; 0 for others.
    skipped : Skipped, optional
        Counts the files that are left out.
    groups : RowGroups, optional
        Of those who ask for one writer after another, always for the same columns.
    """
    reached = dict(after or {})
    own = Skipped()
    counted = own if skipped is None else skipped
    held = RowGroups() if groups is None else groups
    for _ in range(_TIMES):
        wanted = [
            one
            for one in segments(root, kind, counted, writers)
            if one.stop > reached.get(one.writer, 0)
        ]
        try:
            for segment in wanted:
                for block in _of(segment, layout, columns, held, counted):
                    if (new := _from(block, reached.get(segment.writer, 0))) is not None:
                        yield new
                        reached[segment.writer] = int(new.sequence[-1]) + 1
                reached[segment.writer] = segment.stop
            return
        except FileNotFoundError as error:  # merged or dropped since it was listed
            missing = error
    raise missing


def concatenated(parts: list[RecordBlock], writer: str) -> RecordBlock:
    """Return blocks one after another, as one."""
    if len(parts) == 1:
        return parts[0]

    def joined(name: str, empty: Any) -> Any:
        values = [getattr(part, name) for part in parts]
        if not values:
            return empty
        if isinstance(values[0], list):
            return [one for value in values for one in value]
        return None if values[0] is None else np.concatenate(values)

    versions = tuple(dict.fromkeys(name for part in parts for name in part.versions))
    codes = [
        np.array([versions.index(name) for name in part.versions], np.int32)[part.models]
        for part in parts
        if part.models is not None
    ]
    return RecordBlock(
        writer,
        joined("sequence", np.empty(0, np.int64)),
        joined("ids", np.empty(0, np.int64)),
        joined("times", np.empty(0, np.int64)),
        joined("losses", np.empty(0, np.float32)),
        np.concatenate(codes) if codes else None,
        versions,
        joined("outputs", None),
        joined("features", None),
    )


class RowGroups:
    """The row group of a shared file that was read last: others have their records next to it."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._ends: list[int] = []
        self._number = -1
        self._block: RecordBlock | None = None

    def rows(
        self, segment: Segment, layout: Layout, columns: Sequence[str], skipped: Skipped
    ) -> Iterator[RecordBlock]:
        """Yield a segment of a shared file, in one block for each row group."""
        if self._path != segment.path and not self._open(segment.path, layout, skipped):
            return
        first, last = segment.first, segment.first + (segment.rows or 0)
        number = bisect_right(self._ends, first)
        while first < last:
            if number == len(self._ends):
                raise ValueError(f"it ends before row {last}")
            end = min(last, self._ends[number])
            group = self._group(number, layout, columns, skipped)
            if group is None:
                return
            start = self._ends[number - 1] if number else 0
            # Copied, as each writer's part would keep the whole group in memory.
            part = group.taken(np.arange(first - start, end - start))
            yield replace(part, writer=segment.writer)
            first, number = end, number + 1

    def _open(self, path: Path, layout: Layout, skipped: Skipped) -> bool:
        file = opened(path, layout, skipped)
        if file is None:
            return False
        with file:
            counts = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
        self._path, self._ends, self._number = path, list(accumulate(counts)), -1
        return True

    def _group(
        self, number: int, layout: Layout, columns: Sequence[str], skipped: Skipped
    ) -> RecordBlock | None:
        if self._number != number:
            assert self._path is not None
            file = opened(self._path, layout, skipped)
            if file is None:
                return None
            with file:
                table = file.read_row_group(number, columns=["id", "sequence", "time", *columns])
                self._block, self._number = _block("", table, columns), number
        return self._block


def _from(block: RecordBlock, first: int) -> RecordBlock | None:
    """Return the records from that number on; None for none."""
    if len(block) and block.sequence[0] < first:
        block = block.taken(slice(int(np.searchsorted(block.sequence, first)), None))
    return block if len(block) else None


def _of(
    segment: Segment, layout: Layout, columns: Sequence[str], groups: RowGroups, skipped: Skipped
) -> Iterator[RecordBlock]:
    """Yield the records of a segment; what cannot be read is left out, and counted."""
    own = _own(segment, layout, columns, skipped)
    source = own if segment.rows is None else groups.rows(segment, layout, columns, skipped)
    while True:
        try:
            block = next(source, None)
        except FileNotFoundError:
            raise
        except Exception as error:  # columns may be missing, or of any other type
            require_its_fault(error)
            skipped.note("damaged", segment.path, error)
            return
        if block is None:
            return
        yield block


def _own(
    segment: Segment, layout: Layout, columns: Sequence[str], skipped: Skipped
) -> Iterator[RecordBlock]:
    file = opened(segment.path, layout, skipped)
    if file is None:
        return
    names = ["id", "sequence", "time", *columns]
    with file:
        for group in range(file.num_row_groups):
            yield _block(segment.writer, file.read_row_group(group, columns=names), columns)


def _block(writer: str, table: Any, columns: Sequence[str]) -> RecordBlock:
    pa = arrow()
    ids = table.column("id")
    held: dict[str, Any] = {
        "sequence": _numbers(table.column("sequence")),
        "ids": ids.to_pylist() if pa.types.is_string(ids.type) else _numbers(ids),
        "times": _numbers(table.column("time").cast(pa.int64())),
    }
    if "loss" in columns:
        held["losses"] = _numbers(table.column("loss"))
    if "model" in columns:
        model = table.column("model").unify_dictionaries().combine_chunks()
        if isinstance(model, pa.ChunkedArray):
            model = model.chunk(0) if model.num_chunks else pa.array([], model.type)
        held["models"] = _numbers(model.indices).astype(np.int32)
        held["versions"] = tuple(model.dictionary.to_pylist())
    if "label" in columns:
        held["labels"] = _numbers(table.column("label"))
    for name in ("outputs", "features"):
        if name in columns:
            held[name] = _vectors(table.column(name))
    return RecordBlock(writer, **held)


def _numbers(column: Any) -> Array:
    chunked = hasattr(column, "chunks")
    values: Array = column.to_numpy() if chunked else column.to_numpy(zero_copy_only=False)
    return values


def _vectors(column: Any) -> Array:
    array = column.combine_chunks()
    width = array.type.list_size
    values = array.values.to_numpy(zero_copy_only=False)
    values = values[array.offset * width : (array.offset + len(array)) * width]
    found: Array = values.reshape(len(array), width)
    if array.null_count:
        found = found.copy()
        found[array.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return found
