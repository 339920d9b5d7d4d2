"""Proven optima of scalar mean matching, in integer arithmetic."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_number, require_one_of
from subsetopt._dependencies import NUMBA, OptionalDependency
from subsetopt._processes import processors
from subsetopt.errors import TooLarge
from subsetopt.limits import Limits
from subsetopt.problems import MeanMatching
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, TimedSolver, stoppable
from subsetopt.solvers.base import Kind, RawResult
from subsetopt.solvers.heuristics.swap import Swap

from . import _dynamic, _meet
from ._counts import CountLimits
from ._integers import Integers, Subproblem
from ._window import FreeWindow

__all__ = ["Exact"]

_STOPPED = (Termination.TIME_LIMIT, Termination.INTERRUPTED)
_RESTARTS = 300  # of the swaps that begin: some 10 ms at most, and often they end it
_BEYOND = "closed form: no selection lies beyond this one"
_POSITIONS = 2**16  # that those restarts may scan

Method = Literal["auto", "meet", "dynamic", "window"]


class MethodPlan(NamedTuple):
    """What a method is estimated to cost."""

    seconds: float
    bytes: float
    method: Method


@dataclass(frozen=True, kw_only=True)
class Exact(TimedSolver):
    """Prove the optimum: binary floats are whole numbers times a power of two.

    Closed form where the target is out of reach; else the cheapest of

    * ``meet``: meet in the middle over all subsets of the right size, O(2^(n/2)) time or
      O(C(n/2, k)) for small k, with memory bounded whatever n;
    * ``dynamic``: a dynamic program over (count, sum), O(n k sums / 64), for small integers and
      for few distinct values;
    * ``window``: for large n, re-chooses among some 40 to 60 of the items until the sum attains
      the nearest point of the values' own grid, below which no selection can be. It proves the
      optimum when it succeeds, as it nearly always does where selections are far more than grid
      points, and proves nothing when it does not.

    Under quotas all three look at nothing else: halves list only what keeps the counts of the
    groups within them, tables count one group after another, windows change no count. Overlapping
    quotas are searched once for each way to keep them, of which there may be 1024.

    Refuses, with an estimate, what would take longer than the limit.

    Parameters
    ----------
    method : {"auto", "meet", "dynamic", "window"}
    max_seconds : float
        Largest estimate that is attempted without a time limit; a time limit replaces it.
    max_bytes : float
        Largest estimate of memory that is attempted.
    """

    method: Method = "auto"
    max_seconds: float = 60.0
    max_bytes: float = 4 * 2.0**30

    name: ClassVar[str] = "exact"
    kind: ClassVar[Kind] = Kind.EXACT
    summary: ClassVar[str] = "meet in the middle, dynamic program or grid proof, in integers"
    choose_when: ClassVar[str] = "the optimum must be proven: n <= 56, small integers, or float32"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)
    takes: ClassVar[frozenset[str]] = frozenset({"quotas", "overlapping-quotas"})
    requires: ClassVar[tuple[OptionalDependency, ...]] = (NUMBA,)
    exact: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_one_of("method", self.method, get_args(Method))
        for option in ("max_seconds", "max_bytes"):
            require_number(option, getattr(self, option), "(0, inf]")

    def search(self, problem: MeanMatching, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the optimum, or the best found when the time was up.

        Raises
        ------
        TooLarge
            If no method's estimate is within the limits.
        """
        for end in problem.extremes if problem.side is None else ():
            deadline.check()
            if problem.exact_objective(end) == problem.lower_bound():
                return _proven(end, _BEYOND, deadline)
        search = _SubsetSearch(problem, limits, deadline)
        if not search.open:
            return _proven(search.selection(), _BEYOND, deadline)
        if search.attained:
            return _proven(search.selection(), "attains the nearest grid point", deadline)
        if search.stopped:
            return search.unproven(search.stopped)
        return self._by_plans(search, deadline)

    def _by_plans(self, search: "_SubsetSearch", deadline: Deadline) -> RawResult:
        with stoppable() as stopped:
            for plan in self._plans(search):
                if search.by(plan.method):
                    note = f"{plan.method}: estimated {plan.seconds:.2g} s"
                    return _proven(search.selection(), note, deadline)
            deadline.check()
        return search.unproven(stopped.reason or Termination.ITERATION_LIMIT)

    def _plans(self, search: "_SubsetSearch") -> list[MethodPlan]:
        """Return the methods within the limits, cheapest first, or raise TooLarge."""
        allowed = self.max_seconds if search.time_limit is None else search.time_limit
        plans = [plan for plan in search.plans() if self.method in ("auto", plan.method)]
        within = [p for p in plans if p.seconds <= allowed and p.bytes <= self.max_bytes]
        if within:
            return sorted(within)
        estimates = "; ".join(
            f"{p.method} needs about {p.seconds:.2g} s and {p.bytes / 2**30:.2g} GiB"
            for p in sorted(plans)
        )
        least = min(plans, default=MethodPlan(math.inf, math.inf, self.method))
        raise TooLarge(
            f"proving the optimum is refused for n = {search.integers.n}: "
            f"{estimates or f'{self.method} does not apply'}; the limits are {allowed:g} s and "
            f"{self.max_bytes / 2**30:.2g} GiB. Use solver 'swap', whose answer carries a bound, "
            "or raise time_limit or the options max_seconds and max_bytes",
            seconds=least.seconds,
            bytes=least.bytes,
        )


