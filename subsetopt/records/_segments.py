"""Segments: consecutive records of one writer, in a file of their own or in one that is shared.

``records/writer=NAME/START-STOP.parquet`` holds records START..STOP-1 of that writer, less those
that were dropped. Files below ``writer=_shared`` hold those of several writers, one after another:
the end of the file says whose and which, its name is its place among the rows of all such files.
Two segments that overlap hold the same records, of which the wider one counts, so that merging them
needs no other bookkeeping and may be killed at any time.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subsetopt.errors import InvalidOption

from ._layout import Layout
from ._segment_files import Skipped, opened, places

RECORDS, LABELS = "records", "labels"
SHARED = "_shared"
"""Where the folder of a writer has its name; no writer is called so."""
_NAME = re.compile(r"(\d{15})-(\d{15})\.parquet")
_WRITER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGITS = 15
_LOOKS = 20
"""How often a folder that changes is listed again, until two lists agree."""


@dataclass(frozen=True, order=True)
class Segment:
    """Where consecutive records of a writer lie."""

    writer: str
    start: int
    stop: int
    path: Path = field(compare=False)
    first: int = field(default=0, compare=False)
    """The row of the file that it begins in."""
    rows: int | None = field(default=None, compare=False)
    """How many rows of a shared file are its; None for all of a file of its own."""

    @property
    def span(self) -> int:
        """How many records it held when they were written."""
        return self.stop - self.start


def require_writer_name(name: str) -> None:
    """Raise InvalidOption unless a folder can be called so, on any system."""
    if not isinstance(name, str) or not _WRITER.fullmatch(name):
        raise InvalidOption(
            f"the writer's name must be at most 100 letters, digits, '.', '_' and '-', a letter or "
            f"digit first; got {name!r}"
        )


def folder_of(root: Path, kind: str, writer: str) -> Path:
    """Return where a writer's segments lie."""
    return root / kind / f"writer={writer}"


def file_of(folder: Path, start: int, stop: int) -> Path:
    """Return the path of a segment."""
    return folder / f"{start:0{_DIGITS}d}-{stop:0{_DIGITS}d}.parquet"


def segments(
    root: Path,
    kind: str = RECORDS,
    skipped: Skipped | None = None,
    writers: Collection[str] | None = None,
) -> list[Segment]:
    """Return the segments, in order of writers and records, none inside another one.

    Of some writers only, no other folders are listed.

    Files of other names are left out, and counted in `skipped`; those that are being written begin
    with a dot, and are nobody's business.
    """
    return _told_apart(root, kind, skipped, writers)[0]


def superseded(root: Path, kind: str) -> list[Segment]:
    """Return the segments that lie inside a wider one: what a merge that was killed left behind."""
    return _told_apart(root, kind, None)[1]


def _told_apart(
    root: Path, kind: str, skipped: Skipped | None, writers: Collection[str] | None = None
) -> tuple[list[Segment], list[Segment]]:
    """Return the segments that count, and those inside of others, by one and the same list."""
    found, inside = [], []
    some = folders(root / kind) if writers is None else _folders_of(root, kind, writers)
    by_writer = {folder.name.partition("=")[2]: list(listed(folder, skipped)) for folder in some}
    for segment in shared(root / kind, skipped, writers):  # afterwards: they go from there to here
        by_writer.setdefault(segment.writer, []).append(segment)
    for writer in sorted(by_writer):
        reached = -1
        for segment in sorted(by_writer[writer], key=_rank):
            if segment.stop > reached:
                found.append(segment)
                reached = segment.stop
            else:
                inside.append(segment)
    return found, inside


def _rank(one: Segment) -> tuple[int, int, bool, int]:
    """Return what sorts segments: the widest first, and of equal ones what was merged last."""
    return one.start, -one.stop, one.rows is None, -int(one.path.name[:_DIGITS])


def _folders_of(root: Path, kind: str, writers: Collection[str]) -> list[Path]:
    every = (folder_of(root, kind, writer) for writer in writers)
    return [folder for folder in every if folder.is_dir()]


def folders(folder: Path) -> list[Path]:
    """Return the folders of writers in ``records`` or in ``labels``."""
    try:
        with os.scandir(folder) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if entry.name.startswith("writer=") and entry.is_dir()
                if entry.name != f"writer={SHARED}"
            ]
    except FileNotFoundError:
        return []


def listed(folder: Path, skipped: Skipped | None = None) -> Iterator[Segment]:
    """Yield the segments of one writer, in no order, those inside of wider ones too."""
    writer = folder.name.partition("=")[2]
    for name in _names(folder):
        matched = _NAME.fullmatch(name)
        if matched is not None and int(matched[1]) < int(matched[2]):
            yield Segment(writer, int(matched[1]), int(matched[2]), folder / name)
        elif skipped is not None:
            skipped.note("foreign", folder / name, "its name is not START-STOP.parquet")


def shared(
    folder: Path, skipped: Skipped | None = None, writers: Collection[str] | None = None
) -> list[Segment]:
    """Return the segments in files that several writers share, below ``records`` or ``labels``."""
    counted = Skipped() if skipped is None else skipped
    for look in range(_LOOKS):
        found = []
        try:
            for file in listed(folder / f"writer={SHARED}", skipped):
                here = places(file.path, counted)
                for writer in here if writers is None else writers:
                    for start, stop, first, rows in here.get(writer, ()):
                        found.append(Segment(writer, start, stop, file.path, first, rows))
            break
        except FileNotFoundError:  # merged or dropped since it was listed
            if look == _LOOKS - 1:
                raise
    return found


def _names(folder: Path) -> set[str]:
    """Return the names of the files of a folder, as of one moment.

    A folder that changes while it is listed may show neither the files that have been merged nor
    the merged one. A merged file appears before the others go, so two lists that agree lack none.
    """
    names: set[str] | None = None
    for _ in range(_LOOKS):
        try:
            with os.scandir(folder) as entries:
                found = {entry.name for entry in entries if not entry.name.startswith(".")}
        except FileNotFoundError:
            return set()
        if found == names:
            break
        names = found
    return found


def files_of(
    found: Iterable[Segment], layout: Layout, skipped: Skipped
) -> Iterator[tuple[list[Segment], Any]]:
    """Yield the files that are sound and still there: their segments, and the open ParquetFile."""
    by_file: dict[Path, list[Segment]] = {}
    for segment in found:
        by_file.setdefault(segment.path, []).append(segment)
    for path, held in by_file.items():
        try:
            file = opened(path, layout, skipped)
        except FileNotFoundError:  # merged or dropped meanwhile
            continue
        if file is not None:
            with file:
                yield held, file
