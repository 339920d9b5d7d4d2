"""State of a writer's folder: its next sequence number and its latest time."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from subsetopt._files import replacing
from subsetopt.errors import InvalidFile
from subsetopt.formats._documents import read_json

from ._layout import Layout
from ._segments import Skipped, listed, opened, require_its_fault

_KEPT = ".next.json"


def next_sequence(folder: Path) -> int:
    """Return the number of the next record of the writer of this folder."""
    stops = [one.stop for one in listed(folder)]
    return max([kept_sequence(folder), *stops])  # in this order: what is kept is never missed


def kept_sequence(folder: Path) -> int:
    """Return what `keep_sequence` wrote last; 0 without."""
    path = folder / _KEPT
    try:
        found = read_json(path)
    except InvalidFile:
        if not os.path.lexists(path):
            return 0
        raise
    number = found.get("next") if isinstance(found, dict) else None
    if type(number) is not int or number < 0:
        raise InvalidFile(f"{path}: damaged; it holds no number of a record")
    return number


def keep_sequence(folder: Path, number: int) -> None:
    """Write down that numbers below this one have been given away, before files are dropped."""
    if number > kept_sequence(folder):
        with replacing(folder / _KEPT) as stream:
            stream.write(json.dumps({"next": number}).encode())


_1970, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def times_of(file: Any, path: Path, skipped: Skipped) -> tuple[int, int] | None:
    """Return the times of the first and the last record of a ParquetFile; zeros without any.

    In microseconds since 1970. None, counted, where the end of the file says nothing that can be.
    """
    try:
        times = list(_times(file))
    except Exception as error:  # of a damaged end: values are missing, or of other types
        require_its_fault(error)
        skipped.note("damaged", path, f"its times cannot be read: {error!r}")
        return None
    return min((low for low, _ in times), default=0), max((high for _, high in times), default=0)


def _times(file: Any) -> Iterator[tuple[int, int]]:
    place = file.schema_arrow.get_field_index("time")
    # Places of leaves and of fields agree as far as the times: lists come after them.
    for group in range(file.metadata.num_row_groups):
        statistics = file.metadata.row_group(group).column(place).statistics
        yield (statistics.min - _1970) // _MICROSECOND, (statistics.max - _1970) // _MICROSECOND


def latest_time(folder: Path, layout: Layout) -> int:
    """Return the time of the last record of the writer of this folder; 0 without any."""
    latest = max(listed(folder), key=lambda one: one.stop, default=None)
    if latest is None:
        return 0
    skipped = Skipped()
    try:
        file = opened(latest, layout, skipped)
    except FileNotFoundError:  # merged meanwhile
        return latest_time(folder, layout)
    if file is None:
        return 0
    with file:
        times = times_of(file, latest.path, skipped)
    return 0 if times is None else times[1]