class _SubsetSearch:
    """The problem in integers, the best subset so far, and the methods that improve it."""

    def __init__(self, problem: MeanMatching, limits: Limits, deadline: Deadline) -> None:
        self.time_limit, self.deadline = limits.time_limit, deadline
        self._threads = limits.threads or processors()
        self._seed = limits.seed
        self.integers = Integers.of(problem, deadline.check)
        least = min(sub.least for sub in self.integers.subproblems) * self.integers.unit
        gap = float(least) * (1 + 1e-9)
        enough = Limits(seed=limits.seed, absolute_gap=gap, start=limits.start)
        restarts = max(8, min(_RESTARTS, _POSITIONS // problem.n))
        # A good selection keeps the searches short, which look no farther than it; and often it
        # attains the nearest grid point, so that nothing is searched.
        first = Swap(restarts=restarts).bounded(problem, enough, deadline)
        assert first.indices is not None  # swap always has an answer
        self.stopped = first.termination if first.termination in _STOPPED else None
        self._best = self.integers.subset(first.indices.astype(np.int64))
        self._sub = next(s for s in self.integers.subproblems if s.allows(self._best))
        self._distance = self.integers.distance(self._best, self._sub)
        self.open = self.integers.subproblems
        if problem.side is not None:
            self.open = tuple(self._within(problem))
            """The subproblems whose sums lie on both sides of what is wanted."""

    def _within(self, problem: MeanMatching) -> Iterator[Subproblem]:
        """Yield what is to be searched; of the others one end is the best."""
        order, values = np.argsort(problem.values, kind="stable"), self.integers.values
        for sub in self.integers.subproblems:
            self.deadline.check()
            limits = sub.limits_of(self.integers.n)
            low, high = limits.first(order, sub.count), limits.first(order[::-1], sub.count)
            sums = [sum(values[int(i)] for i in end) for end in (low, high)]
            if sums[0] < sub.wanted < sums[1]:
                yield sub
            else:
                self._keep(low if sub.wanted <= sums[0] else high, sub)

    @property
    def attained(self) -> bool:
        """Whether the best is as near as the grid of the values allows."""
        return self._distance == min(sub.least for sub in self.integers.subproblems)

    def selection(self) -> NDArray[np.int64]:
        """Return the best selection so far."""
        return self.integers.selection(self._best)

    def unproven(self, termination: Termination) -> RawResult:
        """Return the best selection so far, with nothing proven."""
        least = min(sub.least for sub in self.integers.subproblems)
        return RawResult(
            indices=self.selection(),
            termination=termination,
            bound=least * self.integers.unit,
            solve_seconds=self.deadline.elapsed,
            message="the search did not come to a proof",
        )

    def plans(self) -> Iterator[MethodPlan]:
        """Yield what each method would cost."""
        meets = []
        for sub in self.open:
            self.deadline.check()
            meets.append(_meet.estimate(self.integers.values, sub))
        pieces = _meet.room_bytes(max(each.keys for each in meets) / 2, self._threads)
        seconds = sum(each.seconds for each in meets) / self._threads
        yield MethodPlan(seconds, max(each.bytes for each in meets) + pieces, "meet")
        # As few sums as the best selection so far leaves of interest.
        width = self._width()
        tables = [
            _dynamic.estimate(limits, [sub.count for sub in subs], width)
            for limits, subs in self._by_limits()
        ]
        yield MethodPlan(sum(t[0] for t in tables), max(t[1] for t in tables), "dynamic")
        window = self._window()
        if window is not None:
            yield MethodPlan(window.seconds / self._threads, window.bytes, "window")

    def _by_limits(self) -> list[tuple[CountLimits, list[Subproblem]]]:
        """Return what is to be searched by the limits on groups."""
        found: dict[int, tuple[CountLimits, list[Subproblem]]] = {}
        for sub in self.open:
            limits = sub.limits or CountLimits.none(self.integers.n)
            found.setdefault(id(sub.limits), (limits, []))[1].append(sub)
        return list(found.values())

    def by(self, method: Method) -> bool:
        """Improve the best by one method; returns whether it is proven optimal."""
        methods = {"meet": self._by_meet, "dynamic": self._by_dynamic, "window": self._by_window}
        return methods[method]()

    def _keep(self, subset: NDArray[np.int64] | None, sub: Subproblem) -> None:
        if subset is not None and self.integers.distance(subset, sub) < self._distance:
            self._best, self._sub = subset, sub
            self._distance = self.integers.distance(subset, sub)

    def _by_meet(self) -> bool:
        complete = True
        for sub in self.open:
            if sub.count == 0:
                self._keep(np.empty(0, dtype=np.int64), sub)
                continue
            values, reach, deadline = self.integers.values, self._distance, self.deadline
            meet = _meet.Meet(values, sub, reach, self._threads, deadline=deadline)
            subset, searched = meet.run()
            self._keep(subset, sub)
            if self.attained:
                return True
            complete = complete and searched
        return complete

    def _width(self) -> int:
        return max(_dynamic.table_width(sub, self._distance) for sub in self.open)

    def _by_dynamic(self) -> bool:
        for limits, subs in self._by_limits():
            counts = [sub.count for sub in subs]
            tables = _dynamic.SumTables(self.integers.values, limits, counts, self._width())
            complete = tables.fill(self.deadline)
            for sub in subs:
                self._keep(tables.best(sub), sub)
            if not complete:
                return self.attained
        return True

    def _window(self) -> FreeWindow | None:
        if len(self.integers.subproblems) > 1:
            return None
        return FreeWindow.sized(self.integers, self._best, self._sub)

    def _by_window(self) -> bool:
        window = self._window()
        assert window is not None  # it was planned
        for subset in window.search(self._seed, self._threads, self.deadline):
            self._keep(subset, self._sub)
            if self.attained:
                return True
        return False


def _proven(selection: NDArray[np.int64], note: str, deadline: Deadline) -> RawResult:
    return RawResult(
        indices=selection,
        termination=Termination.OPTIMAL,
        proven=True,
        solve_seconds=deadline.elapsed,
        message=note,
    )
