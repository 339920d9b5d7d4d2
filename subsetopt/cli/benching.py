"""What ``subsetopt bench`` shows while it runs."""

import threading
from types import TracebackType
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live as RichLive
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from subsetopt.benchmarks.measuring.comparing import Watcher
from subsetopt.benchmarks.reporting.live_table import LiveTable
from subsetopt.benchmarks.results import Results, Row
from subsetopt.benchmarks.results.schedule import total
from subsetopt.report.progress import Lines
from subsetopt.report.terminal import console
from subsetopt.solution import Termination


class Live(Watcher):
    """A table of the rows so far and a bar with the time that is left, on standard error.

    Where that is no terminal it is a line now and then. Drawn seldom: to draw takes time from the
    runs.
    """

    def __init__(self, *, hidden: bool) -> None:
        screen = console(stderr=True)
        self._shown = screen.is_terminal and not hidden
        self._lines = None if screen.is_terminal else Lines("bench", unit="runs")
        self._done = 0
        self._lock = threading.Lock()  # it is drawn by a thread of Rich's
        self._table = LiveTable()
        self._limits: tuple[float, ...] = ()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=screen,
        )
        self._task = self._bar.add_task("", total=None)
        self._live = RichLive(
            get_renderable=self._drawn, console=screen, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> Self:
        if self._shown:
            self._live.start()
        if self._lines is not None:
            self._lines.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._live.stop()
        if self._lines is not None:
            self._lines.__exit__(kind, error, where)

    def begin(self, results: Results) -> None:
        """Take what is known, and count what is to do."""
        self._limits = results.plan.settings.time_limits
        self._bar.update(self._task, total=total(results.plan))
        for row in results.rows:
            self.row(row)
        if self._lines is not None:
            self._lines.update(self._done, total(results.plan))

    def phase(self, what: str) -> None:
        """Name it beside the bar."""
        self._bar.update(self._task, description=what)
        if self._lines is not None:
            self._lines.update(note=what)

    def row(self, row: Row) -> None:
        """Take one more; what has come to its end is spared the longer limits."""
        steps = 1
        if row.termination is not Termination.TIME_LIMIT:
            steps = sum(limit >= (row.time_limit or 0.0) for limit in self._limits)
        with self._lock:
            self._table.add(row)
        self._bar.advance(self._task, steps)
        self._done += steps
        if self._lines is not None:
            self._lines.update(self._done)

    def _drawn(self) -> RenderableType:
        with self._lock:
            return Group(self._table.table(), self._bar)
