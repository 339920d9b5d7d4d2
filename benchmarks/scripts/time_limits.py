"""Compliance with time limits, of every solver on every family, size and limit.

``python -m benchmarks.scripts.time_limits`` prints the table.
A call is within its limit if it takes no more than 0.3 s or a tenth of the limit longer, with all
that it builds, and is not slowed by compiling: the same solver has solved a small problem of the
kind before. Stating the problem, which evaluates the kernel matrix of `MMDSelection`, is not in the
limit; its time is shown too. Each call has one thread and a process of its own, which is ended
where it takes far too long.
"""

import gc
import math
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from time import perf_counter

import numpy as np

import subsetopt as so
from subsetopt._clock import CLOCK
from subsetopt._processes import end_with
from subsetopt.problems._memory import memory_limit
from subsetopt.problems._parallel import one_blas_thread
from subsetopt.solvers import catalogue

from .script import Row, parser, report, report_machine

Problem = so.MeanMatching | so.MMDSelection | so.QuadraticSelection

SLACK = 0.3
"""Seconds by which a limit may be passed, or a tenth of it where that is more."""

_GRACE = 60.0  # seconds past what is allowed, after which a call is ended
_WARMING = 1.0  # seconds for the problem that is solved first; compiling takes none of it
_SMALL = 40  # candidates of the problem that is solved first


