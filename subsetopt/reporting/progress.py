"""Signs of life on standard error: a bar on a terminal, elsewhere a line every half minute."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from types import TracebackType
from typing import Any, Protocol, Self

from .visible import visible
from .words import span

EVERY = 30.0
"""Seconds between two lines; shorter work shows none."""


class Steps(Protocol):
    """What is told how far a piece of work is."""

    def update(
        self,
        done: int | None = None,
        total: int | None = None,
        *,
        label: str | None = None,
        note: str | None = None,
    ) -> None:
        """Take what has changed: the steps done, all steps, what is being done, a remark."""


@contextmanager
def shown(
    label: str, total: int | None = None, *, unit: str = "", hidden: bool = False
) -> Iterator[Steps]:
    """Show how far a piece of work is, until the block ends.

    Parameters
    ----------
    label : str
        What is being done.
    total : int, optional
        All steps; None while they are not known.
    unit : str
        What the steps are, in the plural.
    hidden : bool
        Show no bar. Lines, which nobody takes for results, are never hidden.
    """
    if not on_terminal():
        with Lines(label, total, unit=unit) as lines:
            yield lines
        return
    if hidden:
        yield _Nothing()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from .terminal import console

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[steps]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    screen = console(stderr=True)
    with Progress(*columns, console=screen, transient=True, refresh_per_second=2) as progress:
        yield _Bar(progress, label, total, unit)


def on_terminal() -> bool:
    """Return whether people look at standard error while it is written."""
    from rich.console import Console

    return bool(Console(stderr=True).is_terminal)


class Lines:
    """Writes a line every `EVERY` seconds, from a thread; a context manager.

    Parameters
    ----------
    label, total, unit
        As for `shown`.
    limit : float, optional
        Seconds that the work may take.
    now : callable, optional
        The clock, in seconds; None is `time.monotonic`.
    """

    def __init__(
        self,
        label: str,
        total: int | None = None,
        *,
        unit: str = "",
        limit: float | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._label, self._total, self._unit, self._limit = label, total, unit, limit
        self._note = ""
        self._done: int | None = None
        self._now = now or monotonic
        self._start = self._now()
        self._first = (0, self._start)  # from there on it is seen how fast it goes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, name="progress", daemon=True)

    def update(
        self,
        done: int | None = None,
        total: int | None = None,
        *,
        label: str | None = None,
        note: str | None = None,
    ) -> None:
        """Take what has changed; the first steps that are told may be of an earlier session."""
        now = self._now()
        if label is not None and label != self._label:
            self._label, self._start = label, now
            self._first = (self._done or 0, now)
        if done is not None:
            if self._done is None:
                self._first = (done, now)
            self._done = done
        self._total = self._total if total is None else total
        self._note = self._note if note is None else note

    def line(self, now: float) -> str:
        """Return what is to be said at a time of the clock."""
        done, total = self._done or 0, self._total
        of = "" if self._limit is None else f" of {span(self._limit)}"
        parts = [f"{span(now - self._start)}{of} gone"]
        if total is not None or self._done is not None:
            parts.insert(0, _steps(done, total, self._unit))
        before, since = self._first
        if total is not None and before < done < total:
            left = (now - since) * (total - done) / (done - before)
            parts.append(f"about {span(left)} left")
        if self._note:
            parts.append(self._note)
        return f"{self._label}: {', '.join(parts)}"

    def _write(self) -> None:
        while not self._over.wait(EVERY):
            with suppress(OSError, ValueError):  # nobody reads any more
                sys.stderr.write(visible(self.line(self._now())) + "\n")
                sys.stderr.flush()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()


class _Bar:
    """A bar of Rich's."""

    def __init__(self, progress: Any, label: str, total: int | None, unit: str) -> None:
        self._progress, self._unit = progress, unit
        self._done, self._total = 0, total
        self._task = progress.add_task(label, total=total, steps="", note="")

    def update(
        self,
        done: int | None = None,
        total: int | None = None,
        *,
        label: str | None = None,
        note: str | None = None,
    ) -> None:
        """Take what has changed."""
        self._done = self._done if done is None else done
        self._total = self._total if total is None else total
        named = {"description": label, "note": note}
        self._progress.update(
            self._task,
            completed=self._done,
            total=self._total,
            steps=_steps(self._done, self._total, self._unit),
            **{name: value for name, value in named.items() if value is not None},
        )


class _Nothing:
    """Shows nothing."""

    def update(
        self,
        done: int | None = None,
        total: int | None = None,
        *,
        label: str | None = None,
        note: str | None = None,
    ) -> None:
        """Take what has changed."""


def _steps(done: int, total: int | None, unit: str) -> str:
    of = "" if total is None else f" of {total:,}"
    return f"{done:,}{of} {unit}".rstrip()
