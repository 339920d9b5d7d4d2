"""Speed and exactness of the solvers, each figure relative to something measured in the same run.

``python -m benchmarks.scripts.speed`` prints all tables. The machine should have nothing else to
do.
"""

import statistics
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.benchmarks.cases._classifier import digit_losses as digits_losses
from subsetopt.benchmarks.cases.base import Values
from subsetopt.solvers._ordering import ascending

from .script import Row, parser, report, report_machine


def seconds(call: Callable[[], object], budget: float = 0.05, samples: int = 9) -> float:
    """Return the median time of a call over samples of as many calls as fit into the budget."""
    call()
    start = perf_counter()
    call()
    calls = max(1, int(budget / samples / max(perf_counter() - start, 1e-9)))
    times = []
    for _ in range(samples):
        start = perf_counter()
        for _ in range(calls):
            call()
        times.append((perf_counter() - start) / calls)
    return statistics.median(times)


def exponential(n: int, seed: int) -> NDArray[np.float32]:
    """Return n float32 losses from Exp(1)."""
    return np.random.default_rng(seed).exponential(size=n).astype(np.float32)


def batches(count: int) -> list[tuple[str, NDArray[np.float32]]]:
    """Return exponential batches and real ones of 128 losses."""
    real: Sequence[Values] = digits_losses(128, count, seed=0)
    drawn = [(f"exponential-{seed}", exponential(128, seed)) for seed in range(count)]
    return drawn + [(item.name, item.values) for item in real]


def swap_against_cbc(count: int = 20) -> list[Row]:
    """Compare build and solve, and whole calls with certification too, at n = 128."""
    rows = []
    for k in (12, 32, 64):
        solves: list[float] = []
        calls: list[float] = []
        errors: list[tuple[float, float]] = []
        for _, losses in batches(count):
            cbc, swap = _timed(losses, k, "cbc"), _timed(losses, k, "swap")
            solves.append(cbc[0] / swap[0])
            calls.append(cbc[1] / swap[1])
            errors.append((swap[2], cbc[2]))
        rows.append(
            {
                "k": k,
                "instances": len(errors),
                "build + solve": statistics.median(solves),
                "least": min(solves),
                "whole call": statistics.median(calls),
                "swap worse": sum(ours > theirs for ours, theirs in errors),
                "its error, max": max(ours for ours, _ in errors),
                "cbc, median": statistics.median(theirs for _, theirs in errors),
                "cbc, min": min(theirs for _, theirs in errors),
            }
        )
    return rows


def _timed(losses: NDArray[np.float32], k: int, name: str) -> tuple[float, float, float]:
    """Return the seconds of build and solve, those of the whole call, and the error: medians."""
    solves: list[float] = []
    calls: list[float] = []
    begin = perf_counter()
    while not calls or (perf_counter() - begin < 0.05 and len(calls) < 200):
        solution = so.solve(
            so.MeanMatching(losses, k), name, time_limit=10 if name == "cbc" else None
        )
        solves.append(solution.stats.build_seconds + solution.stats.solve_seconds)
        calls.append(solution.stats.total_seconds)
    assert solution.objective is not None
    return statistics.median(solves), statistics.median(calls), solution.objective


