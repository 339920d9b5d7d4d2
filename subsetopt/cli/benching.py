"""Live output of ``subsetopt bench``."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from subsetopt.benchmarks.measuring._runner import MeasurementObserver
from subsetopt.benchmarks.reporting._live_table import LiveTable
from subsetopt.benchmarks.results import Results, Row
from subsetopt.benchmarks.results._plan import total
from subsetopt.report import Table
from subsetopt.report._progress import Steps, shown
from subsetopt.solution import Termination


class Live(MeasurementObserver):
    """A table of the rows so far, and how many runs are done."""

    def __init__(self) -> None:
        self._steps = Steps("bench")
        self._done = 0
        self._lock = threading.Lock()  # another thread draws it
        self._table = LiveTable()
        self._limits: tuple[float, ...] = ()

    @classmethod
    @contextmanager
    def watching(cls, *, hidden: bool) -> "Iterator[Live]":
        """Show it on standard error; where that is no terminal, a line now and then.

        Drawn seldom: to draw takes time from the runs.
        """
        live = cls()
        with shown("bench", unit="runs", hidden=hidden, above=live.table) as live._steps:
            yield live

    def begin(self, results: Results) -> None:
        """Take what is known, and count what is to do."""
        self._limits = results.plan.settings.time_limits
        for row in results.rows:
            self.row(row)
        self._steps.update(self._done, total(results.plan))

    def phase(self, what: str) -> None:
        """Name it next to the bar."""
        self._steps.update(note=what)

    def row(self, row: Row) -> None:
        """Take one more; what has come to its end is spared the longer limits."""
        steps = 1
        if row.termination is not Termination.TIME_LIMIT:
            steps = sum(limit >= (row.time_limit or 0.0) for limit in self._limits)
        with self._lock:
            self._table.add(row)
        self._done += steps
        self._steps.update(self._done)

    def table(self) -> Table[Any]:
        """Return the table as it stands."""
        with self._lock:
            return self._table.table()
