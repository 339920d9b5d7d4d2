"""Progress of a task on standard error: a bar on a terminal, elsewhere periodic lines."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Self

from ._markup import visible
from ._number_format import span
from ._terminal import console

EVERY = 30.0
"""Seconds between two lines; shorter work shows none."""
DELAY = 2.0
"""Seconds before a clock is shown; work with shorter limits shows none."""


class Steps:
    """What is told how far a piece of work is; by itself it shows nothing.

    `label` says what is being done, in so many steps, if that is known, of a `unit` in the plural,
    within a `limit` in seconds. `changed` is called with the steps after each update.
    """

    def __init__(
        self,
        label: str,
        total: int | None = None,
        *,
        unit: str = "",
        limit: float | None = None,
        now: Callable[[], float] | None = None,
        changed: Callable[["Steps"], None] = lambda steps: None,
    ) -> None:
        self._changed = changed
        self._label, self._total, self._unit, self._limit = label, total, unit, limit
        self._note = ""
        self._done: int | None = None
        self._now = now or monotonic
        self._start = self._now()
        self._first = (0, self._start)  # from there on it is seen how fast it goes

    def update(
        self,
        done: int | None = None,
        total: int | None = None,
        *,
        label: str | None = None,
        note: str | None = None,
    ) -> None:
        """Take what has changed: the steps done, all steps, what is being done, a remark.

        The first steps that are told may be of an earlier session. Where a new label comes with
        fewer steps than before, they are counted anew.
        """
        now = self._now()
        if label is not None and label != self._label:
            self._label, self._start = label, now
            self._first = (self._done or 0, now)
            if done is not None and done < (self._done or 0):
                self._done = self._total = None
        if done is not None:
            if self._done is None:
                self._first = (done, now)
            self._done = done
        self._total = self._total if total is None else total
        self._note = self._note if note is None else note
        self._changed(self)

    def _steps(self) -> str:
        of = "" if self._total is None else f" of {self._total:,}"
        return f"{self._done or 0:,}{of} {self._unit}".rstrip()

    def line(self, now: float) -> str:
        """Return what is to be said at a time of the clock."""
        done, total = self._done or 0, self._total
        seconds, limit = now - self._start, self._limit
        within = limit is not None and seconds <= limit
        parts = [f"{span(seconds)}{f' of {span(limit or 0.0)}' if within else ''} gone"]
        if limit is not None and not within:  # as before a search that it is for
            parts.append(f"the limit is {span(limit)}")
        if total is not None or self._done is not None:
            parts.insert(0, self._steps())
        before, since = self._first
        if total is not None and before < done < total:
            left = (now - since) * (total - done) / (done - before)
            parts.append(f"about {span(left)} left")
        if self._note:
            parts.append(self._note)
        return f"{self._label}: {', '.join(parts)}"


class Lines(Steps):
    """Writes a line every `EVERY` seconds, from a thread; a context manager."""

    def __init__(self, label: str, total: int | None = None, **options: Any) -> None:
        super().__init__(label, total, **options)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, name="progress", daemon=True)

    def _write(self) -> None:
        while not self._over.wait(EVERY):
            with suppress(OSError, ValueError):  # nobody reads any more
                sys.stderr.write(visible(self.line(self._now())) + "\n")
                sys.stderr.flush()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()


@contextmanager
def shown(
    label: str,
    total: int | None = None,
    *,
    unit: str = "",
    hidden: bool = False,
    above: Callable[[], Any] = lambda: "",
) -> Iterator[Steps]:
    """Show how far a piece of work is, until the block ends.

    The parameters are those of `Steps`. Where `hidden` is true there is no bar; lines, which nobody
    takes for results, are never hidden. `above` returns what is drawn above the bar, such as a
    `Table`, and is called by another thread.
    """
    screen = console(stderr=True)
    if not screen.is_terminal:
        with Lines(label, total, unit=unit) as lines:
            yield lines
        return
    if hidden:
        yield Steps(label)
        return
    from rich.console import Group
    from rich.live import Live
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[steps]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    bar = Progress(*columns, console=screen)

    def drawn() -> Any:
        return Group(*filter(None, [above()]), bar)

    task = bar.add_task(label, total=total, steps="", note="")

    def changed(now: Steps) -> None:
        about: Any = {"steps": now._steps(), "note": now._note, "description": now._label}
        if (now._done or 0) < bar.tasks[0].completed:  # counted anew
            bar.reset(task)
        bar.update(task, completed=now._done or 0, total=now._total, **about)

    with Live(get_renderable=drawn, console=screen, refresh_per_second=2, transient=True):
        yield Steps(label, total, unit=unit, changed=changed)


@contextmanager
def clock(
    limit: float | None,
    now: Callable[[], float],
    *,
    bound: bool = False,
    hidden: bool = False,
) -> Iterator[Callable[[str], None]]:
    """Show the seconds gone and the limit, on a terminal, else a line every 30 seconds.

    What is shown goes when the block ends, however it ends. The limit is that of each part of the
    work, by the clock `now`; `bound` says that there is a part without one. Yields a callable that
    takes the name of the part that begins.
    """
    screen = console(stderr=True)
    if not screen.is_terminal:
        with Lines("solve", limit=limit, now=now) as lines:
            yield lambda part: lines.update(label=part)
        return
    short = not bound if limit is None else limit <= DELAY
    if hidden or short:
        yield lambda part: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn

    of = "" if limit is None else f" of {limit:g} s"
    kept = "Ctrl-C keeps the best so far"
    bar = Progress(
        SpinnerColumn(),
        TextColumn(f"{{task.description}}{{task.elapsed:.0f}} s{of}, {kept}"),
        console=screen,
        transient=True,
        redirect_stdout=False,  # what a solver prints has been sent to standard error already
        redirect_stderr=False,
        get_time=now,
        refresh_per_second=2,  # its thread would get into the way of solvers
    )
    task = bar.add_task("")
    timer = threading.Timer(DELAY, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda part: bar.reset(task, start=True, description=f"{part}: ")
    finally:
        timer.cancel()
        timer.join()  # it may be about to start the bar
        bar.stop()
