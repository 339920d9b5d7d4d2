"""Deadlines: one clock for building, searching and bounding."""

import math
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from subsetopt._clock import CLOCK
from subsetopt.limits import Limits
from subsetopt.solution import Termination

from .base import RawResult, Solver

Result = TypeVar("Result")

CHUNK = 2**23
"""Entries that a kernel may read between two looks at the clock: some 10 ms."""

SORTING = 1.2e-7
"""Seconds that sorting takes for each of some million numbers."""

BRIEF = 0.05
"""Seconds of work, estimated, that are begun without a look at the clock."""

_CERTIFYING = 1.5e-8  # seconds times k^2: the objective of a quadratic, computed after the search
_MOST_CERTIFYING = 0.5  # of the time that there is
_POLL = 0.02  # seconds between two looks at a call that cannot be divided
_LEAST = 1e-3  # seconds that are left to whoever is handed what is left of a limit

clock: Callable[[], float] = CLOCK.now
"""What tells the time; tests put another one in its place."""


class OutOfTime(Exception):
    """The deadline is past; caught where there is a selection to return. Never leaves a solver."""


class Deadline:
    """When a call has to be over, counted from its beginning.

    Long work is divided into chunks of some 10 ms with a `check` between them: where it raises,
    what has been reached by then is the result, exactly as after Ctrl-C.

    Parameters
    ----------
    seconds : float
        How long the call may take; infinite where there is no limit.
    start : float, optional
        When it began; None is now.
    """

    __slots__ = ("_late", "end", "start")

    def __init__(self, seconds: float = math.inf, start: float | None = None) -> None:
        self.start = clock() if start is None else start
        self.end = self.start + seconds
        self._late = False

    @classmethod
    def of(cls, limits: Limits) -> "Deadline":
        """Return the deadline of a call that begins now."""
        return cls(math.inf if limits.time_limit is None else limits.time_limit)

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return self.end < math.inf

    @property
    def passed(self) -> bool:
        """Whether the time is up; where it has once been seen to be, it stays so.

        The clock goes back when the compiling of another thread is taken off. A search that has
        left something out for want of time must not take itself for complete after that.
        """
        if not self._late and self.end < math.inf and clock() >= self.end:
            self._late = True
        return self._late

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return clock() - self.start

    def since(self, moment: float) -> float:
        """Return the seconds since `elapsed` was `moment`; at least 0.

        Where another thread compiles meanwhile, that is taken off at its end: what was read before
        may lie later.
        """
        return max(0.0, self.elapsed - moment)

    @property
    def remaining(self) -> float:
        """Seconds that are left, at least zero; infinite without a limit."""
        if not self.limited:
            return math.inf
        return 0.0 if self._late else max(0.0, self.end - clock())

    def check(self) -> None:
        """Raise OutOfTime if the time is up."""
        if self.passed:
            raise OutOfTime

    def sooner(self, seconds: float) -> "Deadline":
        """Return a deadline that is so many seconds earlier."""
        return Deadline(self.end - self.start - seconds, self.start)

    def rest(self, limits: Limits) -> Limits:
        """Return the limits for a part of the call: with the time that is left."""
        if not self.limited:
            return limits
        return replace(limits, time_limit=max(_LEAST, self.remaining))

    def chunks(self, count: int, cost: int, work: int | None = None) -> Iterator[slice]:
        """Yield slices of ``range(count)``, some `work` operations each, with a check between two.

        Parameters
        ----------
        count : int
        cost : int
            Operations for each of the `count`.
        work : int
            Operations at once, None is `CHUNK`; at least one of the `count` is always done.
        """
        size = max(1, (CHUNK if work is None else work) // max(1, cost))
        for begin in range(0, count, size):
            if begin:
                self.check()
            yield slice(begin, min(begin + size, count))

    def wait_for(self, call: Callable[[], Result], seconds: float) -> Result:
        """Return ``call()``, a native call that cannot be divided and takes about `seconds`.

        A long one runs in a thread of its own. When the deadline or Ctrl-C comes first, OutOfTime
        or KeyboardInterrupt is raised at once and the call is left to end by itself, so
        it must change nothing but what it returns.
        """
        if seconds < BRIEF:
            return call()
        self.check()
        results: list[Result] = []
        failures: list[BaseException] = []

        def work() -> None:
            try:
                results.append(call())
            except BaseException as failure:  # handed over to the caller's thread
                failures.append(failure)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_POLL)
            if thread.is_alive():
                self.check()
        if failures:
            raise failures[0]
        return results[0]


NEVER = Deadline()
"""The deadline of a call without a limit."""


class TimedSolver(Solver):
    """A solver of our own: what it has when the time is up, or Ctrl-C comes, is its answer.

    A subclass implements `search`. Where not even the beginning of a search fits into the limit,
    the answer is a uniform selection.
    """

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        """Return the best selection that is reached within `limits`."""
        with CLOCK.standing():
            self.prepare(problem, limits)
        deadline = Deadline.of(limits)
        dense = getattr(problem, "sparse_form", None) is None
        if deadline.limited and dense and problem.family in ("quadratic", "mmd"):
            certifying = min(_CERTIFYING * problem.k**2, _MOST_CERTIFYING * deadline.remaining)
            deadline = deadline.sooner(certifying)
        try:
            return self.search(problem, limits, deadline)
        except OutOfTime:
            termination, what = Termination.TIME_LIMIT, "the time limit"
        except KeyboardInterrupt:
            termination, what = Termination.INTERRUPTED, "Ctrl-C"
        begun = limits.start is not None
        what += " came before the search: " + ("the start" if begun else "a random selection")
        return RawResult(
            indices=limits.start if begun else problem.draw(np.random.default_rng(limits.seed)),
            termination=termination,
            build_seconds=deadline.elapsed,
            iterations=0,
            message=f"{what}; {self._hint(problem)}",
        )

    @abstractmethod
    def search(self, problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the answer, or raise OutOfTime or KeyboardInterrupt where there is none yet."""

    def _hint(self, problem: Any) -> str:
        vectors = problem.family == "vector-mean-matching"
        if vectors and self.name not in ("swap", "greedy", "frank-wolfe"):
            return "swap and frank-wolfe need no matrix of inner products"
        return "give more time, or fewer candidates"


class Stopped:
    """Why a block was left early; `reason` is None where it came to its end."""

    def __init__(self) -> None:
        self.reason: Termination | None = None


@contextmanager
def stoppable() -> Iterator[Stopped]:
    """End the block where the time is up or Ctrl-C comes, and say which of the two it was."""
    stopped = Stopped()
    try:
        yield stopped
    except OutOfTime:
        stopped.reason = Termination.TIME_LIMIT
    except KeyboardInterrupt:
        stopped.reason = Termination.INTERRUPTED
