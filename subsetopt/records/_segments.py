"""Segments: Parquet files of consecutive records of one writer, there whole or not at all.

``records/writer=NAME/START-STOP.parquet`` holds records START..STOP-1 of that writer, less those
that were dropped. The name says all: two files that overlap hold the same records, of which the
wider one counts, so that merging them needs no other bookkeeping and may be killed at any time.
"""

import errno
import logging
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subsetopt.errors import InvalidFile, InvalidOption

from ._layout import AnotherVersion, Layout, arrow, layout_of

RECORDS, LABELS = "records", "labels"
LOG = logging.getLogger("subsetopt.records")
_NAME = re.compile(r"(\d{15})-(\d{15})\.parquet")
_WRITER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGITS = 15
_LOOKS = 20
"""How often a folder that changes is listed again, until two lists agree."""
_NOT_ITS_FAULT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors of opening that say nothing about the file."""


@dataclass(frozen=True, order=True)
class Segment:
    """One file, by its name alone."""

    writer: str
    start: int
    stop: int
    path: Path = field(compare=False)

    @property
    def span(self) -> int:
        """How many records it held when they were written."""
        return self.stop - self.start


class Skipped(Counter[str]):
    """How many files were left out, by why: "foreign", "damaged", "another version"."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._noted: set[Path] = set()

    def note(self, why: str, path: Path, error: object) -> None:
        """Count a file once, however often it is met, and say which."""
        if path not in self._noted:
            self._noted.add(path)
            self[why] += 1
            LOG.warning("left out %s: %s (%s)", path, why, error)


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

    Of some writers only, nothing else is listed.

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
    for folder in sorted(some):
        own = sorted(listed(folder, skipped), key=lambda one: (one.start, -one.stop))
        reached = -1
        for segment in own:
            if segment.stop > reached:
                found.append(segment)
                reached = segment.stop
            else:
                inside.append(segment)
    return found, inside


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


def _names(folder: Path) -> set[str]:
    """Return the names of the files of a folder, as of one moment.

    A folder that changes while it is listed may show neither the files that have been merged nor
    the merged one. A merged file appears before the others go, so two lists that agree lack none.
    """
    names: set[str] | None = None
    for _ in range(_LOOKS):
        with os.scandir(folder) as entries:
            found = {entry.name for entry in entries if not entry.name.startswith(".")}
        if found == names:
            break
        names = found
    return found


def opened(segment: Segment, layout: Layout, skipped: Skipped) -> Any:
    """Return a segment as a ParquetFile; None, counted, for what is no such file."""
    pa, pq = arrow(), arrow("parquet")
    try:
        found = pq.ParquetFile(segment.path, memory_map=True)
        own = layout_of(found.schema_arrow, str(segment.path))
    except FileNotFoundError:
        raise
    except InvalidFile as error:
        why = "another version" if isinstance(error, AnotherVersion) else "foreign"
        skipped.note(why, segment.path, error)
        return None
    except (pa.ArrowException, OSError, ValueError) as error:  # a name may be no text
        require_its_fault(error)
        skipped.note("damaged", segment.path, error)
        return None
    if own != layout:
        skipped.note("another layout", segment.path, own)
        return None
    missing = {"id", "sequence", "time"} - set(found.schema_arrow.names)
    if missing:
        skipped.note("damaged", segment.path, f"it has no {', '.join(sorted(missing))}")
        return None
    kind = found.schema_arrow.field("label").type if "label" in found.schema_arrow.names else None
    if kind is not None and not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        skipped.note("damaged", segment.path, f"label has type {kind}, which is not a number")
        return None
    return found


def files_of(
    found: Iterable[Segment], layout: Layout, skipped: Skipped
) -> Iterator[tuple[Segment, Any]]:
    """Yield the segments that are sound and still there, each with its open ParquetFile."""
    for segment in found:
        try:
            file = opened(segment, layout, skipped)
        except FileNotFoundError:  # merged or dropped meanwhile
            continue
        if file is not None:
            with file:
                yield segment, file


def require_its_fault(error: Exception) -> None:
    """Raise again what says nothing about the file: its records would be taken for lost."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) in _NOT_ITS_FAULT:
        raise error


def write(
    tables: Iterable[Any], schema: Any, target: Path, *, durable: bool, suffix: str = "part"
) -> None:
    """Write tables to a file next to `target` and rename it, so that no reader sees a part of it.

    That file ends with `suffix`, which tells who may remove it: see `remove_unfinished`. Of
    the tables, each of which becomes row groups of its own, one is held at a time.
    """
    pq = arrow("parquet")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.{suffix}")
    try:
        with unfinished.open("wb") as stream:
            with pq.ParquetWriter(
                stream,
                schema,
                compression="lz4",
                use_dictionary=["model"],
                column_encoding=_encodings(schema),
                write_statistics=["time", "sequence", "loss"],
                store_schema=True,
            ) as file:
                for table in tables:
                    file.write_table(table)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        unfinished.replace(target)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    if durable:
        _make_name_durable(target.parent)


def _make_name_durable(folder: Path) -> None:
    with suppress(OSError):  # not every system can: there names are as durable as they get
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _encodings(schema: Any) -> dict[str, str]:
    # Times and positions rise by little; losses and ids are noise that no encoding shrinks.
    return {name: "DELTA_BINARY_PACKED" for name in ("sequence", "time") if name in schema.names}


def remove_unfinished(folder: Path, suffix: str = "part") -> None:
    """Remove what a process that was killed has begun here; whoever asks holds its lock.

    "part" are files of the writer, "merge" those of maintenance, which goes on meanwhile.
    """
    for path in folder.glob(f".*-*.parquet.*.{suffix}"):
        path.unlink(missing_ok=True)
