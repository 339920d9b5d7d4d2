"""State of a writer's folder: its next sequence number and its latest time."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from subsetopt._files import LOCK, locked, replacing
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats._documents import read_json

from ._layout import Layout
from ._segment_files import Skipped, opened, remove_unfinished, require_its_fault
from ._segments import folders, listed

_KEPT, _WRITERS = ".next.json", ".writers.json"
"""The next number of one writer, in its folder, and next to them the numbers and times of many."""


def next_sequence(folder: Path) -> int:
    """Return the number of the next record of the writer of this folder."""
    stops = [one.stop for one in listed(folder)]
    return max([kept_sequence(folder), *stops])  # in this order: what is kept is never missed


def kept_sequence(folder: Path) -> int:
    """Return what `keep_sequence` or `keep_writers` wrote last; 0 without."""
    path = folder / _KEPT
    number = _read(path, {"next": 0}).get("next")
    if type(number) is not int or number < 0:
        raise InvalidFile(f"{path}: damaged; it holds no number of a record")
    return max(number, _kept(folder)[0])


def _read(path: Path, otherwise: dict[str, Any]) -> dict[str, Any]:
    try:
        found = read_json(path)
    except InvalidFile:
        if not os.path.lexists(path):
            return otherwise
        raise
    return found if isinstance(found, dict) else {}


def keep_sequence(folder: Path, number: int) -> None:
    """Write down that numbers below this one have been given away, before files are dropped."""
    if number > kept_sequence(folder):
        with replacing(folder / _KEPT) as stream:
            stream.write(json.dumps({"next": number}).encode())


def _kept(folder: Path) -> tuple[int, int]:
    """Return the number and the time that a writer reached in files that are merged."""
    return _writers(folder.parent).get(_name(folder), (0, 0))


def _writers(kind: Path) -> dict[str, tuple[int, int]]:
    path = kind / _WRITERS
    try:
        return {name: (int(a), int(b)) for name, (a, b) in _read(path, {}).items()}
    except (TypeError, ValueError):
        raise InvalidFile(f"{path}: damaged; it holds no numbers of records") from None


def keep_writers(kind: Path, reached: dict[str, tuple[int, int]]) -> None:
    """Write down the numbers and times that writers have reached, before their files go."""
    held = _writers(kind)
    new = {
        name: (max(number, held.get(name, (0, 0))[0]), max(time, held.get(name, (0, 0))[1]))
        for name, (number, time) in reached.items()
    }
    if any(held.get(name) != one for name, one in new.items()):
        with replacing(kind / _WRITERS) as stream:
            stream.write(json.dumps(held | new).encode())


def claimed_folder(folder: Path, complaint: str) -> Any:
    """Return the lock of a writer's folder, which is made where there is none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _starting(folder.parent):
        folder.mkdir(exist_ok=True)
        return locked(folder / LOCK, complaint)


def _starting(kind: Path) -> Any:
    return locked(kind / ".starting.lock", f"others have been starting in {kind}", patience=60.0)


def remove_ended(kind: Path) -> None:
    """Remove the folders of writers that have ended and have no file of their own."""
    ended = {}
    for folder in folders(kind):
        with suppress(InvalidFile):  # the number in it is damaged: for whoever can repair it
            if not any(listed(folder)):
                ended[folder] = kept_sequence(folder)
    keep_writers(kind, {_name(folder): (number, 0) for folder, number in ended.items()})
    for folder in ended:
        with _starting(kind), suppress(InvalidOption, OSError):  # it is open; strangers' files
            with locked(folder / LOCK, "it is open"):
                remove_unfinished(folder)
            if {path.name for path in folder.iterdir()} <= {LOCK, _KEPT}:
                for path in folder.iterdir():
                    path.unlink(missing_ok=True)
                folder.rmdir()


def _name(folder: Path) -> str:
    return folder.name.partition("=")[2]


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
    before = _kept(folder)[1]  # in this order: it is written down before files go
    if latest is None:
        return before
    skipped = Skipped()
    try:
        file = opened(latest.path, layout, skipped)
    except FileNotFoundError:  # merged meanwhile
        return latest_time(folder, layout)
    if file is None:
        return before
    with file:
        times = times_of(file, latest.path, skipped)
    return before if times is None else max(before, times[1])
