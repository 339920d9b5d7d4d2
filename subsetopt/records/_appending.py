"""Writers of segments: records are buffered, and a thread writes whole files."""

import atexit
import os
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from time import time as now
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import require_integer, require_number, require_one_of
from subsetopt.errors import InvalidOption, InvalidProblem

from ._ids import as_ids
from ._layout import Folder, Layout, arrow, folder_at, made
from ._segment_files import LOG, remove_unfinished, write
from ._segments import file_of, folder_of, require_writer_name
from ._writer_state import claimed_folder, latest_time, next_sequence

Column = NDArray[Any] | float
_BUFFERS = 16
"""How many segments are held at most while they cannot be written."""
_WAIT, _LONGEST = 0.2, 30.0
"""Seconds after a failure until the next attempt: the first ones, and at most."""
_LATEST = 253_402_300_799_000_000
"""The end of the year 9999 in microseconds since 1970: times beyond are no seconds since then."""


@dataclass(frozen=True)
class Appended:
    """Counts of what was appended."""

    appended: int = 0
    """Taken in, written or not."""
    written: int = 0
    """In segments that a reader sees."""
    dropped: int = 0
    """Not taken in, as writing could not keep up or went wrong for too long."""
    not_finite: int = 0
    """Losses, outputs or features that were NaN or infinite; a loss is then unknown."""
    clock_backwards: int = 0
    """Times earlier than the one before them, which they were set to."""
    failures: int = 0
    """Attempts to write that failed; what they should have written is kept, and tried again."""
    last_error: str = ""


