"""Cursors of streams on disk, how far each has come, and the latest rows of a folder."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from subsetopt._files import replacing
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats._declared import declared
from subsetopt.formats._documents import read_json

from ._record_blocks import RecordBlock
from ._segment_files import Skipped
from ._segments import segments
from .store import RecordStore

_VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass
class Cursor:
    """The state of a stream, as a file holds it."""

    positions: dict[str, int] = field(default_factory=dict)
    """For each writer the number of the first record that no finished window has."""
    pending: dict[str, Any] | None = None
    """The window that has been handed out and not been finished: where it ends, what is chosen."""
    windows: int = 0
    """Finished ones."""
    records: int = 0
    """In finished windows."""
    chosen: int = 0
    """Of these."""
    unknown: int = 0
    """Of the records of windows: those without a loss that is known, or is young enough."""
    dropped: int = 0
    """Skipped, as training could not keep up."""
    lost: int = 0
    """Gone before they were read: dropped by a retention, or in files that cannot be read."""

    def to_json(self) -> dict[str, Any]:
        """Return it as what JSON holds."""
        return {"version": _VERSION, **asdict(self)}

    @classmethod
    def of_json(cls, held: Any, where: str) -> "Cursor":
        """Read what `to_json` returned."""
        if not isinstance(held, dict) or held.get("version") != _VERSION:
            raise InvalidFile(f"{where} is not a cursor of a stream, or of another version")
        try:
            values = {name: one for name, one in held.items() if name != "version"}
            found = declared(cls, values, "cursor")
            counts = asdict(found)
            pending = found.pending
            if pending is not None:
                window = declared(_Pending, pending, "window")
                counts |= {f"{name} of pending": value for name, value in asdict(window).items()}
            _require_counts(counts)
        except InvalidFile as error:
            raise InvalidFile(f"{where} is not a cursor of a stream: {error}") from None
        return found


@dataclass(frozen=True)
class _Pending:
    """A window at hand, as a file holds it."""

    positions: dict[str, int]
    records: int
    lost: int
    unknown: int
    chosen: dict[str, list[int]]


def _require_counts(values: object) -> None:
    """Raise InvalidFile if a number in what JSON can hold is negative."""
    if isinstance(values, dict):
        values = list(values.values())
    if isinstance(values, list):
        for value in values:
            _require_counts(value)
    elif isinstance(values, int) and values < 0:
        raise InvalidFile(f"its counts must be >= 0; got {values}")


def path_of(root: Path, name: str) -> Path:
    """Return where the cursor of that name lies."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidOption(
            f"the stream's name must be at most 100 letters, digits, '.', '_' and '-', a letter or "
            f"digit first; got {name!r}"
        )
    return root / "cursors" / f"{name}.json"


def load(path: Path) -> Cursor:
    """Read a cursor; a new one where there is none.

    Raises
    ------
    InvalidFile
        If what is there is no cursor.
    """
    if not os.path.lexists(path):
        return Cursor()
    try:
        held = read_json(path)
    except InvalidFile as error:
        raise InvalidFile(f"{path} is not a cursor of a stream: {error}") from None
    return Cursor.of_json(held, str(path))


def save(path: Path, cursor: Cursor) -> None:
    """Write a cursor, whole or not at all."""
    with replacing(path) as stream:
        stream.write(json.dumps(cursor.to_json()).encode())


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
            held = load(path)
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
