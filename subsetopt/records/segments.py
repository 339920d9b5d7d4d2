"""Segments: Parquet files of consecutive records of one writer, there whole or not at all.

``records/writer=NAME/START-STOP.parquet`` holds records START..STOP-1 of that writer, less those
that were dropped. The name says all: two files that overlap hold the same records, of which the
wider one counts, so that merging them needs no other bookkeeping and may be killed at any time.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subsetopt.errors import InvalidFile, InvalidOption

from .layout import Layout, arrow, layout_of

RECORDS, LABELS = "records", "labels"
LAYOUT = "layout.json"
LOG = logging.getLogger("subsetopt.records")
_NAME = re.compile(r"(\d{15})-(\d{15})\.parquet")
_WRITER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGITS = 15


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

    def note(self, why: str, path: Path, error: object) -> None:
        """Count a file, and say once which."""
        self[why] += 1
        LOG.warning("left out %s: %s (%s)", path, why, error)


def require_writer_name(name: str) -> None:
    """Raise InvalidOption unless a folder can be called so, on any system."""
    if not isinstance(name, str) or not _WRITER.fullmatch(name):
        raise InvalidOption(
            f"the writer's name is {name!r}; letters, digits, '.', '_' and '-' are needed, 100 at "
            "most, a letter or digit first"
        )


def folder_of(root: Path, kind: str, writer: str) -> Path:
    """Return where a writer's segments lie."""
    return root / kind / f"writer={writer}"


def file_of(folder: Path, start: int, stop: int) -> Path:
    """Return the path of a segment."""
    return folder / f"{start:0{_DIGITS}d}-{stop:0{_DIGITS}d}.parquet"


def segments(root: Path, kind: str = RECORDS, skipped: Skipped | None = None) -> list[Segment]:
    """Return the segments, in order of writers and records, none inside another one.

    Files of other names are left out, and counted in `skipped`; those that are being written begin
    with a dot, and are nobody's business.
    """
    found = []
    for folder in sorted(_folders(root / kind)):
        own = sorted(_listed(folder, skipped), key=lambda one: (one.start, -one.stop))
        reached = -1
        for segment in own:
            if segment.stop > reached:
                found.append(segment)
                reached = segment.stop
    return found


def superseded(root: Path, kind: str) -> list[Segment]:
    """Return the segments that lie inside a wider one: what a merge that was killed left behind."""
    kept = set(segments(root, kind))
    return [one for f in _folders(root / kind) for one in _listed(f, None) if one not in kept]


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if entry.name.startswith("writer=") and entry.is_dir()
            ]
    except FileNotFoundError:
        return []


def _listed(folder: Path, skipped: Skipped | None) -> Iterator[Segment]:
    writer = folder.name.partition("=")[2]
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if not entry.name.startswith(".")]
    for name in names:
        matched = _NAME.fullmatch(name)
        if matched is not None and int(matched[1]) < int(matched[2]):
            yield Segment(writer, int(matched[1]), int(matched[2]), folder / name)
        elif skipped is not None:
            skipped.note("foreign", folder / name, "its name is not START-STOP.parquet")


def opened(segment: Segment, layout: Layout, skipped: Skipped) -> Any:
    """Return a segment as a ParquetFile; None, counted, for what is no such file.

    Raises
    ------
    FileNotFoundError
        If it has been merged or dropped in the meantime: list the segments again.
    """
    pa, pq = arrow(), arrow("parquet")
    try:
        found = pq.ParquetFile(segment.path, memory_map=True)
        own = layout_of(found.schema_arrow, str(segment.path))
    except FileNotFoundError:
        raise
    except InvalidFile as error:
        why = "another version" if "version" in str(error) else "foreign"
        skipped.note(why, segment.path, error)
        return None
    except (pa.ArrowInvalid, OSError) as error:
        skipped.note("damaged", segment.path, error)
        return None
    if own != layout:
        skipped.note("another layout", segment.path, own)
        return None
    return found


def write(table: Any, target: Path, *, durable: bool) -> None:
    """Write a table beside `target` and rename it, so that no reader sees a part of it.

    Raises
    ------
    OSError
        If the disk is full, or the folder cannot be written.
    """
    pq = arrow("parquet")
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as stream:
            pq.write_table(
                table,
                stream,
                compression="lz4",
                use_dictionary=["model"],
                column_encoding=_encodings(table.schema),
                write_statistics=["time", "sequence", "loss"],
                store_schema=True,
            )
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        beside.replace(target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def _encodings(schema: Any) -> dict[str, str]:
    # Times and positions rise by little; losses and ids are noise that no encoding shrinks.
    return {name: "DELTA_BINARY_PACKED" for name in ("sequence", "time") if name in schema.names}


def remove_unfinished(folder: Path) -> None:
    """Remove what a writer that was killed has begun here; whoever asks holds its lock."""
    for path in folder.glob(".*.part"):
        path.unlink(missing_ok=True)
