"""Base class of the adapters: warm start, limits, and what is answered without an answer."""

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_flag
from subsetopt._clock import CLOCK
from subsetopt.errors import MissingDependency
from subsetopt.limits import Limits
from subsetopt.models import CONSTRAINT_KINDS
from subsetopt.problems import Problem
from subsetopt.solution import Termination
from subsetopt.solvers.base import Kind, RawResult, Solver
from subsetopt.solvers.heuristics import _start

from . import _backend, _contained, _formulations
from ._problem_pickler import NoProcess
from ._worker_process import Worker

_FEW = 12  # candidates; with as many CBC, which cannot be stopped, has 4096 nodes at most


class Report(Protocol):
    """Takes an answer that counts if the process has to be ended."""

    def __call__(self, raw: RawResult, *, final: bool = False) -> object:
        """Take it; `final` says that the call is about to return it."""


def _no_report(raw: RawResult, *, final: bool = False) -> None:
    """Nobody listens: the call ends by itself."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What an adapter is told beside the problem and its limits.

    Parameters
    ----------
    start : ndarray of int64 or None
        A selection to begin with, in indices of the problem.
    deadline : float
        By `time.monotonic`, which all processes share.
    report : Report
    listening : bool
        Whether answers on the way are of use.
    """

    start: NDArray[np.int64] | None = None
    deadline: float = math.inf
    report: Report = _no_report

    @property
    def listening(self) -> bool:
        """Whether answers on the way are of use."""
        return self.report is not _no_report

    def limits(self, limits: Limits) -> Limits:
        """Return the limits with what is left of the time."""
        if self.deadline == math.inf:
            return limits
        return replace(limits, time_limit=max(1e-3, self.deadline - monotonic()))

    def late(self, built: float) -> RawResult | None:
        """Return the answer to give if the time is up once the model is built."""
        if monotonic() < self.deadline:
            return None
        note = "the time was up before the model was built"
        return RawResult(
            indices=None, termination=Termination.TIME_LIMIT, build_seconds=built, message=note
        )


@dataclass(frozen=True, kw_only=True)
class Adapter(Solver):
    """Base of the adapters.

    The time limit is wall-clock time and covers the quick heuristic, the model and the search.
    Large models are solved in a process of their own, which is ended where it goes on past the
    limit or Ctrl-C; the best selection that it had found till then is the answer.

    Parameters
    ----------
    warm_start : bool
        Begin with a quick selection by `swap` or `tabu`, and never answer with less.
    """

    warm_start: bool = True

    kind: ClassVar[Kind] = Kind.BACKEND
    takes: ClassVar[frozenset[str]] = frozenset(CONSTRAINT_KINDS)
    exact: ClassVar[bool] = True
    module: ClassVar[str] = ""
    """What is imported of the first distribution that it requires."""
    stoppable: ClassVar[bool] = True
    """Whether its native code can be stopped."""

    def __post_init__(self) -> None:
        require_flag("warm_start", self.warm_start)

    @abstractmethod
    def search(self, problem: Problem, limits: Limits, watch: Watch) -> RawResult:
        """Solve in this process, from `watch.start`, by `watch.deadline`.

        The limits are those of the caller; `watch.limits` has what is left of the time.
        """

    def _solve(self, problem: Problem, limits: Limits) -> RawResult:
        """Solve the model of the problem."""
        available = self.availability()
        if not available:
            raise MissingDependency(available.reason)
        small = self._is_small(problem)
        try:
            return (self._here if small else self._there)(problem, limits)
        except NoProcess as reason:
            raw = self._here(problem, limits)
            return _noted(raw, f"no process of its own, so that limits may not hold: {reason}")
        except KeyboardInterrupt:  # before the clock runs
            return _interrupted(problem, limits, Watch())

    def products(self, problem: Problem) -> int:
        """Return how many products of two selectors the model has; raises TooLarge."""
        return _formulations.products(problem)

    def _is_small(self, problem: Problem) -> bool:
        products = self.products(problem)
        if not self.stoppable:
            return problem.n <= _FEW
        return products < _contained.PRODUCTS and _formulations.values(problem) < _contained.VALUES

    def prepare(self, problem: Problem, limits: Limits) -> None:
        """Load nothing yet: what is needed depends on the size of the model."""

    def _here(self, problem: Problem, limits: Limits) -> RawResult:
        with CLOCK.standing():
            self.requires[0].load(self.module)
            self._load(problem)
        return self._from_start(problem, limits, self.search)

    def _there(self, problem: Problem, limits: Limits) -> RawResult:
        modules = (self.requires[0].module_name(self.module), type(self).__module__)
        with _contained.worker(modules, limits.log) as process:
            try:
                with CLOCK.standing():
                    self._load(problem)  # while the process starts
                    if not process.known:
                        process.wait()  # the first start is no part of the time
            except KeyboardInterrupt:
                return self._from_start(problem, limits, _interrupted)
            return self._from_start(problem, limits, partial(_solve_there, process, self))

    def _load(self, problem: Problem) -> None:
        if self.warm_start:
            _start.load(problem)

    def _from_start(
        self,
        problem: Problem,
        limits: Limits,
        solve: Callable[[Problem, Limits, Watch], RawResult],
    ) -> RawResult:
        """Begin with a quick selection, solve, and return the better of the two."""
        seconds, begun = _backend.seconds(limits), monotonic()
        deadline = math.inf if seconds is None else begun + seconds
        start = _start.quick(problem, limits) if self.warm_start else _start.given(limits)
        quick = monotonic() - begun
        if start is not None and start.interrupted:
            solve = _interrupted
        watch = Watch(start=None if start is None else start.indices, deadline=deadline)
        try:
            raw = solve(problem, limits, watch)
        except KeyboardInterrupt:  # while the model was built
            raw = _interrupted(problem, limits, watch)
        raw = replace(raw, build_seconds=raw.build_seconds + quick)
        return raw if start is None else _start.not_below(problem, start, raw)


def _solve_there(
    process: Worker, solver: Adapter, problem: Problem, limits: Limits, watch: Watch
) -> RawResult:
    """Solve in a process; where that is ended, return the last answer that it had."""
    begun, seconds = monotonic(), _backend.seconds(limits)
    if not process.wait(watch.deadline):
        note = "the time was up before its process had started"
        return RawResult(indices=None, termination=Termination.TIME_LIMIT, message=note)
    end = watch.deadline + (0.0 if seconds is None else _contained.overstay(seconds))
    ended = process.run(_work, solver, problem, limits, watch, end=end)
    if ended.how == "returned" and ended.value is not None:
        return ended.value
    last = ended.value or RawResult(indices=None, termination=ended.termination)
    last = replace(last, termination=ended.termination, solve_seconds=monotonic() - begun)
    return _noted(last, ended.note(solver.name))


def _work(
    report: Report, solver: Adapter, problem: Problem, limits: Limits, watch: Watch
) -> RawResult:
    """Solve in the process that was started for it."""
    return solver.search(problem, limits, replace(watch, report=report))


def _interrupted(problem: Problem, limits: Limits, watch: Watch) -> RawResult:
    """Solve nothing."""
    return RawResult(indices=None, termination=Termination.INTERRUPTED)


def _noted(raw: RawResult, note: str) -> RawResult:
    return replace(raw, message="; ".join(filter(None, (raw.message, note))))
