"""Each backend through its adapter, against a plain model in the solver's own interface.

``python -m benchmarks.scripts.adapters`` prints for each backend and problem the seconds of both to
the proof, or the gap that is left at the limit, and the seconds until the model is handed over, all
with one thread. Ratios above one say that the adapter is worse. ``--formulations`` measures those
given instead of the default, one column each.
"""

import argparse
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

import subsetopt as so

from .plain_models import PLAIN, Plain, PlainAnswer
from .script import Row, parser, report, report_machine

Problem = so.MeanMatching | so.QuadraticSelection | so.MMDSelection
_GROUPS, _AT_LEAST = 2, 2
_RUNS = 3  # of building a model, of which the least counts
_LEAST_GAP = 1e-6  # relative: below it the gap is closed


@dataclass(frozen=True)
class AdapterCase:
    """A kind of problem, at one size."""

    kind: str
    n: int
    k: int
    make: Callable[[int, int, so.Constraints | None], Problem]
    quotas: bool = False

    @property
    def name(self) -> str:
        """Its kind and size."""
        return f"{self.kind}{', quotas' if self.quotas else ''} {self.n}/{self.k}"

    def problem(self) -> Problem:
        """Return it."""
        quota = so.Quota(np.arange(self.n) % _GROUPS, at_least=_AT_LEAST)
        return self.make(self.n, self.k, so.Constraints(quotas=quota) if self.quotas else None)

    def plain(self, problem: Any) -> Plain:
        """Return its numbers."""
        groups = [list(range(g, self.n, _GROUPS)) for g in range(_GROUPS)] if self.quotas else []
        if self.kind == "mean":
            values, target = problem.values.tolist(), float(problem.target_value)
            return Plain(self.n, self.k, values, target, [], [], groups, _AT_LEAST)
        form = problem.quadratic_form()
        pairs = form.matrix.astype(np.float64).tolist()
        return Plain(self.n, self.k, [], 0.0, pairs, form.linear.tolist(), groups, _AT_LEAST)


def mean(n: int, k: int, constraints: so.Constraints | None) -> Problem:
    """Return losses whose mean is to be matched."""
    values = np.random.default_rng(n).normal(size=n).round(3)
    return so.MeanMatching(values, k, target=0.25, constraints=constraints)


def vectors(n: int, k: int, constraints: so.Constraints | None) -> Problem:
    """Return vectors whose mean is to be matched."""
    return so.MeanMatching(np.random.default_rng(n).normal(size=(n, 4)), k, constraints=constraints)


def convex(n: int, k: int, constraints: so.Constraints | None) -> Problem:
    """Return a semidefinite matrix, as of portfolios, and returns."""
    draw = np.random.default_rng(n)
    factors = draw.normal(size=(n, n))
    return so.QuadraticSelection(
        factors @ factors.T / n, -draw.random(n), k, constraints=constraints
    )


def diversity(n: int, k: int, constraints: so.Constraints | None) -> Problem:
    """Return distances, whose sum is to be large."""
    pairs = np.triu(np.random.default_rng(n).integers(0, 101, (n, n)), 1)
    return so.QuadraticSelection(pairs, None, k, sense="maximise", constraints=constraints)


def signs(n: int, k: int, constraints: so.Constraints | None) -> Problem:
    """Return an indefinite matrix of normal numbers, a third of which are zero."""
    draw = np.random.default_rng(n)
    matrix = draw.normal(size=(n, n)) * (draw.random((n, n)) < 0.67)
    return so.QuadraticSelection(matrix + matrix.T, None, k, constraints=constraints)


def mixture(n: int, k: int, constraints: so.Constraints | None) -> Problem:
    """Return points of a mixture, to stand for all of them."""
    draw = np.random.default_rng(n)
    points = draw.normal(scale=3, size=(5, 2))[draw.integers(5, size=n)] + draw.normal(size=(n, 2))
    return so.MMDSelection(points, k=k, constraints=constraints)


_MAKERS = {
    "mean": mean,
    "vectors": vectors,
    "convex": convex,
    "diversity": diversity,
    "signs": signs,
    "MMD": mixture,
}


