"""Compaction: files of one writer, or of several, written as one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from ._layout import Layout, allow_shared, arrow
from ._segment_files import Skipped, WriterSpan, opened, require_its_fault, write
from ._segments import RECORDS, SHARED, Segment, file_of, files_of, folder_of, segments
from ._writer_state import keep_writers, next_sequence, times_of

_ROWS, _BYTES = 2**18, 2**26
"""Of a row group of a merged file, about."""
_GROUPS = 4
"""Row groups of shared files that are held while they are merged."""


class _Spoiled(Exception):
    """A file of a group cannot be read, or is gone."""

    def __init__(self, path: Path) -> None:
        self.path = path


@dataclass(frozen=True)
class _File:
    """A file that can be merged."""

    path: Path
    held: list[Segment]
    rows: int
    last: int
    """The time of its last record, in microseconds since 1970."""


def merge_neighbours(root: Path, kind: str, layout: Layout, rows: int, skipped: Skipped) -> None:
    """Merge neighbouring files of each writer into ones of at most `rows` records."""
    sound = [held for held, _ in files_of(segments(root, kind), layout, skipped)]
    own = [one for held in sound for one in held if one.rows is None]
    for group in _neighbours(own, rows):
        _merge(group, kind, layout, skipped)


def merge_across(root: Path, kind: str, layout: Layout, rows: int, skipped: Skipped) -> None:
    """Merge files of all writers, in the order of time, into ones of at most `rows` records.

    A file that holds records of several is put below ``writer=_shared`` before those that it was
    made of go, and the numbers that its writers have reached are written down in between.
    """
    for group in _packed(_files(root, kind, layout, skipped), rows):
        left = group
        while len(left) > 1:
            try:
                _merge_files(root, kind, layout, left, skipped)
                break
            except _Spoiled as error:  # a damaged file stays what it is, and the others go on
                left = [one for one in left if one.path != error.path]


def _neighbours(found: list[Segment], rows: int) -> Iterator[list[Segment]]:
    """Yield runs of two or more segments that follow each other and hold `rows` at most."""
    group: list[Segment] = []
    for segment in found:
        fits = group and _follows(group[-1], segment) and segment.stop - group[0].start <= rows
        if not fits:
            if len(group) > 1:
                yield group
            group = []
        group.append(segment)
    if len(group) > 1:
        yield group


def _follows(one: Segment, other: Segment) -> bool:
    return one.writer == other.writer and one.stop == other.start


def _files(root: Path, kind: str, layout: Layout, skipped: Skipped) -> Iterator[_File]:
    for held, file in files_of(segments(root, kind), layout, skipped):
        path = held[0].path
        times = times_of(file, path, skipped)
        counts = [file.metadata.num_rows if one.rows is None else one.rows for one in held]
        if times is not None:
            yield _File(path, held, sum(counts), times[1])


def _packed(files: Iterable[_File], rows: int) -> Iterator[list[_File]]:
    """Yield all files in groups that hold `rows` at most, the oldest first."""
    group: list[_File] = []
    held = 0
    for file in sorted(files, key=lambda one: (one.last, one.path)):
        if group and held + file.rows > rows:
            yield group
            group, held = [], 0
        group.append(file)
        held += file.rows
    yield group


def _merge(group: list[Segment], kind: str, layout: Layout, skipped: Skipped) -> None:
    """Merge files of one writer into one; leave them all where one is damaged."""
    target = file_of(group[0].path.parent, group[0].start, group[-1].stop)
    schema = layout.schema(kind == RECORDS)
    parts = (table for one in group for table in _own_tables(one.path, layout, skipped))
    try:
        write(_joined(parts), schema, target, durable=True, suffix="merge")
    except _Spoiled:
        return  # a damaged file stays what it is, for whoever can repair it
    for segment in group:
        segment.path.unlink(missing_ok=True)


def _merge_files(
    root: Path, kind: str, layout: Layout, group: list[_File], skipped: Skipped
) -> None:
    parts = sorted(one for file in group for one in file.held)
    own = all(one.rows is None for one in parts)
    if own and all(map(_follows, parts, parts[1:])):
        _merge(parts, kind, layout, skipped)
        return
    allow_shared(root, layout)
    counts = {file.path: file.rows for file in group}
    spans = _spans(parts, lambda one: counts[one.path] if one.rows is None else one.rows)
    schema = layout.shared(layout.schema(kind == RECORDS), spans)
    folder = folder_of(root, kind, SHARED)
    folder.mkdir(exist_ok=True)
    start = next_sequence(folder)
    target = file_of(folder, start, start + sum(counts.values()))
    tables = _shared_tables(parts, counts, schema.field("recorded_by"), layout, skipped)
    write(_joined(tables), schema, target, durable=True, suffix="merge")
    keep_writers(root / kind, _reached(group))
    for file in group:
        file.path.unlink(missing_ok=True)


def _spans(parts: list[Segment], rows: Callable[[Segment], int]) -> list[WriterSpan]:
    """Return whose records a file of these segments holds; those that follow are one."""
    found: list[WriterSpan] = []
    for one in parts:
        if found and found[-1].writer == one.writer and found[-1].stop == one.start:
            last = found.pop()
            found.append(WriterSpan(one.writer, last.start, one.stop, last.rows + rows(one)))
        else:
            found.append(WriterSpan(one.writer, one.start, one.stop, rows(one)))
    return found


def _reached(group: list[_File]) -> dict[str, tuple[int, int]]:
    """Return the number and the time that writers have reached in files of their own."""
    return {
        one.writer: (one.stop, file.last)
        for file in sorted(group, key=lambda file: file.held[-1].stop)
        for one in file.held
        if one.rows is None
    }


def _joined(tables: Iterable[Any]) -> Iterator[Any]:
    """Yield records in tables that are neither small nor more than memory holds."""
    pa = arrow()
    held: list[Any] = []
    rows = size = 0
    for table in tables:
        held.append(table)
        rows, size = rows + len(table), size + table.nbytes
        if rows >= _ROWS or size >= _BYTES:
            yield pa.concat_tables(held).unify_dictionaries().combine_chunks()
            held.clear()
            rows = size = 0
    if held:
        yield pa.concat_tables(held).unify_dictionaries().combine_chunks()


def _shared_tables(
    parts: list[Segment], counts: dict[Path, int], field: Any, layout: Layout, skipped: Skipped
) -> Iterator[Any]:
    """Yield the records of segments, one after another, with the names of their writers."""
    group = lru_cache(maxsize=_GROUPS)(lambda path, number: _group(path, number, layout, skipped))
    groups = lru_cache(maxsize=None)(lambda path: _counts(path, layout, skipped))
    for one in parts:
        left = counts[one.path] if one.rows is None else one.rows
        if one.rows is None:
            names = arrow().repeat(one.writer, left)
            for table in _own_tables(one.path, layout, skipped):
                left -= len(table)
                yield table.append_column(field, names.slice(0, len(table)))
        else:
            for number, start, count in _pieces(groups(one.path), one.first, left):
                left -= count
                yield group(one.path, number).slice(start, count)
        if left:
            raise _Spoiled(one.path)


def _pieces(counts: list[int], first: int, rows: int) -> Iterator[tuple[int, int, int]]:
    """Yield the row groups that hold these rows of a file: number, first row of it, how many."""
    for number, count in enumerate(counts):
        start, stop = max(first, 0), min(first + rows, count)
        if start < stop:
            yield number, start, stop - start
        first -= count


def _own_tables(path: Path, layout: Layout, skipped: Skipped) -> Iterator[Any]:
    with _sound(path, layout, skipped) as file:
        for number in range(file.num_row_groups):
            yield _tried(path, skipped, partial(file.read_row_group, number))


def _group(path: Path, number: int, layout: Layout, skipped: Skipped) -> Any:
    with _sound(path, layout, skipped) as file:
        return _tried(path, skipped, partial(file.read_row_group, number))


def _counts(path: Path, layout: Layout, skipped: Skipped) -> list[int]:
    """Return how many rows the row groups of a file have."""
    with _sound(path, layout, skipped) as file:
        return [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]


def _sound(path: Path, layout: Layout, skipped: Skipped) -> Any:
    file = _tried(path, skipped, partial(opened, path, layout, skipped))
    if file is None:
        raise _Spoiled(path)
    return file


def _tried(path: Path, skipped: Skipped, what: Callable[[], Any]) -> Any:
    """Return what comes of it; raise _Spoiled, counted, where it is the file's fault."""
    try:
        return what()
    except FileNotFoundError:
        raise _Spoiled(path) from None
    except (arrow().ArrowException, OSError, ValueError) as error:
        require_its_fault(error)
        skipped.note("damaged", path, error)
        raise _Spoiled(path) from None
