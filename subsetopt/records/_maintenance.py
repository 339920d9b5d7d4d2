"""Compaction and retention of segments, while writers write and readers read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import time as now
from typing import Any

from subsetopt._checks import require_integer, require_number
from subsetopt._files import locked

from ._layout import Layout, arrow
from ._segments import (
    LABELS,
    RECORDS,
    Segment,
    Skipped,
    file_of,
    files_of,
    folders,
    opened,
    remove_unfinished,
    require_its_fault,
    segments,
    superseded,
    write,
)
from ._writer_state import keep_sequence, times_of

KINDS = (RECORDS, LABELS)
_ROWS, _BYTES = 2**18, 2**26
"""Of a row group of a merged file, about."""


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


def compact(root: Path, layout: Layout, rows: int) -> Compacted:
    """Merge neighbouring segments of each writer into ones of at most `rows` records.

    A merged file is named after what it holds before those that it was made of are removed, so
    that readers of this library count each record once at any time; other readers may for a moment
    see records twice, which ``sequence`` tells apart.
    """
    require_integer("rows", rows, "[1, inf)")
    lock = _alone(root)
    try:
        before = list(_files(root))
        skipped = Skipped()
        for kind in KINDS:
            _clean(root, kind, layout)
            sound = _sound(segments(root, kind), layout, skipped)
            for group in _groups(sound, rows):
                _merge(group, layout, skipped)
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
            for last, segment, count in timed:
                after -= count
                if (oldest is not None and last < oldest) or (keep is not None and after >= keep):
                    dropped = _drop(segment, count, dropped)
    finally:
        lock.release()
    return dropped


def _alone(root: Path) -> Any:
    return locked(root / ".maintenance.lock", f"another process compacts {root} or drops from it")


def _clean(root: Path, kind: str, layout: Layout) -> None:
    """Remove what a merge that was killed has left: a file begun, and files merged already."""
    for folder in folders(root / kind):
        remove_unfinished(folder, "merge")
    inside = superseded(root, kind)
    if not inside:
        return
    wide = _sound(segments(root, kind), layout, Skipped())
    for one in inside:
        if any(_holds(other, one) for other in wide):
            one.path.unlink(missing_ok=True)


def _sound(found: Iterable[Segment], layout: Layout, skipped: Skipped) -> list[Segment]:
    return [segment for segment, _ in files_of(found, layout, skipped)]


def _holds(wide: Segment, one: Segment) -> bool:
    within = wide.start <= one.start and one.stop <= wide.stop
    return wide != one and wide.writer == one.writer and within


def _groups(found: list[Segment], rows: int) -> Iterator[list[Segment]]:
    """Yield runs of two or more segments that follow each other and hold `rows` at most."""
    group: list[Segment] = []
    for segment in found:
        fits = (
            group
            and group[-1].writer == segment.writer
            and group[-1].stop == segment.start
            and segment.stop - group[0].start <= rows
        )
        if not fits:
            if len(group) > 1:
                yield group
            group = []
        group.append(segment)
    if len(group) > 1:
        yield group


class _Spoiled(Exception):
    """A file of a group cannot be read, or is gone."""


def _merge(group: list[Segment], layout: Layout, skipped: Skipped) -> None:
    kind = group[0].path.parent.parent.name
    schema = layout.records() if kind == RECORDS else layout.labels()
    target = file_of(group[0].path.parent, group[0].start, group[-1].stop)
    try:
        write(_joined(group, layout, skipped), schema, target, durable=True, suffix="merge")
    except _Spoiled:
        return  # a damaged file stays what it is, for whoever can repair it
    for segment in group:
        segment.path.unlink(missing_ok=True)


def _joined(group: list[Segment], layout: Layout, skipped: Skipped) -> Iterator[Any]:
    """Yield the records of a group in tables that are neither small nor more than memory holds."""
    pa = arrow()
    held: list[Any] = []
    rows = size = 0
    for table in _tables(group, layout, skipped):
        held.append(table)
        rows, size = rows + len(table), size + table.nbytes
        if rows >= _ROWS or size >= _BYTES:
            yield pa.concat_tables(held).unify_dictionaries().combine_chunks()
            held.clear()
            rows = size = 0
    if held:
        yield pa.concat_tables(held).unify_dictionaries().combine_chunks()


def _tables(group: list[Segment], layout: Layout, skipped: Skipped) -> Iterator[Any]:
    pa = arrow()
    for segment in group:
        try:
            file = opened(segment, layout, skipped)
            if file is None:
                raise _Spoiled
            with file:
                for number in range(file.num_row_groups):
                    yield file.read_row_group(number)
        except FileNotFoundError:
            raise _Spoiled from None
        except (pa.ArrowException, OSError, ValueError) as error:
            require_its_fault(error)
            skipped.note("damaged", segment.path, error)
            raise _Spoiled from None


def _timed(found: list[Segment], layout: Layout) -> list[tuple[int, Segment, int]]:
    """Return the time of the last record of each segment, and how many it holds."""
    skipped, timed = Skipped(), []
    for segment, file in files_of(found, layout, skipped):
        times = times_of(file, segment.path, skipped)
        if times is not None:  # else it is kept: it may be the newest
            timed.append((times[1], segment, file.metadata.num_rows))
    return timed


def _drop(segment: Segment, count: int, dropped: Dropped) -> Dropped:
    keep_sequence(segment.path.parent, segment.stop)
    size = segment.path.stat().st_size
    segment.path.unlink(missing_ok=True)
    return Dropped(dropped.files + 1, dropped.records + count, dropped.bytes + size)


def _files(root: Path) -> Iterator[int]:
    for kind in KINDS:
        for segment in segments(root, kind):
            yield segment.path.stat().st_size
