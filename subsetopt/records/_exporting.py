"""Export of records as one file, with losses joined from late labels."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._csv_cells import safe_table
from subsetopt._files import replacing, suffix_of
from subsetopt.errors import InvalidOption

from ._layout import arrow
from ._record_blocks import RecordBlock
from .latest import Labels, LatestLosses, LossOf
from .store import RecordStore


class Joined:
    """Joins blocks with the labels that have arrived by now, held in memory by their ids.

    Parameters
    ----------
    store : RecordStore
    loss_of : callable, optional
        As `LatestLosses` takes it.
    """

    def __init__(self, store: RecordStore, loss_of: LossOf | None = None) -> None:
        self._labels = Labels(store.root, store.layout)
        self._loss_of = self._labels.loss_of(loss_of)
        self.columns = ("loss",) if self._loss_of is None else ("loss", "outputs")
        """Columns that a block needs."""
        if self._loss_of is not None:
            self._labels.refresh()

    def losses(self, block: RecordBlock) -> NDArray[np.float32]:
        """Return the losses (m,), NaN where unknown."""
        return self._labels.joined(block, self._loss_of)


SUFFIXES = (".parquet", ".csv", ".jsonl")
Put = Callable[[Any], None]
_IDS = 1_048_576


def export(
    store: RecordStore,
    path: str | os.PathLike[str],
    *,
    since: float | None = None,
    until: float | None = None,
    writer: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write records to a file, whole or not at all; return how many.

    Memory is that of one row group, and of the labels where losses are made of them.

    Parameters
    ----------
    store : RecordStore
    path : path
        Its suffix names the format: .parquet, .csv or .jsonl.
    since, until : float, optional
        Seconds since 1970: the first time that is wanted, and the first that is not any more.
    writer : str, optional
        Only its records.
    progress : callable, optional
        Called with the number of records read so far.

    Raises
    ------
    InvalidOption
        For another suffix, or a writer that has recorded nothing here.
    OSError
        If the file cannot be written.
    """
    suffix = suffix_of(path, SUFFIXES)
    if writer is not None:
        _require_writer(store, writer)
    joined, schema = Joined(store), _schema(store)
    read = written = 0
    with replacing(path) as stream, _sink(stream, suffix, schema) as put:
        for block in store.blocks((*joined.columns, "model")):
            read += len(block)
            if writer in (None, block.writer):
                low = 0 if since is None else np.searchsorted(block.times, since * 1e6)
                high = len(block) if until is None else np.searchsorted(block.times, until * 1e6)
                if low < high:
                    kept = block.taken(slice(int(low), int(high)))
                    put(_table(kept, joined, schema))
                    written += len(kept)
            if progress is not None:
                progress(read)
    return written


def export_latest(store: RecordStore, path: str | os.PathLike[str]) -> int:
    """Write one row for each id with its latest loss, where one is known; return how many.

    Memory grows with the number of ids. Raises as `export` does.
    """
    suffix = suffix_of(path, SUFFIXES)
    pa = arrow()
    fields = [_schema(store).field(name) for name in ("id", "time", "model", "loss")]
    schema = pa.schema(fields)
    latest = LatestLosses(store)
    written = 0
    with replacing(path) as stream, _sink(stream, suffix, schema) as put:
        latest.refresh()
        ids = latest.ids.keys()
        for start in range(0, len(ids), _IDS):
            part = ids[start : start + _IDS]
            found = latest.lookup(part)
            rows = np.nonzero(found.known)[0]
            times = pa.array(np.round(found.times[rows] * 1e6).astype(np.int64))
            columns = {
                "id": [part[p] for p in rows] if isinstance(part, list) else part[rows],
                "time": times.view(schema.field("time").type),
                "model": found.models[rows],
                "loss": found.losses[rows],
            }
            put(pa.table(columns, schema=schema))
            written += len(rows)
    return written


def _require_writer(store: RecordStore, writer: str) -> None:
    known = store.info().writers
    if writer not in known:
        names = ", ".join(sorted(known)) or "none"
        raise InvalidOption(f"no writer {writer!r} has recorded here; there is {names}")


def _schema(store: RecordStore) -> Any:
    pa = arrow()
    own = store.layout.records()
    return pa.schema(
        [
            own.field("id"),
            own.field("time"),
            pa.field("writer", pa.string(), nullable=False),
            own.field("sequence"),
            pa.field("model", pa.string(), nullable=False),
            own.field("loss"),
        ]
    )


def _table(block: RecordBlock, joined: Joined, schema: Any) -> Any:
    pa = arrow()
    losses = joined.losses(block)
    columns = {
        "id": pa.array(block.ids, schema.field("id").type),
        "time": pa.array(block.times).view(schema.field("time").type),
        "writer": pa.repeat(block.writer, len(block)),
        "sequence": pa.array(block.sequence),
        "model": pa.array(block.versions, pa.string()).take(pa.array(block.models)),
        "loss": pa.array(losses, mask=np.isnan(losses)),
    }
    return pa.table(columns, schema=schema)


@contextmanager
def _sink(stream: Any, suffix: str, schema: Any) -> Iterator[Put]:
    if suffix == ".jsonl":
        yield lambda table: stream.writelines(_lines(table))
        return
    if suffix == ".csv":
        with arrow("csv").CSVWriter(stream, schema) as writer:
            yield lambda table: writer.write_table(safe_table(table))
        return
    with arrow("parquet").ParquetWriter(stream, schema, compression="zstd") as writer:
        yield writer.write_table


def _lines(table: Any) -> Iterator[bytes]:
    for batch in table.to_batches(max_chunksize=65_536):
        for row in batch.to_pylist():
            row["time"] = row["time"].isoformat()
            yield (json.dumps(row) + "\n").encode()
