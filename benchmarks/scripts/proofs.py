"""Proofs of optimality by branch and bound: how many, and how soon.

``python -m benchmarks.scripts.proofs --data DIR`` prints the table.
One thread; everything is compiled before it is timed. ``--against scip`` solves the mixtures, where
that takes no more than the time limit, by SCIP too.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import subsetopt as so
from subsetopt.benchmarks.cases import _quadratic_cases as public

from .script import Row, parser, report, report_machine

Problem = so.QuadraticSelection | so.MMDSelection


@dataclass(frozen=True)
class ProofCase:
    """Instances that share a row."""

    name: str
    problems: Sequence[Problem]


def mixtures(folder: Path | None) -> Iterator[ProofCase]:
    """MMD of Gaussian mixtures in five dimensions, Gaussian kernel of scale sqrt(5)."""
    for n, k in ((50, 5), (80, 8), (60, 20), (100, 10)):
        yield ProofCase(f"mixture, n={n}, k={k}", [mixture(n, k, seed) for seed in range(3)])


def mixture(n: int, k: int, seed: int) -> so.MMDSelection:
    """Return the problem of choosing k of n points around three centres."""
    generator = np.random.default_rng(seed)
    centres = 2 * generator.normal(size=(3, 5))
    points = centres[generator.integers(3, size=n)] + generator.normal(size=(n, 5))
    return so.MMDSelection(points, k, kernel=so.Gaussian(scale=5**0.5))


def subgraphs(folder: Path | None) -> Iterator[ProofCase]:
    """Densest k-subgraphs, one row for each n and k."""
    cases = [public.read(_needed(folder), name, None)[0] for name in public.names("kcluster")]
    problems = [case.problem() for case in cases]
    for n in (40, 80, 120):
        for k in (n // 4, n // 2, 3 * n // 4):
            some = [p for p in problems if (p.n, p.k) == (n, k)]
            yield ProofCase(f"k-cluster, n={n}, k={k}: {len(some)} graphs", some)


def larger(folder: Path | None) -> Iterator[ProofCase]:
    """Densest k-subgraphs of graphs like the library's, which end at 120 vertices."""
    for n in (140, 160):
        for k in (n // 4, n // 2, 3 * n // 4):
            some = [graph(n, k, density) for density in (25, 50, 75)]
            yield ProofCase(f"k-cluster, n={n}, k={k}: {len(some)} graphs, drawn", some)


def graph(n: int, k: int, density: int) -> so.QuadraticSelection:
    """Return the densest subgraph problem of a graph whose pairs are edges at random."""
    edges = np.random.default_rng([n, density]).random((n, n)) < density / 100
    return so.QuadraticSelection(np.triu(edges, 1).astype(float), k=k, sense="maximise")


def published(folder: Path | None) -> Iterator[ProofCase]:
    """QPLIB_0633 and the diversity problems of at most 100 candidates."""
    for name in ["QPLIB_0633", *public.names("mdplib")]:
        for case in public.read(_needed(folder), name, None):
            if case.n <= 100:
                yield ProofCase(f"{name}, k={case.k}", [case.problem()])


def _needed(folder: Path | None) -> Path:
    if folder is None:
        raise so.InvalidFile("no folder is given")
    return folder


SECTIONS = (mixtures, published, subgraphs, larger)


def measured(case: ProofCase, solver: str, time_limit: float) -> Row:
    """Return the row of a case: how many optima were proven, the seconds, and the gap left."""
    times, gaps, nodes = [], [], []
    for problem in case.problems:
        solution = so.solve(problem, solver, time_limit=time_limit, threads=1)
        times.append(solution.stats.total_seconds)
        nodes.append(solution.stats.iterations or 0)
        gaps.append(solution.gap if solution.gap is not None else float("inf"))
    return {
        "instances": case.name,
        "solver": solver,
        "proven": f"{sum(gap <= 1e-6 for gap in gaps)} of {len(gaps)}",
        "nodes": statistics.median(nodes),
        "median, s": statistics.median(times),
        "max, s": max(times),
        "largest gap": max(gaps),
    }


def main() -> None:
    """Print the table, line by line."""
    options = parser(__doc__, data=True)
    options.add_argument("--only", default="", help="only rows whose name holds this text")
    options.add_argument("--against", default="", help="further solvers, separated by commas")
    options.add_argument("--time-limit", type=float, default=60.0, help="seconds for each proof")
    given = options.parse_args()
    so.solve(mixture(20, 4, 0), "branch-and-bound")  # compiled, or loaded from the cache
    report_machine(given)
    for row in _rows(given, ["branch-and-bound", *filter(None, given.against.split(","))]):
        if given.json:
            report(given, [row])
        else:
            print(_line(row), flush=True)


def _rows(given: argparse.Namespace, solvers: Sequence[str]) -> Iterator[Row]:
    for section in SECTIONS:
        try:
            cases = [case for case in section(given.data) if given.only in case.name]
        except so.InvalidFile as error:
            print(f"left out: {section.__name__}: {error}", file=sys.stderr)
            continue
        for case in cases:
            for solver in solvers:
                yield measured(case, solver, given.time_limit)


def _line(row: Row) -> str:
    name, solver, proven, nodes, *times, gap = row.values()
    seconds = " ".join(f"{value:8.2f} s" for value in times)
    return f"{name:36} {solver:16} {proven:>9} {nodes:7.0f} nodes {seconds}   gap {gap:.1e}"


if __name__ == "__main__":
    main()
