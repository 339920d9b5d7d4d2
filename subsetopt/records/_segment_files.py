"""Files of segments: opened with care, written whole, and whose records a shared one holds."""

import errno
import logging
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from subsetopt.errors import InvalidFile
from subsetopt.formats._documents import parsed_json

from ._layout import WRITERS, AnotherVersion, Layout, arrow, layout_of

LOG = logging.getLogger("subsetopt.records")
_NOT_ITS_FAULT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors of opening that say nothing about the file."""


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


def opened(path: Path, layout: Layout, skipped: Skipped) -> Any:
    """Return a file as a ParquetFile; None, counted, for what is no such file."""
    pa, pq = arrow(), arrow("parquet")
    try:
        found = pq.ParquetFile(path, memory_map=True)
        own = layout_of(found.schema_arrow, str(path))
    except FileNotFoundError:
        raise
    except InvalidFile as error:
        why = "another version" if isinstance(error, AnotherVersion) else "foreign"
        skipped.note(why, path, error)
        return None
    except (pa.ArrowException, OSError, ValueError) as error:  # a name may be no text
        require_its_fault(error)
        skipped.note("damaged", path, error)
        return None
    if own != layout:
        skipped.note("another layout", path, own)
        return None
    missing = {"id", "sequence", "time"} - set(found.schema_arrow.names)
    if missing:
        skipped.note("damaged", path, f"it has no {', '.join(sorted(missing))}")
        return None
    kind = found.schema_arrow.field("label").type if "label" in found.schema_arrow.names else None
    if kind is not None and not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        skipped.note("damaged", path, f"label has type {kind}, which is not a number")
        return None
    return found


class WriterSpan(NamedTuple):
    """Consecutive records of one writer in a shared file."""

    writer: str
    start: int
    stop: int
    rows: int


class Place(NamedTuple):
    """Where a span lies: its first and last number, its first row, and how many rows."""

    start: int
    stop: int
    first: int
    rows: int


def places(path: Path, skipped: Skipped) -> Mapping[str, list[Place]]:
    """Return where each writer's records lie in a shared file; none, counted, if it is damaged.

    Raises
    ------
    FileNotFoundError
        If it is gone.
    """
    found = path.stat()
    try:
        return _places(str(path), (found.st_ino, found.st_mtime_ns, found.st_size))
    except FileNotFoundError:
        raise
    except AnotherVersion as error:
        skipped.note("another version", path, error)
    except InvalidFile as error:
        skipped.note("foreign", path, error)
    except (arrow().ArrowException, OSError, ValueError, TypeError) as error:
        require_its_fault(error)
        skipped.note("damaged", path, error)
    return {}


@lru_cache(maxsize=64)
def _places(path: str, stamp: tuple[int, int, int]) -> Mapping[str, list[Place]]:
    """Read the end of a file; the stamp tells files apart that have had the same name."""
    schema = arrow("parquet").read_schema(path)
    layout_of(schema, path)
    found: dict[str, list[Place]] = {}
    first = 0
    for one in parsed_json(schema.metadata.get(WRITERS, b""), path):
        writer, start, stop, rows = one
        found.setdefault(str(writer), []).append(Place(int(start), int(stop), first, int(rows)))
        first += int(rows)
    return found


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
                use_dictionary=[one for one in ("model", "recorded_by") if one in schema.names],
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
