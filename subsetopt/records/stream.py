"""Streams: windows of records in the order of time, k of each chosen, each window once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import monotonic, sleep
from time import time as now
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_integer, require_number, require_one_of
from subsetopt._files import locked
from subsetopt.errors import InvalidOption

from . import _cursors
from ._choices import ChoiceLog, Choose, by_mean, checked, size_of
from ._cursors import waiting
from ._merging import Merged, Taken
from ._record_blocks import RecordBlock, RowGroups, blocks
from ._segment_files import Skipped
from ._segments import segments
from .latest import Labels, Latest, LossOf
from .staleness import Staleness
from .store import RecordStore

__all__ = ["RecordStream", "Window"]


@dataclass(frozen=True)
class Window:
    """Consecutive records, and which of them are to be trained on."""

    number: int
    """Counted from 0; a window that is handed out again after a crash has the same one."""
    ids: Any
    """int64 (n,), or a list of str."""
    times: NDArray[np.float64]
    """(n,): seconds since 1970, rising."""
    losses: NDArray[np.float32]
    """(n,), NaN where unknown."""
    chosen: NDArray[np.intp]
    """(m,): the rows chosen, rising."""

    def __len__(self) -> int:
        return len(self.times)

    @property
    def chosen_ids(self) -> Any:
        """The ids of the records chosen."""
        if isinstance(self.ids, list):
            return [self.ids[p] for p in self.chosen]
        return self.ids[self.chosen]


class RecordStream:
    """Records to train on, window by window: ``for window in RecordStream(store, "trainer"): ...``.

    Each record is in one window, and each window is finished once: when the next one is asked for,
    or by `commit`. What is chosen is written down before it is handed out; after a crash the window
    that was not finished comes again, with the same number and choice. Whoever notes the number
    with what training has come to, or restores `state_dict` from a checkpoint, trains on each
    window exactly once.

    Parameters
    ----------
    store : RecordStore
    name : str
        Of the cursor; one stream at a time has it.
    window : int
        Records in a window.
    k : int or float
        How many of a window are chosen, or which share of those whose loss is known.
    choose : callable, optional
        ``choose(losses, k, features)`` makes k different rows. None matches the mean of the losses,
        as `subsetopt.select` does.
    staleness : Staleness, optional
        How losses are read; by default unknown ones are not chosen.
    delay : float
        Seconds that a record waits for its label; what has arrived by then counts.
    max_backlog : int, optional
        Records that may wait; the oldest beyond are dropped, and counted. None drops none.
    features : bool
        Read the features for `choose`.
    loss_of : callable, optional
        As `LatestLosses` takes it.
    start : {"oldest", "newest"}
        Where a new cursor begins: with what is there, or with what comes from now on.
    follow : bool
        Wait for more at the end; without, iteration ends when no whole window is left.
    poll, timeout : float
        Seconds between looks for more, and without any more until iteration ends.
    keep_choices : bool
        Write down what is chosen, under ``choices`` in the folder, to look back on.

    Raises
    ------
    InvalidOption
        For an option outside its domain, or a name that another stream has.
    InvalidFile
        If the cursor cannot be read.
    """

    def __init__(
        self,
        store: RecordStore,
        name: str,
        *,
        window: int = 1024,
        k: int | float = 0.1,
        choose: Choose | None = None,
        staleness: Staleness | None = None,
        delay: float = 0.0,
        max_backlog: int | None = None,
        features: bool = False,
        loss_of: LossOf | None = None,
        start: Literal["oldest", "newest"] = "oldest",
        follow: bool = False,
        poll: float = 0.2,
        timeout: float = float("inf"),
        keep_choices: bool = False,
    ) -> None:
        require_integer("window", window, "[1, inf)")
        size_of(k, window)
        require_number("delay", delay, "[0, inf]", unit="seconds")
        require_integer("max_backlog", max_backlog, f"[{window}, inf)", none=True)
        if features and not store.layout.features:
            raise InvalidOption("features are wanted, but this folder stores none")
        require_one_of("start", start, ("oldest", "newest"))
        self.store, self.name = store, name
        self.window, self.k = window, k
        self.staleness = staleness or Staleness(unknown="exclude")
        self.delay, self.max_backlog, self.features = delay, max_backlog, features
        self.follow, self.poll, self.timeout = follow, poll, timeout
        self.skipped = Skipped()
        self.choose: Choose = choose or by_mean
        self._labels = Labels(store.root, store.layout)
        self._loss_of = self._labels.loss_of(loss_of)
        self._path = _cursors.path_of(store.root, name)
        self._path.parent.mkdir(exist_ok=True)
        self._lock = locked(
            self._path.with_suffix(".lock"),
            f"a stream called {name!r} reads {store.root} already; give each a name of its own",
        )
        new = not self._path.exists()
        self._cursor = _cursors.load(self._path)
        if new and start == "newest":
            self._cursor.positions = {one.writer: one.stop for one in segments(store.root)}
            _cursors.save(self._path, self._cursor)  # started again, it goes on from here
        self._groups = RowGroups()
        self._merged = Merged(store.root, self._read)
        self._stopped = False
        self._unsaved = False
        self._choice_log: ChoiceLog | None = None
        self._at_hand: tuple[Taken, NDArray[np.float32], NDArray[np.intp]] | None = None
        if keep_choices:
            self._choice_log = ChoiceLog(store.root, name, store.layout, self._cursor.windows)

    # -- iterating --------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Window]:
        try:
            while (window := self._next()) is not None:
                yield window
                self.commit(durably=False)
            self.commit()
        finally:
            self._stopped = False

    def commit(self, *, durably: bool = True) -> None:
        """Finish the window that was handed out last, if any.

        Without `durably` it is written down with the next choice, in one go.
        """
        self._require_open()
        pending = self._cursor.pending
        held = self._cursor
        if pending is None:
            if durably and self._unsaved:
                _cursors.save(self._path, held)
                self._unsaved = False
            return
        held.positions, held.pending = dict(pending["positions"]), None
        held.windows += 1
        held.records += pending["records"]
        held.lost += pending["lost"]
        held.unknown += pending["unknown"]
        held.chosen += sum(map(len, pending["chosen"].values()))
        if self._choice_log is not None and self._at_hand is not None:
            taken, losses, chosen = self._at_hand
            self._choice_log.note(held.windows - 1, *taken.columns(chosen), losses[chosen])
        self._unsaved = True
        if durably:
            _cursors.save(self._path, held)
            self._unsaved = False

    def stop(self) -> None:
        """Let iteration end after the window at hand; for other threads, and signals."""
        self._stopped = True

    def close(self) -> None:
        """Let others use the name; a window that was not finished comes again."""
        if not self._lock.is_locked:
            return
        if self._choice_log is not None:
            self._choice_log.flush()
        try:
            if self._cursor.pending is None:
                self.commit()  # what has been finished is not to come again
        finally:
            self._lock.release()

    @property
    def cursor(self) -> _cursors.Cursor:
        """How far it has come, and what was dropped or lost on the way."""
        return self._cursor

    @property
    def backlog(self) -> int:
        """Records that wait, as far as the names of files tell."""
        return waiting(self.store.root, self._cursor.positions)

    def state_dict(self) -> dict[str, Any]:
        """Return the cursor as a checkpoint holds it."""
        return self._cursor.to_json()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint, whatever the file says.

        Raises
        ------
        InvalidFile
            If it is no state of a stream.
        """
        self._require_open()
        self._cursor = _cursors.Cursor.of_json(state, "the state")
        _cursors.save(self._path, self._cursor)
        self._unsaved = False
        if self._choice_log is not None:
            self._choice_log.cut(self._cursor.windows)
        self._merged.forget()

    # -- in between -------------------------------------------------------------------------------

    def _require_open(self) -> None:
        if not self._lock.is_locked:
            raise InvalidOption(f"stream {self.name!r} has been closed")

    def _next(self) -> Window | None:
        self._require_open()
        if self._cursor.pending is not None:
            return self._again(self._cursor.pending)
        quiet = monotonic()
        while not self._stopped:
            self._drop_backlog()
            taken = self._taken(self.window)
            if taken is not None:
                return self._handed_out(taken)
            self.commit()  # what has been finished is not to come again
            done = not self.follow or monotonic() - quiet > self.timeout
            if self._choice_log is not None:
                self._choice_log.flush(unless_young=not done)
            if done:
                return None
            sleep(self.poll)
        return None

    def _drop_backlog(self) -> None:
        if self.max_backlog is None:
            return
        over = self.backlog - self.max_backlog
        while over > 0:
            taken = self._taken(min(over, self.window))
            if taken is None:
                return
            self._cursor.lost += self._lost(taken)
            self._cursor.positions = self._after(taken)
            self._cursor.dropped += len(taken)
            over -= len(taken)

    def _taken(self, count: int) -> Taken | None:
        """Return the `count` earliest records that nobody has had; None where there are fewer."""
        until = int((now() - self.delay) * 1e6)
        return self._merged.take(count, until, self._cursor.positions)

    def _after(self, taken: Taken) -> dict[str, int]:
        return {**self._cursor.positions, **taken.ends}

    def _lost(self, taken: Taken) -> int:
        """Return how many numbers before those taken, or among them, belong to no record."""
        held = self._cursor.positions
        passed = sum(end - held.get(writer, 0) for writer, end in taken.ends.items())
        return passed - len(taken)

    def _handed_out(self, taken: Taken) -> Window:
        """Choose, write down what is chosen, and return the window."""
        try:
            losses, chosen, unknown = self._chosen(taken)
            pending = {
                "positions": self._after(taken),
                "records": len(taken),
                "lost": self._lost(taken),
                "unknown": unknown,
                "chosen": taken.places(chosen),
            }
            _cursors.save(self._path, replace(self._cursor, pending=pending))
        except BaseException:
            self._merged.forget()  # what was taken from them is not handed out: read it again
            raise
        self._cursor.pending = pending
        self._unsaved = False
        self._at_hand = taken, losses, chosen
        return Window(self._cursor.windows, taken.ids, taken.times / 1e6, losses, chosen)

    def _chosen(self, taken: Taken) -> tuple[NDArray[np.float32], NDArray[np.intp], int]:
        """Return the losses, the rows chosen, and of how many rows no loss can be used."""
        losses, at = self._losses(taken), now()
        latest = Latest(losses, taken.times / 1e6, np.full(len(taken), "", object))
        values, rows = self.staleness(latest, at)
        size = size_of(self.k, len(rows)) if len(rows) else 0
        chosen = np.empty(0, np.intp)
        if size:
            features = None if taken.features is None else taken.features[rows]
            chosen = rows[checked(self.choose(values, size, features), size, len(rows))]
        return losses, chosen, len(taken) - int(self.staleness.known(latest, at).sum())

    def _again(self, pending: dict[str, Any]) -> Window:
        """Return the window that was handed out and not finished, as it was."""
        taken = self._merged.between(self._cursor.positions, pending["positions"])
        losses, chosen = self._losses(taken), taken.rows(pending["chosen"])
        self._at_hand = taken, losses, chosen
        return Window(self._cursor.windows, taken.ids, taken.times / 1e6, losses, chosen)

    def _losses(self, taken: Taken) -> NDArray[np.float32]:
        if self._loss_of is not None and taken.outputs is not None and np.isnan(taken.losses).any():
            self._labels.refresh(self.skipped)
        return self._labels.joined(taken.block, self._loss_of)

    def _read(self, writer: str, position: int) -> Iterator[RecordBlock]:
        """Yield what a writer has recorded from a number on."""
        columns = ["loss"]
        if self._loss_of is not None:
            columns.append("outputs")
        if self.features:
            columns.append("features")
        return blocks(
            self.store.root,
            self.store.layout,
            columns,
            writers=(writer,),
            after={writer: position},
            skipped=self.skipped,
            groups=self._groups,
        )
