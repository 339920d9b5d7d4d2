"""The default search beside swap descents, and starts, at equal processor time.

``python -m benchmarks.scripts.search`` prints for each instance and limit by how many percent the
median of ``auto`` is worse than that of ``swap``; below zero it is better. Limits are processor
seconds, so that other programs on the machine change little. ``--starts`` compares the beginnings
of a descent instead: their values, and what a descent leaves of each, over that of random ones.
"""

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from time import process_time

import numpy as np
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.models import QuadraticForm
from subsetopt.solvers import _deadline
from subsetopt.solvers.heuristics._quadratic_search import Descents

from .script import Row, parser, report, report_machine

Problem = so.QuadraticSelection | so.MMDSelection
Made = tuple[str, Callable[[], Problem]]

_LIMITS = (0.05, 0.1, 0.5, 1.0, 5.0)
_SIZES = (60, 200, 500, 1024, 2000, 4096, 8192)


def diversity(n: int, k: int) -> Problem:
    """Return distances drawn uniformly from [0, 10], as those of MDG."""
    drawn = np.random.default_rng(1).uniform(0, 10, (n, n))
    return _symmetric(drawn, k)


def graph(n: int, k: int) -> Problem:
    """Return a densest subgraph, of a graph with a quarter of all edges."""
    return _symmetric(np.random.default_rng(2).random((n, n)) < 0.25, k)


def _symmetric(drawn: NDArray[np.generic], k: int) -> Problem:
    upper = np.triu(drawn, 1).astype(np.float32)
    return so.QuadraticSelection(-(upper + upper.T), None, k, copy=False)


def euclidean(n: int, k: int, d: int = 10) -> Problem:
    """Return distances between uniform points."""
    points = np.random.default_rng(3).uniform(size=(n, d)).astype(np.float32)
    squares = (points * points).sum(axis=1)
    apart = squares[:, None] + squares - 2 * points @ points.T
    return _symmetric(np.sqrt(np.maximum(apart, 0)), k)


def mixture(n: int, k: int, d: int) -> Problem:
    """Return the choice of points that stand for twelve normal clusters."""
    draw = np.random.default_rng(4)
    centres = draw.normal(scale=4, size=(12, d))
    points = centres[draw.integers(12, size=n)] + draw.normal(size=(n, d))
    return so.MMDSelection(points.astype(np.float32), k=k)


def suite(largest: int) -> Iterator[Made]:
    """Yield 40 instances, fewer where large ones are left out."""
    for n in _SIZES:
        if n <= largest:
            yield f"diversity {n}", partial(diversity, n, n // 10)
            yield f"graph {n}", partial(graph, n, n // 4)
            yield f"euclidean {n}", partial(euclidean, n, max(5, n // 40))
            yield f"mixture {n}, 2-d", partial(mixture, n, max(6, n // 40), 2)
            yield f"mixture {n}, 10-d", partial(mixture, n, max(6, n // 20), 10)
            if n < 4096:
                yield f"mixture {n}, 5-d", partial(mixture, n, max(6, n // 20), 5)


def beside_swap(made: Made, limits: list[float], seeds: int) -> Row:
    """Compare the medians of objectives over seeds, the solvers in turn."""
    name, make = made
    problem = make()
    row: Row = {"instance": name}
    for limit in limits:
        values: dict[str, list[float]] = {"auto": [], "swap": []}
        for seed in range(seeds):
            for solver, met in values.items():
                solution = so.solve(problem, solver, time_limit=limit, seed=seed, threads=1)
                assert solution.objective is not None
                met.append(solution.objective)
        auto, swap = median(values["auto"]), median(values["swap"])
        row[f"{limit:g} s"] = 100 * (auto - swap) / (abs(swap) or 1.0)
    return row


def starts(made: Made, seeds: int) -> Row:
    """Compare what a descent makes of several beginnings."""
    name, make = made
    problem = make()
    form = problem.quadratic_form()
    herded = so.solve(problem, "herding").indices
    assert herded is not None
    ends: dict[str, list[float]] = {"random": []}
    draw = np.random.default_rng(0)
    for _ in range(seeds):
        ends["random"].append(_descended(form, draw.choice(form.n, form.k, replace=False)))
    ends["greedy"] = [_descended(form, None)]
    ends["herding"] = [_descended(form, form.rows(herded))]
    constant = form.constant / form.scale
    values = {start: median(met) + constant for start, met in ends.items()}
    random = values.pop("random")
    worse = {start: 100 * (value - random) / abs(random) for start, value in values.items()}
    return {"instance": name} | {f"{start}, % over random": each for start, each in worse.items()}


def _descended(form: QuadraticForm, rows: NDArray[np.int64] | None) -> float:
    search = Descents(form, 0)
    search.start(rows)
    settled = False
    while not settled:
        settled, _ = search.descend()
    return search.value


def main() -> None:
    """Print one of the tables."""
    options = parser(__doc__)
    options.add_argument("--starts", action="store_true", help="compare beginnings of a descent")
    options.add_argument("--only", default="", help="instances whose name holds this text")
    options.add_argument("--largest", type=int, default=_SIZES[-1], help="most candidates")
    options.add_argument("--limits", type=float, nargs="+", default=list(_LIMITS), help="seconds")
    options.add_argument("--seeds", type=int, default=5, help="how many of each, 5 by default")
    given = options.parse_args()
    chosen = [made for made in suite(given.largest) if given.only in made[0]]
    _deadline.clock = process_time
    report_machine(given)
    measure = partial(starts, seeds=given.seeds)
    if not given.starts:
        measure = partial(beside_swap, limits=given.limits, seeds=given.seeds)
    report(given, map(measure, chosen), "worse by, in percent")


if __name__ == "__main__":
    main()
