"""Time to target: how soon a heuristic reaches the best value known, over many seeds.

``python -m benchmarks.scripts.targets --data DIR`` prints the table; ``--plot FILE`` draws the
share of the runs that have reached the target by a time. One thread; everything is compiled before
it is timed. The folder holds ``mdplib``, ``kcluster``, ``bqp`` and ``mnist``; what is missing is
left out and named.
"""

import csv
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

import subsetopt as so
from subsetopt.formats._array_files import read_idx
from subsetopt.report import Axis, Chart, Series
from subsetopt.report._figure_axes import extent
from subsetopt.report._number_format import round_seconds

from .script import Row, parser, report, report_machine

Instance = tuple[so.QuadraticSelection | so.MMDSelection, float]  # and the objective wanted


@dataclass(frozen=True)
class TargetCase:
    """Instances that share a row: each is solved with each seed."""

    name: str
    target: str
    instances: Sequence[Instance]
    solver: str = "tabu"
    seconds: float = 2.0


def diversity(folder: Path) -> Iterator[TargetCase]:
    """MDPLIB: the largest sum of distances known, to within 1e-4."""
    for row in _table(folder / "mdplib" / "best_known.csv"):
        path = folder / "mdplib" / f"{row['instance']}.txt.xz"
        problem = so.read_problem(path, k=int(row["m"]))
        name = f"{row['instance'].partition('_n')[0]}, n={problem.n}, k={problem.k}"
        known = row["attained_here"]
        yield TargetCase(name, known, [(problem, 1e-4 - float(known))])


def subgraphs(folder: Path) -> Iterator[TargetCase]:
    """Densest k-subgraphs: the optimal number of edges, one row for each n."""
    rows = _table(folder / "kcluster" / "optima.csv")
    for n in sorted({int(row["n"]) for row in rows}):
        packed = folder / "kcluster" / f"k-cluster_{n}.tar.xz"
        instances = [
            (
                so.read_problem(f"{packed}:k-cluster_{n}/{row['instance']}.dat"),
                1e-4 - float(row["optimum"]),
            )
            for row in rows
            if int(row["n"]) == n
        ]
        yield TargetCase(f"{len(instances)} k-clusters, n={n}", "optima", instances, seconds=0.5)


def qplib(folder: Path) -> Iterator[TargetCase]:
    """QPLIB_0633: the value known, to within its nine decimals."""
    problem = so.read_problem(folder / "bqp" / "QPLIB_0633.opb.xz")
    yield TargetCase("QPLIB_0633", "79.560706216", [(problem, 1e11 * 79.5607062165)])


def mnist(folder: Path) -> Iterator[TargetCase]:
    """MNIST: the root MMD of 100 of the first 4,096 digits to all of these."""
    n, k = 4096, 100
    images = read_idx(folder / "mnist" / "train-images-idx3-ubyte.gz", dimensions=3)[:n]
    problem = so.MMDSelection(images.reshape(n, -1).astype(np.float32) / 255, k=k)
    for solver, root, seconds in (
        ("herding", 0.0420, 0.002),
        ("swap", 0.0390, 0.05),
        ("tabu", 0.0376, 1.0),
        ("tabu", 0.0373, 5.0),
    ):
        to_rest = root * n / (n - k)  # the objective is the squared distance to those left out
        name = f"MNIST to {root:.4f}: {solver}"
        yield TargetCase(name, f"{root:.4f}", [(problem, to_rest**2)], solver, seconds)


SECTIONS = (diversity, subgraphs, qplib, mnist)


def measured(case: TargetCase, seeds: int) -> Row:
    """Return the row of a case: how often the target was reached, and the seconds."""
    times = []
    for problem, wanted in case.instances:
        problem.quadratic_form()  # built once, and kept
        for seed in range(seeds if case.solver != "herding" else 1):
            reached, seconds = _run(case, problem, wanted, seed)
            times.append(seconds if reached else float("inf"))
    hits = sum(seconds < float("inf") for seconds in times)
    return {
        "instance": case.name,
        "target": case.target,
        "hits": f"{hits} of {len(times)}",
        "median, s": statistics.median(times),
        "p90, s": sorted(times)[min(len(times) - 1, 9 * len(times) // 10)],
        "max, s": max(times),
        "seconds": times,
    }


def _run(case: TargetCase, problem: Any, wanted: float, seed: int) -> tuple[bool, float]:
    searches = case.solver == "tabu"  # and stops at the target; the others use all of their time
    options = {"target": wanted} if searches else {}
    solution = so.solve(
        problem,
        so.solver(case.solver, **options),
        time_limit=case.seconds if searches else 0.9 * case.seconds,
        seed=seed,
        threads=1,
    )
    seconds = solution.stats.build_seconds + solution.stats.solve_seconds
    assert solution.objective is not None
    return solution.objective <= wanted and seconds <= case.seconds, seconds


def drawn(rows: Sequence[Row]) -> Chart:
    """Show one curve for each row: the share of its runs that are at the target by a time."""
    times = [sorted(t for t in row["seconds"] if isfinite(t)) for row in rows]
    reach = extent(time for own in times for time in own)
    series = []
    for row, own in zip(rows, times, strict=True):
        share = np.array([*range(len(own) + 1), len(own)]) / len(row["seconds"])
        x = [reach[0], *own, reach[1]]
        series.append(Series(row["instance"], x, share, line="steps", note=row["hits"]))
    about = "share of the runs that have reached the target by a time"
    x_axis = Axis("time on one thread", "log", reach, round_seconds)
    return Chart("Time to target", about, "", series, x_axis, Axis(scale="share"))


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _warm_up() -> None:
    """Compile, or load from the cache, all that will be timed."""
    for dtype in (np.float32, np.float64):
        problem = so.QuadraticSelection(np.eye(60, dtype=dtype), k=20)
        so.solve(problem, so.solver("tabu", iterations=20_000))
        for name in ("swap", "herding"):
            so.solve(problem, name)


def main() -> None:
    """Print the table."""
    options = parser(__doc__, data=True)
    options.add_argument("--seeds", type=int, default=20, help="seeds for each instance")
    options.add_argument("--only", default="", help="only sections whose name holds this text")
    options.add_argument("--plot", help="draw the curves here: .svg or .png")
    given = options.parse_args()
    if given.data is None:
        options.error("give --data DIR, or set SUBSETOPT_DATA")
    if given.seeds < 1:
        options.error(f"--seeds must be an integer >= 1; got {given.seeds}")
    _warm_up()
    report_machine(given)
    rows = list(_rows(given.data, given.seeds, given.only))
    if given.plot:
        drawn(rows).save(given.plot)
    hidden = () if given.json else ("seconds",)
    report(given, [{key: row[key] for key in row if key not in hidden} for row in rows])


def _rows(folder: Path, seeds: int, only: str) -> Iterator[Row]:
    for section in SECTIONS:
        try:
            if only in section.__name__:
                yield from (measured(case, seeds) for case in section(folder))
        except (so.InvalidFile, OSError) as error:
            print(f"left out: {section.__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