class Appender:
    """Base of the writers of records and of labels.

    Parameters
    ----------
    root : path
        The folder; it is made where there is none.
    name : str
        Of this writer: two that run at once have two names. Started again, it goes on.
    layout : Layout, optional
        What a record holds; None is what the folder has, or the default one.
    flush_records, flush_seconds : int, float
        A segment is written once so many records wait, or the first of them for so long: what a
        process that is killed loses at most.
    full : {"wait", "drop"}
        What to do when writing does not keep up: let the caller wait, or drop and count.
    durable : bool
        Write through to the disk, so that a power failure takes nothing that was written either.
    """

    kind: str

    def __init__(
        self,
        root: Folder,
        name: str,
        *,
        layout: Layout | None = None,
        flush_records: int = 65_536,
        flush_seconds: float = 5.0,
        full: Literal["wait", "drop"] = "wait",
        durable: bool = True,
    ) -> None:
        require_writer_name(name)
        require_integer("flush_records", flush_records, "[1, inf)")
        require_number("flush_seconds", flush_seconds, "(0, inf]", unit="seconds")
        require_one_of("full", full, ("wait", "drop"))
        self.root, self.name = folder_at(root), name
        self.layout = made(root, layout)
        self.flush_records, self.flush_seconds = flush_records, float(flush_seconds)
        self.full, self.durable = full, durable
        self._folder = folder_of(self.root, self.kind, name)
        self._lock = claimed_folder(
            self._folder,
            f"writer {name!r} of {self.root} is open already; give each process a name of its own",
        )
        remove_unfinished(self._folder)
        self._next = next_sequence(self._folder)
        self._chunks: list[tuple[int, dict[str, Any]]] = []
        self._waiting = 0
        self._since = 0.0
        self._latest = latest_time(self._folder, self.layout)
        self._counts = Appended()
        self._closed = False
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._thread = threading.Thread(
            target=_work, args=(weakref.ref(self),), name=f"records-{name}", daemon=True
        )
        self._thread.start()
        self._at_exit = partial(_finish, weakref.WeakMethod(self.close), self._thread)
        atexit.register(self._at_exit)

    @property
    def counts(self) -> Appended:
        """Counts of what was appended so far."""
        with self._changed:
            return self._counts

    def flush(self) -> None:
        """Write what waits, and return when readers see it."""
        self._require_open()
        error = self._write_all()
        if error is not None:
            raise error

    def close(self) -> None:
        """Write what waits, and let others use the name; closing twice does nothing.

        A writer that is forgotten, or open when the process ends, is closed.
        """
        if self._closed or os.getpid() != self._process:
            return
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        error = self._write_all()
        with self._changed:
            self._note(dropped=self._waiting)
            self._chunks, self._waiting = [], 0
        self._lock.release()
        atexit.unregister(self._at_exit)
        if error is not None:
            raise error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not hasattr(self, "_at_exit"):
            return  # it has never been open
        with suppress(Exception):  # a warning says which; there is nobody to raise it to
            self.close()

    # -- for subclasses ---------------------------------------------------------------------------

    def _table(self, chunks: list[tuple[int, dict[str, Any]]], start: int) -> Any:
        """Return the chunks as one table, whose first record has the sequence number `start`."""
        raise NotImplementedError

    def _append(self, count: int, columns: dict[str, Any], not_finite: int = 0) -> int:
        """Take in columns that nobody else changes; return how many records were taken in."""
        self._require_open()
        limit = self.flush_records * _BUFFERS
        with self._changed:
            self._require_open()  # it may have been closed meanwhile
            while self._waiting and self._waiting + count > limit:
                if self.full == "drop":
                    self._note(dropped=count)
                    return 0
                self._changed.wait(0.05)
                self._require_open()
            columns["time"], backwards = self._risen(columns["time"])
            if not self._waiting:
                self._since = monotonic()
                self._changed.notify_all()
            self._chunks.append((count, columns))
            self._waiting += count
            self._note(appended=count, not_finite=not_finite, clock_backwards=backwards)
            if self._waiting >= self.flush_records > self._waiting - count:
                self._changed.notify_all()
        return count

    def _ids(self, ids: ArrayLike) -> Any:
        """Return ids as an array of pyarrow's of their own, checked."""
        pa = arrow()
        if self.layout.ids == "int64":
            return pa.array(as_ids(ids, False).copy())
        found = as_ids(ids, True)
        try:
            return pa.array(found, pa.string())
        except UnicodeEncodeError as error:
            raise InvalidProblem(f"ids are not text: {error}") from None

    def _times(self, time: Any, count: int) -> Any:
        """Return microseconds since 1970: a number, one for each record, or None for now."""
        if time is None:
            return None
        found = np.asarray(time)
        if found.ndim and found.shape != (count,):
            raise InvalidProblem(
                f"time must be one number, or have shape ({count},); got {found.shape}"
            )
        if found.dtype.kind == "M":
            good = ~np.isnat(found)
            found = found.astype("datetime64[us]").astype(np.float64)
            exact = np.asarray(time).astype("datetime64[us]").astype(np.int64)
        elif found.dtype.kind in "iuf":
            exact = found
            found = found.astype(np.float64) * 1e6
            good = np.isfinite(found)
        else:
            raise InvalidProblem(f"time must be seconds since 1970; got dtype {found.dtype}")
        if not (good & (np.abs(found) <= _LATEST)).all():
            raise InvalidProblem("time must be finite seconds since 1970, before the year 10000")
        if exact.dtype.kind == "f":
            exact = found.astype(np.int64)
        elif np.asarray(time).dtype.kind != "M":
            exact = exact.astype(np.int64) * 1_000_000
        return int(exact) if exact.ndim == 0 else exact

    # -- in between -------------------------------------------------------------------------------

    def _risen(self, times: Any) -> tuple[Any, int]:
        """Return times that never fall, and how many had to be raised for it."""
        times = int(now() * 1e6) if times is None else times
        if isinstance(times, int):
            raised = max(times, self._latest)
            backwards = int(raised > times)
            self._latest = raised
            return raised, backwards
        if not len(times):
            return times, 0
        risen = np.maximum.accumulate(np.maximum(times, self._latest))
        self._latest = int(risen[-1])
        return risen, int((risen > times).sum())

    def _note(self, **more: int) -> None:
        held = {name: getattr(self._counts, name) + value for name, value in more.items() if value}
        if held:
            self._counts = replace(self._counts, **held)

    def _write_all(self) -> Exception | None:
        """Write what waits as one segment; return what went wrong, everything being kept."""
        with self._writing:
            with self._changed:  # what is being written waits, and takes room, until it is
                chunks, count, since = list(self._chunks), self._waiting, monotonic()
            if not count:
                return None
            try:
                target = file_of(self._folder, self._next, self._next + count)
                table = self._table(chunks, self._next)
                write([table], table.schema, target, durable=self.durable)
            except Exception as error:  # memory may lack as well as room on the disk
                with self._changed:
                    self._note(failures=1)
                    self._counts = replace(self._counts, last_error=str(error))
                LOG.warning("writer %r could not write: %s", self.name, error)
                return error
            self._next += count
            with self._changed:
                del self._chunks[: len(chunks)]
                self._waiting -= count
                self._since = since
                self._note(written=count)
                self._changed.notify_all()
        return None

    def _require_open(self) -> None:
        if self._closed:
            raise InvalidOption(f"writer {self.name!r} has been closed")
        if os.getpid() != self._process:
            raise InvalidOption(
                f"writer {self.name!r} belongs to process {self._process}, and this is "
                f"{os.getpid()}; open one in each process, after it has started"
            )


def _work(of: "weakref.ref[Appender]") -> None:
    """Write segments when it is their time, until the writer is closed or forgotten."""
    failed = 0
    while True:
        writer = of()
        if writer is None:
            return
        with writer._changed:
            if writer._closed:
                return
            if writer._waiting:
                left = writer._since + writer.flush_seconds - monotonic()
                due = writer._waiting >= writer.flush_records or left <= 0
                patience = min(max(left, 0.001), 1.0)
            else:
                due, patience = False, 1.0
            if not due:
                writer._changed.wait(patience)
                due = writer._waiting >= writer.flush_records
        if due and not writer._closed:
            failed = failed + 1 if writer._write_all() is not None else 0
            if failed:
                with writer._changed:
                    writer._changed.wait(min(_WAIT * 2 ** min(failed - 1, 30), _LONGEST))
        del writer  # it may be forgotten meanwhile


def _finish(closing: "weakref.WeakMethod[Any]", thread: threading.Thread) -> None:
    close = closing()
    if close is not None:
        close()
    # The thread may be the one that closes it, and a writer that is being closed there can still be
    # had here. However slow the disk is, the thread is waited for, as it is where this one closes:
    # what was taken in is not lost for want of patience.
    thread.join()