def cases(sizes: list[int]) -> Iterator[AdapterCase]:
    """Yield each kind at each size, and the smallest of each with quotas."""
    for kind, make in _MAKERS.items():
        for n in sizes:
            yield AdapterCase(kind, n, max(4, n // 5), make)
        yield AdapterCase(kind, sizes[0], max(4, sizes[0] // 5), make, quotas=True)


@dataclass(frozen=True)
class AdapterOutcome:
    """What a solver came to: seconds to the proof, or the gap at the limit, and of building."""

    seconds: float
    proven: bool
    gap: float
    build: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s" if self.proven else f"{100 * self.gap:.3g} %"

    def worse_than(self, other: "AdapterOutcome") -> float:
        """Return the ratio of the seconds if both proved it, of gaps if neither, else 0 or inf."""
        if self.proven != other.proven:
            return 0.0 if self.proven else float("inf")
        if self.proven:
            return self.seconds / other.seconds
        return self.gap / other.gap if np.isfinite(self.gap) else float(np.isinf(other.gap))


def through_adapter(problem: Problem, solver: Any, limit: float) -> AdapterOutcome:
    """Solve with the adapter."""
    solve = partial(so.solve, problem, threads=1, bound="none")
    solve(solver, time_limit=0.1)  # loads, and compiles, what it needs
    cold = replace(solver, warm_start=False)
    # With no time left it ends once the model is built.
    times = [solve(cold, time_limit=1e-4) for _ in range(_RUNS)]
    build = min(each.stats.build_seconds for each in times)
    begun = perf_counter()
    solution = solve(solver, time_limit=limit)
    seconds = perf_counter() - begun
    assert solution.objective is not None
    bound = -np.inf if solution.bound is None else solution.bound
    proven = solution.termination is so.Termination.OPTIMAL
    return AdapterOutcome(seconds, proven, _gap(problem, solution.objective, bound), build)


def directly(case: AdapterCase, problem: Problem, backend: str, limit: float) -> AdapterOutcome:
    """Solve the plain model, in a process that can be ended: CBC does not keep its limit."""
    plain = case.plain(problem)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        try:
            answer = pool.apply_async(_built_and_solved, (backend, plain, limit)).get(2 * limit + 8)
        except multiprocessing.TimeoutError:
            return AdapterOutcome(limit, False, np.inf, np.nan)
    return of_plain(problem, plain, answer)


def _built_and_solved(backend: str, plain: Plain, limit: float) -> PlainAnswer:
    build = min(PLAIN[backend](plain, 1e-3).build for _ in range(_RUNS))
    return replace(PLAIN[backend](plain, limit), build=build)


def of_plain(problem: Problem, plain: Plain, answer: PlainAnswer) -> AdapterOutcome:
    """Return what a plain model came to, in units of the problem."""
    value = np.inf if answer.chosen is None else float(problem.objective(answer.chosen))
    bound = answer.bound
    if plain.pairs and np.isfinite(bound):
        bound = problem.quadratic_form().lift(bound)
    if problem.family != "quadratic":
        bound = max(bound, 0.0)  # as adapters have it: these objectives are not negative
    seconds = answer.build + answer.solve
    return AdapterOutcome(seconds, answer.optimal, _gap(problem, value, bound), answer.build)


def _gap(problem: Problem, value: float, bound: float) -> float:
    form = None if problem.family == "mean-matching" else problem.quadratic_form()
    constant = 0.0 if form is None else form.constant
    apart = max(0.0, abs(value - bound)) / max(abs(value - constant), 1e-9)
    return max(apart, _LEAST_GAP)


def measured(case: AdapterCase, backend: str, formulations: list[str], limit: float) -> Row:
    """Return the row of a case."""
    problem = case.problem()
    plain = directly(case, problem, backend, limit)
    row: Row = {"backend": backend, "problem": case.name, "plain": str(plain)}
    for formulation in formulations:
        if formulation != "auto" and case.kind == "mean":
            continue
        ours = through_adapter(problem, so.solver(backend, formulation=formulation), limit)
        row |= {
            formulation: str(ours),
            f"{formulation}: ratio": ours.worse_than(plain),
            f"{formulation}: build": ours.build / plain.build,
        }
    return row


def main(arguments: list[str] | None = None) -> None:
    """Print the table, line by line."""
    options = parser(__doc__)
    options.add_argument("--backends", nargs="+", default=list(PLAIN), choices=list(PLAIN))
    options.add_argument("--formulations", nargs="+", default=["auto"])
    options.add_argument("--sizes", nargs="+", type=int, default=[20, 30, 50])
    options.add_argument("--limit", type=float, default=5.0, help="seconds of each solve")
    options.add_argument("--only", default="", help="only problems whose name holds this text")
    given: argparse.Namespace = options.parse_args(arguments)
    report_machine(given)
    for backend in given.backends:
        few = AdapterCase("signs", 8, 4, signs)
        measured(few, backend, given.formulations, 1.0)  # loaded before anything is timed
        for case in cases(given.sizes):
            if given.only in case.name:
                report(given, [measured(case, backend, given.formulations, given.limit)])


if __name__ == "__main__":
    main()
