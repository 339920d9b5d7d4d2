"""A folder of records as people look at it: how far its streams are, and its latest rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from subsetopt.errors import InvalidFile

from . import _cursors
from ._record_blocks import RecordBlock
from ._segments import Skipped, segments
from .store import RecordStore


@dataclass(frozen=True)
class Progress:
    """How far a stream has come."""

    name: str
    windows: int
    """Finished ones."""
    records: int
    """In finished windows."""
    chosen: int
    unknown: int
    dropped: int
    """Skipped, as training could not keep up."""
    lost: int
    """Gone before they were read."""
    backlog: int
    """Records that wait, as far as the names of files tell."""
    pending: bool
    """Whether a window has been handed out and not been finished."""


def waiting(root: Path, positions: Mapping[str, int]) -> int:
    """Return how many records come after those positions, as far as the names of files tell."""
    reached = dict(positions)
    found = 0
    for one in segments(root):
        first = max(one.start, reached.get(one.writer, 0))  # what was dropped waits no more
        if one.stop > first:
            found += one.stop - first
            reached[one.writer] = one.stop
    return found


def streams(store: RecordStore, skipped: Skipped | None = None) -> list[Progress]:
    """Return the streams that have a cursor here, by name; damaged cursors go to `skipped`."""
    found = []
    for path in sorted((store.root / "cursors").glob("*.json")):
        try:
            held = _cursors.load(path)
            backlog = waiting(store.root, held.positions)
        except (InvalidFile, AttributeError, TypeError) as error:
            if skipped is not None:
                skipped.note("damaged", path, error)
            continue
        found.append(
            Progress(
                path.stem,
                held.windows,
                held.records,
                held.chosen,
                held.unknown,
                held.dropped,
                held.lost,
                backlog,
                held.pending is not None,
            )
        )
    return found


class RecordRow(NamedTuple):
    """One record."""

    time: float
    """Seconds since 1970."""
    writer: str
    id: Any
    loss: float | None
    """None where unknown."""
    model: str


class Tailing:
    """The latest records, and then those that come: ``Tailing(store)``.

    Losses are those that the records were written with.
    """

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._reached: dict[str, int] = {}

    def last(self, count: int) -> list[RecordRow]:
        """Return the `count` latest records, in order of time."""
        for one in segments(self._store.root):
            self._reached[one.writer] = max(self._reached.get(one.writer, 0), one.stop)
        after = {writer: max(0, stop - count) for writer, stop in self._reached.items()}
        return self._rows(self._store.blocks(after=after), count)

    def more(self) -> list[RecordRow]:
        """Return the records that have come since, in order of time."""
        return self._rows(self._store.blocks(after=self._reached))

    def _rows(self, blocks: Iterable[RecordBlock], count: int | None = None) -> list[RecordRow]:
        found: list[RecordRow] = []
        for block in blocks:
            end = int(block.sequence[-1]) + 1
            self._reached[block.writer] = max(self._reached.get(block.writer, 0), end)
            if count is not None and len(block) > count:
                block = block.taken(slice(len(block) - count, None))
            found += _rows_of(block)
        found.sort(key=lambda row: row.time)
        return found if count is None else found[len(found) - min(count, len(found)) :]


def _rows_of(block: RecordBlock) -> list[RecordRow]:
    assert block.losses is not None
    assert block.models is not None
    ids = block.ids if isinstance(block.ids, list) else block.ids.tolist()
    losses = [None if np.isnan(loss) else float(loss) for loss in block.losses]
    models = [block.versions[code] for code in block.models]
    writers = [block.writer] * len(block)
    return list(map(RecordRow, (block.times / 1e6).tolist(), writers, ids, losses, models))
