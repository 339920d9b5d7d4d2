"""Compaction and retention of segments, while writers write and readers read."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import time as now
from typing import Any

from subsetopt._checks import require_flag, require_integer, require_number
from subsetopt._files import locked

from ._compaction import merge_across, merge_neighbours
from ._layout import Layout
from ._segment_files import Skipped, remove_unfinished
from ._segments import (
    LABELS,
    RECORDS,
    SHARED,
    Segment,
    files_of,
    folder_of,
    folders,
    segments,
    shared,
    superseded,
)
from ._writer_state import keep_sequence, keep_writers, remove_ended, times_of

KINDS = (RECORDS, LABELS)
_Timed = tuple[int, list[Segment], int]
"""The time of the last record of a file, its segments, and how many records it holds."""


@dataclass(frozen=True)
class Compacted:
    """Result of a compaction."""

    files_before: int
    files: int
    bytes_before: int
    bytes: int


@dataclass(frozen=True)
class Dropped:
    """Segments dropped by a retention."""

    files: int
    records: int
    bytes: int


def compact(root: Path, layout: Layout, rows: int, across_writers: bool = False) -> Compacted:
    """Merge neighbouring segments of each writer, or of all, into ones of at most `rows` records.

    A merged file says what it holds before those that it was made of are removed, so that readers
    of this library count each record once at any time; other readers may for a moment see records
    twice, which ``sequence`` and the writer tell apart.
    """
    require_integer("rows", rows, "[1, inf)")
    require_flag("across_writers", across_writers)
    merge = merge_across if across_writers else merge_neighbours
    lock = _alone(root)
    try:
        before = list(_files(root))
        skipped = Skipped()
        for kind in KINDS:
            _clean(root, kind, layout)
            merge(root, kind, layout, rows, skipped)
            if across_writers:
                remove_ended(root / kind)
        after = list(_files(root))
    finally:
        lock.release()
    return Compacted(len(before), len(after), sum(before), sum(after))


def retain(root: Path, layout: Layout, max_age: float | None, max_records: int | None) -> Dropped:
    """Drop whole segments: those older than `max_age` seconds, and the oldest beyond a number.

    A segment goes when its last record is too old, or when the records after it are enough; so more
    is kept than asked for, never less. Labels go by age alone, with the records of their time.
    """
    require_number("max_age", max_age, "(0, inf]", none=True, unit="seconds")
    require_integer("max_records", max_records, "[0, inf)", none=True)
    lock = _alone(root)
    try:
        dropped = Dropped(0, 0, 0)
        oldest = None if max_age is None else int((now() - max_age) * 1e6)
        for kind in KINDS:
            _clean(root, kind, layout)
            timed = _timed(segments(root, kind), layout)
            timed.sort(key=lambda one: (one[0], one[1]))
            keep = max_records if kind == RECORDS else None
            after = sum(count for _, _, count in timed)
            old: list[_Timed] = []
            for one in timed:
                after -= one[2]
                if (oldest is not None and one[0] < oldest) or (keep is not None and after >= keep):
                    old.append(one)
            keep_writers(root / kind, _reached(old))
            for _, held, count in old:
                dropped = _drop(held[0].path, count, dropped)
    finally:
        lock.release()
    return dropped


def _alone(root: Path) -> Any:
    return locked(root / ".maintenance.lock", f"another process compacts {root} or drops from it")


def _clean(root: Path, kind: str, layout: Layout) -> None:
    """Remove what a merge that was killed has left: a file begun, and files merged already."""
    for folder in (*folders(root / kind), folder_of(root, kind, SHARED)):
        remove_unfinished(folder, "merge")
    inside = superseded(root, kind)
    if not inside:
        return
    skipped = Skipped()
    wide: dict[str, list[Segment]] = {}
    for held, _ in files_of(segments(root, kind), layout, skipped):
        for one in held:
            wide.setdefault(one.writer, []).append(one)
    gone = [one for one in inside if any(_holds(other, one) for other in wide.get(one.writer, ()))]
    parts = Counter(one.path for one in shared(root / kind))
    done = Counter(one.path for one in gone)
    keep_writers(root / kind, _reached(_timed(sorted(gone), layout)))
    for path, count in done.items():
        if count >= parts.get(path, 1):
            path.unlink(missing_ok=True)


def _holds(wide: Segment, one: Segment) -> bool:
    return wide.path != one.path and wide.start <= one.start and one.stop <= wide.stop


def _reached(timed: list[_Timed]) -> dict[str, tuple[int, int]]:
    """Return the number and the time that writers have reached in files of their own."""
    own = [(one, last) for last, held, _ in timed for one in held if one.rows is None]
    return {one.writer: (one.stop, last) for one, last in sorted(own)}


def _timed(found: list[Segment], layout: Layout) -> list[_Timed]:
    """Return the time of the last record of each file, its segments, and how many it holds."""
    skipped, timed = Skipped(), []
    for held, file in files_of(found, layout, skipped):
        times = times_of(file, held[0].path, skipped)
        if times is not None:  # else it is kept: it may be the newest
            timed.append((times[1], held, file.metadata.num_rows))
    return timed


def _drop(path: Path, count: int, dropped: Dropped) -> Dropped:
    keep_sequence(path.parent, int(path.stem.partition("-")[2]))
    size = path.stat().st_size
    path.unlink(missing_ok=True)
    return Dropped(dropped.files + 1, dropped.records + count, dropped.bytes + size)


def _files(root: Path) -> Iterator[int]:
    for kind in KINDS:
        for path in {one.path for one in segments(root, kind)}:
            yield path.stat().st_size
