"""`branch-and-bound` against the branch-and-bound of a textbook, on the same instances in one run.

``python -m benchmarks.scripts.textbook --data DIR`` prints seconds of processor time on one thread,
each the least of a few runs, and their ratio. The textbook is forty lines: include the next item or
not, in a fixed order, and bound by each item's sum of its largest pairs among those that come
later, after Marti, Gallego & Duarte (2010). It is told the optimum to begin with.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.benchmarks.cases import _quadratic_cases as public

from .script import Row, parser, report, report_machine

Matrix = NDArray[np.float64]


@numba.njit(nogil=True)
def largest_sums(pairs: Matrix, k: int) -> Any:
    """Return for each place and item after it the sum of its t largest pairs with others there."""
    n = len(pairs)
    sums = np.zeros((n + 1, n, k))
    for place in range(n):
        for i in range(place, n):
            row = -np.sort(-np.delete(pairs[i, place:], i - place))
            for t in range(1, k):
                sums[place, i, t] = sums[place, i, t - 1] + (row[t - 1] if t <= row.size else 0.0)
    return sums


@numba.njit(nogil=True)
def textbook(pairs: Matrix, gains: Any, k: int, best: float, sums: Any, most: int) -> Any:
    """Return the largest value of k items, if above `best`, and the nodes that it took."""
    n, nodes, m = len(pairs), 0, 0
    gain, value = np.zeros((k + 1, n)), np.zeros(k + 1)
    gain[0] = gains
    top, item = np.zeros(k + 1), np.zeros(k + 1, np.int64)
    while m >= 0 and nodes < most:
        i = item[m]
        if i > n - (k - m):
            m -= 1
            continue
        item[m] += 1
        nodes += 1
        with_it, missing = value[m] + gain[m, i], k - m - 1
        if missing == 0:
            best = max(best, with_it)
            continue
        top[:missing] = -np.inf  # the largest scores, descending
        for j in range(i + 1, n):
            gain[m + 1, j] = gain[m, j] + pairs[i, j]
            score = gain[m + 1, j] + 0.5 * sums[i + 1, j, missing - 1]
            place = missing
            while place > 0 and top[place - 1] < score:
                top[place] = top[place - 1]
                place -= 1
            top[place] = score
        if with_it + top[:missing].sum() > best:
            m += 1
            value[m], item[m] = with_it, i + 1
    return best, nodes


def dispersions() -> Iterator[tuple[str, so.QuadraticSelection]]:
    """Yield instances of choosing k of n with the largest sum of distances."""
    for n, seed in ((40, 1), (50, 2)):
        draws = np.random.default_rng(seed).integers(0, 101, (n, n))
        yield f"random, n={n}, k=10", _most(np.triu(draws, 1), 10)
    for n, k in ((60, 12), (100, 10)):
        for d in (2, 10):
            points = np.random.default_rng(0).random((n, d))
            apart = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
            yield f"Euclidean, n={n}, k={k}, {d}-d", _most(np.triu(apart, 1), k)


def _most(pairs: NDArray[Any], k: int) -> so.QuadraticSelection:
    return so.QuadraticSelection(pairs, None, k, sense="maximise")


def published(folder: Path | None) -> Iterator[tuple[str, so.QuadraticSelection]]:
    """Yield diversity problems and densest subgraphs."""
    if folder is None:
        raise so.InvalidFile("no folder is given")
    yield "SOM-b_1, n=100, k=10", so.read_problem(folder / "mdplib/SOM-b_1_n100_m10.txt.xz")
    for case in public.read(folder, "kcluster80_050_20_1", None):
        yield "kcluster80_050_20_1, k=20", case.problem()


def measured(name: str, problem: so.QuadraticSelection, runs: int, most: int) -> Row:
    """Return the row of an instance: the seconds of either, and how often theirs are ours."""
    form = problem.quadratic_form()
    order = np.argsort(form.matrix.sum(axis=1), kind="stable")  # the most promising first
    pairs = -2.0 * form.matrix[np.ix_(order, order)].astype(np.float64)
    np.fill_diagonal(pairs, 0.0)
    gains = -(np.diagonal(form.matrix).astype(np.float64) + form.linear)[order]
    ours, solution = _least(lambda: so.solve(problem, "branch-and-bound", threads=1), runs)
    # What rounding adds up in another order must not pass for something better.
    best = -form.lower(solution.objective) + 1e-9 * abs(form.lower(solution.objective))

    def theirs() -> Any:
        return textbook(pairs, gains, form.k, best, largest_sums(pairs, form.k), most)

    seconds, (found, nodes) = _least(theirs, runs)
    assert found == best, f"{name}: the textbook knows {found}, better than {best}"
    return {
        "instance": name,
        "branch-and-bound, s": ours,
        "textbook, s": seconds,
        "ratio": seconds / ours,
        "nodes": solution.stats.iterations,
        "nodes, textbook": int(nodes),
        "ended": bool(nodes < most),
        "certificate": str(solution.certificate),
    }


def _least(run: Callable[[], Any], runs: int) -> tuple[float, Any]:
    seconds, answer = float("inf"), None
    for _ in range(runs):
        begun = time.process_time()
        answer = run()
        seconds = min(seconds, time.process_time() - begun)
    return seconds, answer


def instances(folder: Path | None) -> Iterator[tuple[str, so.QuadraticSelection]]:
    """Yield all instances for which there is data."""
    yield from dispersions()
    try:
        yield from published(folder)
    except so.InvalidFile as error:
        print(f"left out: published: {error}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> None:
    """Print the table, line by line."""
    options = parser(__doc__, data=True)
    options.add_argument("--runs", type=int, default=3, help="of which the least time counts")
    options.add_argument("--nodes", type=int, default=2**26, help="the textbook ends after so many")
    options.add_argument("--only", default="", help="only instances whose name holds this text")
    given: argparse.Namespace = options.parse_args(arguments)
    report_machine(given)
    some = _most(np.triu(np.ones((12, 12)), 1), 4)
    measured("compiled before anything is timed", some, 1, 10)
    for name, problem in instances(given.data):
        if given.only in name:
            report(given, [measured(name, problem, given.runs, given.nodes)])


if __name__ == "__main__":
    main()
