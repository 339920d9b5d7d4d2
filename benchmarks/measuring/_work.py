"""The work of one run's process: warm-up, timed calls, evaluation."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from statistics import median
from time import perf_counter, process_time
from typing import Any

from subsetopt.benchmarks.cases import Case
from subsetopt.benchmarks.cases.base import SelectionCase
from subsetopt.benchmarks.results import Bound, CaseInfo, Contender, Key, Plan, Row
from subsetopt.errors import SubsetOptError
from subsetopt.limits import Limits
from subsetopt.models import QUADRATIC_FAMILIES
from subsetopt.solvers import bounds, catalogue
from subsetopt.solvers.base import Kind

WARM_UP = 0.1
"""Seconds at which the untimed first call is stopped."""
TURN = 0.01
"""Seconds that the timed calls of a run last: a shorter one is repeated, `CALLS` times at most."""
CALLS = 20
COMPILATION = 120.0
"""Seconds beyond its limit that the first call may take where it compiles."""

Tell = Callable[[str, float], None]
"""Says what begins now, and after how many seconds it is to be ended from outside."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """One run of a contender on a case."""

    case: Case
    contender: Contender
    repeat: int
    limits: Limits
    grace: float
    """Seconds that a call may take beyond its limit."""

    @property
    def blank(self) -> Row:
        """The row of a run that has brought nothing."""
        known = self.case.known
        return Row.of(
            CaseInfo.of(self.case),
            self.limits,
            case=self.case.name,
            best_known=known.objective if known else None,
            proven=known is not None and known.proven,
            solver=self.contender.label,
            options=self.contender.options,
            repeat=self.repeat,
        )

    def failed(self, failure: str) -> Row:
        """Return the row that says why there is no answer."""
        return replace(self.blank, failure=failure)

    def run(self, tell: Tell) -> Row:
        """Warm up, measure, and return the row."""
        warm = min(WARM_UP, self.limits.time_limit or WARM_UP)
        held = _held()
        try:
            tell("warm-up", warm + self.grace + self._compilation())
            warm_up = self._warm_up(warm)
            tell("solve", (self.limits.time_limit or 0.0) + self.grace)
            calls = _Calls(self)
            calls.turn()
            peak = max(0, _peak_memory() - held)
            tell("evaluation", self.grace + COMPILATION)
            return replace(calls.row(), warm_up_seconds=warm_up, peak_bytes=peak)
        except SubsetOptError as error:
            return self.failed(f"{type(error).__name__}: {error}")

    def _warm_up(self, time_limit: float) -> float | None:
        """Return the seconds of the first call; None where so short a limit makes it refuse."""
        try:
            return _Calls(self).once(replace(self.limits, time_limit=time_limit))
        except SubsetOptError:
            return None

    def _compilation(self) -> float:
        """Return what the first call may take beyond its limit; backends come compiled."""
        name = self.contender.name
        backend = name in catalogue.names() and catalogue.solver_class(name).kind is Kind.BACKEND
        return 0.0 if backend else COMPILATION


@dataclass
class _Calls:
    """The calls of one run: what they took, and what they returned."""

    job: Measurement
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    returned: list[Any] = field(default_factory=list)

    def once(self, limits: Limits) -> float:
        """Solve a fresh problem; return the seconds of the call alone."""
        call = self.job.case.prepared(self.job.contender, limits)
        cpu, start = process_time(), perf_counter()
        returned = call()
        seconds = perf_counter() - start
        self.cpu.append(process_time() - cpu)
        self.seconds.append(seconds)
        self.returned.append(returned)
        return seconds

    def turn(self) -> None:
        """Solve as often as fits into a turn, once at least."""
        end = perf_counter() + TURN
        while True:
            self.once(self.job.limits)
            if perf_counter() >= end or len(self.seconds) >= CALLS:
                return

    def row(self) -> Row:
        """Return what has been measured, with the first result: all calls have the same seed."""
        solutions = [self.job.case.solution(returned) for returned in self.returned]
        stats = [solution.stats for solution in solutions]
        overheads = [
            seconds - one.build_seconds - one.solve_seconds
            for seconds, one in zip(self.seconds, stats, strict=True)
        ]
        return self.job.blank.with_solution(
            solutions[0],
            seconds=tuple(self.seconds),
            build_seconds=median(one.build_seconds for one in stats),
            solve_seconds=median(one.solve_seconds for one in stats),
            overhead_seconds=median(overheads),
            cpu_seconds=sum(self.cpu) / len(self.cpu),
        )


def _held() -> int:
    """Return the bytes that this process holds."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def _peak_memory() -> int:
    """Return the most bytes that it has held."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@dataclass(frozen=True, kw_only=True, eq=False)
class Bounding:
    """A bound of a case, for all its answers."""

    case: SelectionCase
    method: str
    """Of `subsetopt.solvers.bounds`."""
    limits: Limits
    grace: float

    def failed(self, failure: str) -> Bound:
        """Return why there is none."""
        return Bound(case=self.case.name, method=self.method, failure=failure)

    def run(self, tell: Tell) -> Bound:
        """Work it out."""
        tell("bound", (self.limits.time_limit or 0.0) + self.grace + COMPILATION)
        start = perf_counter()
        try:
            found = bounds.bounded(self.case.problem(), self.method, self.limits)
        except SubsetOptError as error:
            return self.failed(f"{type(error).__name__}: {error}")
        if not isfinite(found.value):
            return self.failed(found.note or f"none within {self.limits.time_limit} s")
        seconds = perf_counter() - start
        return Bound(case=self.case.name, method=self.method, value=found.value, seconds=seconds)


Job = Measurement | Bounding


# -- the jobs of a plan ---------------------------------------------------------------------------


def solving(plan: Plan, cases: Sequence[Case], keys: Sequence[Key]) -> list[Job]:
    """Return the measurements of these keys."""
    by_name = {case.name: case for case in cases}
    by_label: Mapping[str, Contender] = {
        contender.label: contender for contender in plan.contenders
    }
    settings = plan.settings
    return [
        Measurement(
            case=by_name[case],
            contender=by_label[label],
            repeat=repeat,
            limits=Limits(time_limit=limit, seed=settings.seed + repeat, threads=settings.threads),
            grace=settings.grace,
        )
        for case, label, repeat, limit in keys
    ]


def bounded_cases(plan: Plan, cases: Sequence[Case]) -> list[SelectionCase]:
    """Return the cases that bounds are wanted of: those that have none of their own.

    Raises InvalidOption for an unknown bound, UnsupportedProblem where there is no such case.
    """
    if plan.settings.bound == "none":
        return []
    able: list[SelectionCase] = []
    others: list[SelectionCase] = []
    for case in cases:
        if isinstance(case, SelectionCase):
            (able if case.family in QUADRATIC_FAMILIES else others).append(case)
    for first in (able or others)[:1]:
        bounds.require(first.problem(), plan.settings.bound)
    return able


def bounding(plan: Plan, cases: Sequence[SelectionCase], known: Iterable[Bound]) -> list[Job]:
    """Return what is to be done for the bounds that are not known."""
    settings = plan.settings
    limits = Limits(
        time_limit=settings.time_limits[-1], seed=settings.seed, threads=settings.threads
    )
    there = {bound.case for bound in known}
    return [
        Bounding(case=case, method=settings.bound, limits=limits, grace=settings.grace)
        for case in cases
        if case.name not in there
    ]