@dataclass(frozen=True)
class LimitCase:
    """A problem to be stated."""

    family: str
    n: int
    k: int
    d: int = 0
    """Features; 1 for scalars, 0 for matrices."""
    dtype: str = "float64"

    @property
    def name(self) -> str:
        """For the table."""
        features = f" x {self.d}" if self.d > 1 else ""
        return f"{self.family} {self.n}{features}, k={self.k}"

    @property
    def bytes(self) -> int:
        """What the data take, with the kernel matrix."""
        width = np.dtype(self.dtype).itemsize
        square = self.family in ("quadratic", "mmd")
        return width * self.n * (self.n if square else self.d)

    def small(self) -> "LimitCase":
        """Return a case for which the same code is compiled."""
        n = min(self.n, _SMALL)
        return replace(self, n=n, k=n // 4)

    def stated(self) -> Problem:
        """State the problem."""
        generator = np.random.default_rng(self.n)
        if self.family == "quadratic":
            matrix = np.empty((self.n, self.n), self.dtype)
            for i in range(self.n):  # a row and a column at a time: no second matrix
                matrix[i, : i + 1] = matrix[: i + 1, i] = generator.integers(-9, 10, i + 1)
            return so.QuadraticSelection(matrix, None, self.k, copy=False)
        shape = (self.n,) if self.family == "mean-matching" else (self.n, max(1, self.d))
        values = generator.standard_normal(shape, np.float32).astype(self.dtype, copy=False)
        if self.family == "mmd":
            return so.MMDSelection(values, self.k, kernel=so.Gaussian(scale=math.sqrt(self.d)))
        return so.MeanMatching(values, self.k)


CASES = (
    LimitCase("mean-matching", 128, 12, 1),
    LimitCase("mean-matching", 100_000, 1_000, 1),
    LimitCase("mean-matching", 1_000_000, 100_000, 1, "float32"),
    LimitCase("vector-mean-matching", 1_000, 100, 16),
    LimitCase("vector-mean-matching", 10_000, 1_000, 64),
    LimitCase("vector-mean-matching", 50_000, 1_000, 64),
    LimitCase("vector-mean-matching", 300_000, 1_000, 384, "float32"),
    LimitCase("quadratic", 200, 40),
    LimitCase("quadratic", 600, 100),
    LimitCase("quadratic", 4_000, 1_000),
    LimitCase("quadratic", 20_000, 5_000, dtype="float32"),
    LimitCase("mmd", 500, 50, 5),
    LimitCase("mmd", 900, 90, 5),
    LimitCase("mmd", 4_000, 400, 5),
    LimitCase("mmd", 20_000, 2_000, 5, "float32"),
)
BOUNDS = ("fw", "sdp", "qp", "rlt")
LIMITS = (1.0, 10.0)


@dataclass(frozen=True)
class Call:
    """One solver, or one bound with `random`, on one case, with one limit."""

    solver: str
    limit: float
    bound: str = "none"

    @property
    def name(self) -> str:
        """For the table."""
        return self.solver if self.bound == "none" else f"bound {self.bound}"

    @property
    def allowed(self) -> float:
        """Seconds that it may take."""
        return self.limit + max(SLACK, 0.1 * self.limit)

    def solve(self, problem: Problem) -> so.Solution:
        """Do it."""
        return so.solve(
            problem, self.solver, time_limit=self.limit, bound=self.bound, threads=1, seed=0
        )


def measured(case: LimitCase, problem: Problem, call: Call) -> Row:
    """Return the row of one call, from a process of its own."""
    context = multiprocessing.get_context("fork")  # which shares the problem
    here, there = context.Pipe(duplex=False)
    process = context.Process(
        target=_answer, args=(os.getpid(), case, problem, call, there), daemon=True
    )
    process.start()
    there.close()
    row: Row = {"case": case.name, "solver": call.name, "limit": call.limit}
    try:
        while True:  # what was warmed up, then what was measured
            if not here.poll(call.allowed + _GRACE):
                return row | {"seconds": math.inf, "outcome": "ended from outside", "kept": False}
            told: Row | None = here.recv()
            if told is not None:
                return {**row, **told, "kept": told["seconds"] <= call.allowed}
    except EOFError:
        return row | {"seconds": math.nan, "outcome": "its process died", "kept": False}
    finally:
        process.kill()
        process.join()


def _answer(parent: int, case: LimitCase, problem: Problem, call: Call, told: Connection) -> None:
    end_with(parent)
    with one_blas_thread():
        told.send(_outcome(case, problem, call, told))


def _outcome(case: LimitCase, problem: Problem, call: Call, told: Connection) -> Row:
    with suppress(so.SubsetOptError):
        replace(call, limit=_WARMING).solve(case.small().stated())
    told.send(None)
    begin = CLOCK.now()  # which stands still for machine code that the small problem did not need
    try:
        solution = call.solve(problem)
        outcome = str(solution.termination)
        if solution.indices is None:
            outcome += ", no selection"
        elif call.bound != "none":
            outcome = "bound" if solution.bound is not None else "no bound"
    except so.TooLarge:
        outcome = "refused"
    except so.SubsetOptError as error:
        outcome = type(error).__name__
    return {"seconds": CLOCK.now() - begin, "outcome": outcome}


def calls(case: LimitCase, solvers: Sequence[str], limits: Sequence[float]) -> list[Call]:
    """Return what is to be measured on a case."""
    able = [
        name
        for name in solvers
        if name in catalogue.names()
        and case.family in catalogue.solver_class(name).handles
        and catalogue.solver_class(name).availability()
    ]
    found = [Call(name, limit) for name in able for limit in limits]
    if case.family != "mean-matching":
        found += [
            Call("random", limit, bound)
            for bound in BOUNDS
            if f"bound-{bound}" in solvers
            for limit in limits
        ]
    return found


def table(
    cases: Sequence[LimitCase],
    solvers: Sequence[str],
    limits: Sequence[float],
    progress: Callable[[str], object] = lambda text: None,
) -> list[Row]:
    """Measure all; cases that do not fit into memory three times over are left out."""
    rows: list[Row] = []
    for case in cases:
        if 3 * case.bytes > memory_limit():
            progress(f"{case.name}: too large for this machine")
            continue
        begin = perf_counter()
        problem = case.stated()
        stated = perf_counter() - begin
        gc.collect()
        for call in calls(case, solvers, limits):
            rows.append(measured(case, problem, call) | {"stated": stated})
            progress(" ".join(str(value) for value in rows[-1].values()))
        del problem
    return rows


def pivoted(rows: Sequence[Row]) -> list[Row]:
    """Return a row for each case, a column for each solver and limit, "-" where it is not able."""
    columns = dict.fromkeys(f"{row['solver']}, {row['limit']:g} s" for row in rows)
    table: dict[str, Row] = {}
    for row in rows:
        line = table.setdefault(row["case"], {"case": row["case"], **dict.fromkeys(columns, "-")})
        shown = "refused" if row["outcome"] == "refused" else f"{row['seconds']:.2f}"
        line[f"{row['solver']}, {row['limit']:g} s"] = shown + ("" if row["kept"] else " late")
    return list(table.values())


def main() -> None:
    """Print the table, and the calls that were late."""
    options = parser(__doc__)
    everything = [*catalogue.names(), *(f"bound-{bound}" for bound in BOUNDS)]
    options.add_argument(
        "--solvers", nargs="+", default=everything, choices=everything, metavar="NAME"
    )
    options.add_argument("--limits", nargs="+", type=float, default=LIMITS, metavar="SECONDS")
    options.add_argument("--families", nargs="+", metavar="FAMILY")
    options.add_argument("--largest", type=int, default=10**9, help="candidates, at most")
    given = options.parse_args()
    cases = [
        case
        for case in CASES
        if case.n <= given.largest and (not given.families or case.family in given.families)
    ]
    report_machine(given, slack=SLACK)
    rows = table(cases, given.solvers, given.limits, partial(print, file=sys.stderr, flush=True))
    title = f"Seconds until the answer; limits kept within {SLACK} s or a tenth of them"
    report(given, rows if given.json else pivoted(rows), "" if given.json else title)
    late = [row for row in rows if not row["kept"]]
    for row in late if not given.json else ():
        print(f"late: {row['case']}, {row['solver']}, limit {row['limit']:g} s: {row['outcome']}")
    print(f"{len(rows) - len(late)} of {len(rows)} calls kept their limit", file=sys.stderr)


if __name__ == "__main__":
    main()
