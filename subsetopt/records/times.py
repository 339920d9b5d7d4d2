"""The times of the first and the last record of a file, from its end alone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .layout import Layout
from .segments import Skipped, listed, opened

_1970, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def last_time(file: Any) -> int:
    """Return the time of the last record of a ParquetFile, in microseconds since 1970."""
    return max((high for _, high in _times(file)), default=0)


def first_time(file: Any) -> int:
    """Return the time of its first record."""
    return min((low for low, _ in _times(file)), default=0)


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
    try:
        file = opened(latest, layout, Skipped())
    except FileNotFoundError:  # merged meanwhile
        return latest_time(folder, layout)
    if file is None:
        return 0
    with file:
        return last_time(file)