def select_against_argsort() -> list[Row]:
    """Compare `select` with one `numpy.argsort` of the same array."""
    rows = []
    for n in (128, 1024, 4096, 65_536, 1_000_000):
        for k in (n // 10, n // 4, n // 2):
            times, errors = {"select": [0.0], "argsort": [0.0]}, []
            for seed in range(20 if n <= 4096 else 3):
                losses = exponential(n, seed)
                chosen = so.select(losses, k)
                errors.append(so.MeanMatching(losses, k).objective(chosen))
                times["argsort"].append(seconds(partial(np.argsort, losses)))
                times["select"].append(seconds(partial(so.select, losses, k)))
            select, argsort = (statistics.median(times[name][1:]) for name in times)
            rows.append(
                {
                    "n": n,
                    "k": k,
                    "select, us": 1e6 * select,
                    "argsort, us": 1e6 * argsort,
                    "ratio": select / argsort,
                    "error, max": max(errors),
                }
            )
    return rows


def sorting() -> list[Row]:
    """Compare sorting many losses and their places with NumPy's sorts of either."""
    rows: list[Row] = []
    for n, kind in product((10**6, 10**7), (np.float32, np.float64)):
        losses = exponential(n, 0).astype(kind)
        places = seconds(partial(np.argsort, losses), samples=3)
        values = seconds(partial(np.sort, losses), samples=5)
        ours = {t: seconds(partial(ascending, losses, t), samples=5) for t in (1, 2)}
        rows.append(
            {
                "n": n,
                "dtype": np.dtype(kind).name,
                "values and places, s": ours[2],
                "over np.sort": ours[2] / values,
                "over np.argsort": ours[2] / places,
                "one thread over np.sort": ours[1] / values,
            }
        )
    return rows


def batched() -> list[Row]:
    """Compare one thread with two, on 1024 rows of 128 losses."""
    losses = np.random.default_rng(0).exponential(size=(1024, 128)).astype(np.float32)
    rows = []
    for k in (12, 32, 64):
        one = seconds(partial(so.select, losses, k, threads=1), budget=0.5)
        two = seconds(partial(so.select, losses, k, threads=2), budget=0.5)
        rows.append({"k": k, "rows per second": 1024 / two, "two threads over one": one / two})
    return rows


def start_up() -> list[Row]:
    """Time fresh processes: the import, and the first `select` with a warm compilation cache."""
    programs = {
        "python alone": "pass",
        "import numpy": "import numpy",
        "import subsetopt": "import subsetopt",
        "first select": "import subsetopt, numpy; subsetopt.select(numpy.arange(9.0), 3)",
    }
    return [
        {"program": name, "seconds": statistics.median(_process(code) for _ in range(7))}
        for name, code in programs.items()
    ]


def _process(code: str) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return perf_counter() - start


def exact_proofs() -> list[Row]:
    """Time proofs by meet in the middle, and by windows at n = 128."""
    rows = []
    for n, method in ((40, "meet"), (44, "meet"), (48, "meet"), (52, "meet"), (128, "auto")):
        for dtype in ("float32", "float64"):
            if dtype == "float64" and n > 48:
                continue
            times, proven = [], 0
            for seed in range(5 if n <= 44 or n == 128 else 2):
                values = np.random.default_rng(seed).exponential(size=n).astype(dtype)
                solution = so.solve(
                    so.MeanMatching(values, n // 2), so.solver("exact", method=method)
                )
                proven += solution.certificate.kind is so.CertificateKind.EXACT
                times.append(solution.stats.total_seconds)
            rows.append(
                {
                    "n": n,
                    "dtype": dtype,
                    "method": method,
                    "proven": f"{proven} of {len(times)}",
                    "median seconds": statistics.median(times),
                    "max seconds": max(times),
                }
            )
    return rows


def tabu_moves() -> list[Row]:
    """Count tabu's moves a second on dense random matrices, and its memory besides the matrix."""
    rows = []
    for n, k in ((500, 50), (3000, 300), (10_000, 1000)):
        matrix = np.random.default_rng(0).uniform(-10, 0, size=(n, n)).astype(np.float32)
        matrix = np.maximum(matrix, matrix.T)
        np.fill_diagonal(matrix, 0.0)
        problem = so.QuadraticSelection(matrix, None, k, copy=False)
        so.solve(problem, "tabu", time_limit=0.1)
        tracemalloc.start()
        solution = so.solve(problem, "tabu", time_limit=4.0, threads=1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert solution.stats.iterations is not None
        rows.append(
            {
                "n": n,
                "k": k,
                "moves per second": solution.stats.iterations / solution.stats.solve_seconds,
                "matrix, MiB": matrix.nbytes / 2**20,
                "memory besides it, MiB": peak / 2**20,
            }
        )
    return rows


SECTIONS: dict[str, Callable[[], list[Row]]] = {
    "swap against cbc, n = 128: times faster, medians; errors": swap_against_cbc,
    "select against argsort": select_against_argsort,
    "sorting": sorting,
    "select on (1024, 128)": batched,
    "fresh processes": start_up,
    "exact": exact_proofs,
    "tabu on dense random matrices, single precision": tabu_moves,
}


def main() -> None:
    """Print the tables."""
    options = parser(__doc__)
    options.add_argument("--only", help="only sections whose name holds this text", default="")
    given = options.parse_args()
    # Compiled or loaded from the cache before anything is timed.
    so.select(exponential(128, 0), 12)
    so.solve(so.MeanMatching(exponential(40, 0), 20), "exact")
    report_machine(given)
    for name, run in SECTIONS.items():
        if given.only in name:
            report(given, run(), name)


if __name__ == "__main__":
    main()
