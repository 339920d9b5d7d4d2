"""What constraints cost: proofs, matched means and kernel herds with quotas, beside those without.

And how many values the solvers prove the nearest mean of, with four quotas.

``python -m benchmarks.scripts.constraint_cost`` prints a table for each. One thread; everything is
compiled before it is timed. The references of the last table take most of the time.
"""

import argparse
import statistics
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

import subsetopt as so

from .proofs import ProofCase, measured
from .script import Row, parser, report, report_machine

SHARES = (8, 6, 4, 2)
"""How many of each of four groups of equal size are chosen of 20."""

_PROVEN = 1e-9  # of values with unit deviation


def quadratic(seed: int, n: int = 60) -> so.QuadraticSelection:
    """Return a dense quadratic problem of whole numbers with an exact quota for each group."""
    rng = np.random.default_rng(seed)
    Q = rng.integers(-50, 51, (n, n))
    quota = so.Quota(np.arange(n) % 4, exactly=dict(enumerate(SHARES)))
    return so.QuadraticSelection(Q + Q.T, k=sum(SHARES), constraints=so.Constraints(quotas=quota))


def proofs(given: argparse.Namespace) -> list[Row]:
    """Prove ten problems, by every solver within the same time."""
    case = ProofCase("quadratic, n=60, k=20, 4 quotas", [quadratic(s) for s in range(given.proofs)])
    return [measured(case, name, given.time_limit) for name in ("branch-and-bound", *given.against)]


def scalars(seed: int, quotas: bool) -> so.MeanMatching:
    """Choose 32 of 128 values, 8 of each group if quotas are wanted."""
    values = np.random.default_rng(seed).normal(size=128)
    rules = so.Constraints(quotas=so.Quota(np.arange(128) % 4, exactly=8)) if quotas else None
    return so.MeanMatching(values, 32, constraints=rules)


def matching(given: argparse.Namespace) -> list[Row]:
    """Match means with quotas and without, in turn."""
    rows, medians = [], []
    for quotas in (False, True):
        problems = [scalars(seed, quotas) for seed in range(given.matches)]
        solutions = [so.solve(problem, threads=1) for problem in problems]
        medians.append(statistics.median(each.stats.total_seconds for each in solutions))
        rows.append(
            {
                "mean matching, n=128, k=32": "4 exact quotas" if quotas else "no constraints",
                "solver": solutions[0].solver,
                "largest error": max(each.objective or 0.0 for each in solutions),
                "median, ms": 1e3 * medians[-1],
                "of none": medians[-1] / medians[0],
            }
        )
    return rows


def quartered(n: int) -> so.MeanMatching:
    """Choose a quarter of n values, as many of each of four groups."""
    values = np.random.default_rng(n).normal(size=n)
    rules = so.Constraints(quotas=so.Quota(np.arange(n) % 4, exactly=n // 16))
    return so.MeanMatching(values, 4 * (n // 16), constraints=rules)


def proving(given: argparse.Namespace) -> list[Row]:
    """Prove the nearest means of ever more values, until the time does not suffice."""
    return [
        {"mean matching, 4 quotas": name}
        | {f"n within {limit:g} s": _largest(name, limit) for limit in given.within}
        for name in ("exact", *given.matched_by)
    ]


def _largest(solver: str, limit: float) -> int:
    """Return the largest n, from 16 on in steps of 4, that is proven to a billionth; 0 for none."""
    proven = 0
    for n in count(16, 4):
        try:
            solution = so.solve(quartered(n), solver, time_limit=limit, threads=1)
        except so.TooLarge:
            break
        gap = (solution.objective or 0.0) - (solution.bound or 0.0)
        late = (solution.stats.total_seconds or 0.0) > limit
        if late or solution.termination is not so.Termination.OPTIMAL or gap > _PROVEN:
            break
        proven = n
    return proven


def herd(seed: int, quotas: bool) -> so.MMDSelection:
    """Choose 100 of 4,096 points of ten classes, in proportion and with five that must be in."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(10, size=4096)
    X = 2.0 * rng.normal(size=(10, 8))[labels] + rng.normal(size=(4096, 8))
    rules = so.Constraints(include=range(5), quotas=so.Quota.proportional(labels, 100))
    return so.MMDSelection(X, 100, constraints=rules if quotas else None)


def herding(given: argparse.Namespace) -> list[Row]:
    """Compare a second with the best of longer runs."""
    rows = []
    for quotas in (False, True):
        problem = herd(0, quotas)
        problem.quadratic_form()  # the kernel matrix is the problem's, whatever solves it
        short = so.solve(problem, "tabu", time_limit=given.short, threads=1)
        best = min(_values(problem, given))
        rows.append(
            {
                "MMD, n=4096, k=100": "10 quotas, 5 included" if quotas else "no constraints",
                "s": short.stats.total_seconds,
                "value": short.objective,
                "best": best,
                "runs": f"{given.runs} of {given.long:g} s",
                "over the best, %": 100 * ((short.objective or 0.0) / best - 1),
            }
        )
    return rows


def _values(problem: Any, given: argparse.Namespace) -> Sequence[float]:
    runs = (
        so.solve(problem, "tabu", time_limit=given.long, seed=1 + run, threads=1)
        for run in range(given.runs)
    )
    return [each.objective for each in runs if each.objective is not None]


PARTS = {"proofs": proofs, "matching": matching, "proving": proving, "herding": herding}


def main() -> None:
    """Print the tables."""
    options = parser(__doc__)
    options.add_argument("--only", choices=PARTS, help="one table")
    options.add_argument("--proofs", type=int, default=10, help="problems that are proven")
    options.add_argument(
        "--against", nargs="*", default=["scip", "highs"], help="solvers that prove the same"
    )
    options.add_argument("--time-limit", type=float, default=60.0, help="seconds for each proof")
    options.add_argument("--matches", type=int, default=20, help="problems of mean matching")
    options.add_argument(
        "--within", nargs="*", type=float, default=[1.0, 10.0], help="seconds for a proven mean"
    )
    options.add_argument(
        "--matched-by",
        nargs="*",
        default=["scip", "highs", "cpsat"],
        help="solvers that prove means too",
    )
    options.add_argument("--short", type=float, default=1.0, help="seconds of the short run")
    options.add_argument("--runs", type=int, default=10, help="long runs")
    options.add_argument("--long", type=float, default=60.0, help="seconds of each")
    given = options.parse_args()
    report_machine(given)
    for name, part in PARTS.items():
        if given.only in (None, name):
            _warm_up()
            report(given, part(given), name)


def _warm_up() -> None:
    """Compile, or load from the cache, all that is timed."""
    so.solve(quadratic(0, 40), so.solver("branch-and-bound", nodes=1))
    for quotas in (False, True):
        so.solve(scalars(0, quotas))
        points = np.random.default_rng(0).normal(size=(300, 2))
        rules = so.Constraints(quotas=so.Quota(np.arange(300) % 3, exactly=5)) if quotas else None
        so.solve(so.MMDSelection(points, 15, constraints=rules), "tabu", time_limit=0.2)


if __name__ == "__main__":
    main()
