"""Blocks of records, each of them once, whatever is written or merged meanwhile."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._layout import Layout, arrow
from ._segments import RECORDS, Segment, Skipped, opened, require_its_fault, segments

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
    """
    reached = dict(after or {})
    own = Skipped()
    counted = own if skipped is None else skipped
    for _ in range(_TIMES):
        wanted = [
            one
            for one in segments(root, kind, counted, writers)
            if one.stop > reached.get(one.writer, 0)
        ]
        try:
            for segment in wanted:
                yield from _of(segment, layout, columns, reached, counted)
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


def _of(
    segment: Segment,
    layout: Layout,
    columns: Sequence[str],
    reached: dict[str, int],
    skipped: Skipped,
) -> Iterator[RecordBlock]:
    file = opened(segment, layout, skipped)
    if file is None:
        return
    names = ["id", "sequence", "time", *columns]
    with file:
        for group in range(file.num_row_groups):
            try:
                table = file.read_row_group(group, columns=names)
                block = _block(segment.writer, table, columns)
            except Exception as error:  # columns may be missing, or of any other type
                require_its_fault(error)
                skipped.note("damaged", segment.path, error)
                return
            first = reached.get(segment.writer, 0)
            if len(block) and block.sequence[0] < first:
                block = block.taken(slice(int(np.searchsorted(block.sequence, first)), None))
            if len(block):
                yield block
                reached[segment.writer] = int(block.sequence[-1]) + 1


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
