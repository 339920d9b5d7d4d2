"""Running solvers on cases: the same work for all, in turns, timed from outside."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from subsetopt.baseline import random_objectives, rank
from subsetopt.errors import InvalidOption, SubsetOptError
from subsetopt.forms import QUADRATIC_FAMILIES
from subsetopt.limits import Limits
from subsetopt.solution import Solution, Termination
from subsetopt.solvers import bounds
from subsetopt.solving import solve

from .cases import Case
from .rows import Row
from .yardsticks import with_bounds, with_gaps

SLOW = 0.5
"""Seconds from which on a solve is too long to be repeated just to warm up."""
TURN = 0.01
"""Seconds that a turn lasts: a shorter solve is repeated in it, `SOLVES` times at most."""
SOLVES = 20
DRAWS = 1000
"""Random subsets that each answer is ranked among; fewer where k is large, for a quadratic is
evaluated in O(k^2)."""

Progress = Callable[[int, int, str], None]
"""Called with the number of steps done, of all steps, and what comes next."""


@dataclass(frozen=True)
class Run:
    """What a run has measured.

    Parameters
    ----------
    rows : tuple of Row
        In the order of cases, then solvers.
    interrupted : bool
        Ctrl-C ended it early; the rows are those measured until then.
    notes : tuple of str
        Bounds that could not be had, and why.
    """

    rows: tuple[Row, ...]
    interrupted: bool
    notes: tuple[str, ...] = ()


@dataclass
class _Entry:
    """A solver on a case: what has been measured so far."""

    case: Case
    solver: str
    limits: Limits
    seconds: list[float] = field(default_factory=list)
    solution: Solution | None = None
    failure: str = ""

    def warm_up(self) -> float:
        """Solve once without trace, for `SLOW` seconds at most; return the seconds."""
        whole = self.limits
        self.limits = replace(whole, time_limit=min(whole.time_limit or SLOW, SLOW))
        seconds = self.solve()
        self.limits, self.solution = whole, None
        return seconds

    def solve(self) -> float:
        """Solve once, on a fresh problem; return the seconds of the call alone."""
        problem = self.case.problem()
        start = perf_counter()
        try:
            solution = solve(problem, self.solver, **asdict(self.limits))
        except SubsetOptError as error:
            self.failure = f"{type(error).__name__}: {error}"
            return perf_counter() - start
        seconds = perf_counter() - start
        if solution.termination is Termination.INTERRUPTED:
            raise KeyboardInterrupt  # a solver took Ctrl-C for itself; it was meant for the run
        self.solution = self.solution or solution
        return seconds

    def turn(self) -> float:
        """Solve as often as fits into a turn, once at least; return the seconds of the last."""
        end, most = perf_counter() + TURN, len(self.seconds) + SOLVES
        while True:
            seconds = self.solve()
            if self.failure:
                return seconds
            self.seconds.append(seconds)
            if perf_counter() >= end or len(self.seconds) >= most:
                return seconds

    def wants_more(self, patience: float) -> bool:
        return not self.failure and (not self.seconds or sum(self.seconds) < patience)


def run(
    cases: Sequence[Case],
    solvers: Sequence[str],
    *,
    repeats: int = 5,
    time_limit: float | None = 2.0,
    seed: int = 0,
    threads: int | None = None,
    patience: float = 1.0,
    bound: str = "none",
    progress: Progress | None = None,
) -> Run:
    """Solve every case by every solver.

    On each case the solvers take turns, in an order that is reversed each time, so that whatever
    else the machine does meets all alike. In a turn short solves are repeated: the first after
    another solver finds cold caches, which is seen in the spread, not in the median.
    Before the first turn each solves the case once untimed, because the first call may import and
    compile; a solver whose last solve took more than `SLOW` seconds is spared that.

    Parameters
    ----------
    cases : sequence of Case
    solvers : sequence of str
        Names; one that refuses or cannot run gets rows that say why.
    repeats : int
        Timed turns of each solver on each case; see `TURN`.
    time_limit, seed, threads
        Of each solve, as for `subsetopt.solve`.
    patience : float
        A solver that has spent this many seconds on a case is not repeated there any more.
    bound : str
        A method of `subsetopt.solvers.bounds`: a bound of each case is worked out by it, untimed
        and once, and given to the answers whose own is weaker.
    progress : callable, optional
        See `Progress`.

    Raises
    ------
    InvalidOption, UnsupportedProblem
        For options outside their domains, and a bound where there is none of that kind.
    """
    if repeats < 1:
        raise InvalidOption(f"repeats is {repeats}; at least 1 is needed")
    if bound != "none":
        for case in {case.family: case for case in cases}.values():
            bounds.require(case.problem(), bound)
    limits = Limits(time_limit=time_limit, seed=seed, threads=threads)
    entries: list[_Entry] = []
    interrupted = False
    try:
        for done, what in _steps(cases, solvers, repeats, limits, patience, entries):
            if progress is not None:
                progress(done, len(cases) * len(solvers) * (repeats + 1), what)
    except KeyboardInterrupt:
        interrupted = True
    rows = list(_rows(entries))
    notes: list[str] = []
    if bound != "none" and not interrupted:
        rows, notes = with_bounds(rows, cases, bound, limits)
    return Run(tuple(with_gaps(rows, cases)), interrupted, tuple(notes))


def _steps(
    cases: Sequence[Case],
    solvers: Sequence[str],
    repeats: int,
    limits: Limits,
    patience: float,
    entries: list[_Entry],
) -> Iterator[tuple[int, str]]:
    """Yield before every step, skipped ones included, and leave what is measured in `entries`."""
    last = dict.fromkeys(solvers, 0.0)  # seconds of each solver's latest solve
    done = 0
    for case in cases:
        current = [_Entry(case, name, limits) for name in solvers]
        entries.extend(current)
        for turn in range(repeats + 1):
            # To and fro: a short solve is slower just after a long one, which has the caches, and
            # so no solver may always come after the same other.
            for entry in current if turn % 2 == 0 else reversed(current):
                yield done, f"{entry.solver} on {case.name}"
                done += 1
                if turn == 0:
                    if last[entry.solver] <= SLOW:
                        last[entry.solver] = entry.warm_up()
                elif entry.wants_more(patience):
                    last[entry.solver] = entry.turn()


def _rows(entries: Sequence[_Entry]) -> Iterator[Row]:
    draws: dict[str, NDArray[np.float64]] = {}
    for entry in entries:
        if entry.solution is None and not entry.failure:
            continue  # interrupted before its first timed solve
        if entry.case.name not in draws:
            draws[entry.case.name] = random_objectives(
                entry.case.problem(), _draws(entry.case), entry.limits.seed
            )
        yield _row(entry, draws[entry.case.name])


def _draws(case: Case) -> int:
    if case.family not in QUADRATIC_FAMILIES:
        return DRAWS
    return max(DRAWS // 10, min(DRAWS, 40_000_000 // case.k**2))


def _row(entry: _Entry, draws: NDArray[np.float64]) -> Row:
    case, limits, solution = entry.case, entry.limits, entry.solution
    row = Row(
        case=case.name,
        source=case.source,
        n=case.n,
        k=case.k,
        solver=entry.solver,
        version=solution.version if solution else "",
        seed=limits.seed,
        time_limit=limits.time_limit,
        threads=limits.threads,
        sense=case.sense,
        best_known=case.known.objective if case.known else None,
        proven=case.known is not None and case.known.proven,
        failure=entry.failure,
    )
    if solution is None:
        return row
    objective = solution.objective
    return replace(
        row,
        objective=objective,
        bound=solution.bound,
        termination=solution.termination,
        certificate=solution.certificate.kind,
        eps=solution.certificate.eps,
        seconds=tuple(entry.seconds),
        build_seconds=solution.stats.build_seconds,
        solve_seconds=solution.stats.solve_seconds,
        repeats=len(entry.seconds),
        random_rank=None if objective is None else rank(objective, draws),
        message=solution.message,
    )
