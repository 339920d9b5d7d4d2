"""The default search beside the others, and starts, at equal processor time.

``python -m benchmarks.scripts.search`` prints for each instance and limit by how many percent the
median objective of ``auto``, as it is minimised, is worse than the better one of ``tabu`` and
``swap`` that it does not stand for; below zero it is better. Selections of kernels and vectors are
compared by their squared distance, whose least is near zero: percents are large there. Limits are
processor seconds, so that other programs on the machine change little. ``--starts`` compares the
beginnings of a descent instead: what a descent leaves of each, over that of random ones.
"""

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from time import process_time

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

import subsetopt as so
from subsetopt.models import QuadraticForm
from subsetopt.solvers import _deadline
from subsetopt.solvers.heuristics._quadratic_search import Descents
from subsetopt.solving import AUTO

from .script import Row, parser, report, report_machine

Problem = so.QuadraticSelection | so.MMDSelection | so.MeanMatching
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


def integers(n: int, k: int) -> Problem:
    """Return distances drawn from 0 to 10, as those of MDG-a, with their many ties."""
    return _symmetric(np.random.default_rng(5).integers(0, 11, (n, n)), k)


def images(n: int, k: int) -> Problem:
    """Return the choice of points like pictures of ten digits: 64 grey values, most of them 0."""
    draw = np.random.default_rng(6)
    shapes = np.maximum(draw.normal(size=(10, 64)), 0)
    points = shapes[draw.integers(10, size=n)] * draw.uniform(0.5, 1.5, (n, 64))
    return so.MMDSelection(np.round(4 * points).astype(np.float32), k=k)


def sparse(n: int, k: int) -> Problem:
    """Return a densest subgraph, of a graph with ten edges a vertex, given by these."""
    ends = np.random.default_rng(7).integers(n, size=(10 * n, 2))
    ends = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
    edges = csr_array((np.full(len(ends), -0.5), ends.T), (n, n))
    return so.QuadraticSelection(edges + edges.T, None, k)


def vectors(n: int, k: int) -> Problem:
    """Return the choice of rows whose mean is near that of all."""
    return so.MeanMatching(np.random.default_rng(8).normal(size=(n, 16)), k)


def suite(largest: int) -> Iterator[Made]:
    """Yield 40 instances, fewer where large ones are left out."""
    for n in _SIZES:
        if n <= largest:
            yield f"diversity {n}", partial(diversity, n, n // 10)
            yield f"graph {n}", partial(graph, n, n // 4)
            yield f"euclidean {n}", partial(euclidean, n, max(5, n // 40))
            yield f"mixture {n}, 2-d", partial(mixture, n, max(6, n // 40), 2)
            yield f"mixture {n}, 10-d", partial(mixture, n, max(6, n // 20), 10)
    if largest >= 2000:
        yield "integers 2000", partial(integers, 2000, 200)
        yield "images 1500", partial(images, 1500, 100)
        yield "mixture 1024, 64-d", partial(mixture, 1024, 51, 64)
        yield "vectors 2000", partial(vectors, 2000, 100)
    if largest >= 8192:
        yield "sparse 8192", partial(sparse, 8192, 400)


def beside_others(made: Made, limits: list[float], seeds: int) -> Row:
    """Compare the medians of objectives over seeds, the solvers in turn."""
    name, make = made
    problem = make()
    row: Row = {"instance": name}
    for solver in ("auto", "tabu", "swap"):  # loads what is compiled
        so.solve(problem, solver, time_limit=0.02)
    for limit in limits:
        values: dict[str, list[float]] = {"auto": []}
        values |= {name: [] for name in ("tabu", "swap") if name != AUTO[problem.family]}
        for seed in range(seeds):
            for solver, met in values.items():
                solution = so.solve(problem, solver, time_limit=limit, seed=seed, threads=1)
                assert solution.objective is not None
                met.append(solution.objective)
        auto = _squared(problem, median(values.pop("auto")))
        best = _squared(problem, min(map(median, values.values())))
        row[f"{limit:g} s"] = 100 * (auto - best) / (abs(best) or 1.0)
    return row


def _squared(problem: Problem, objective: float) -> float:
    return objective**2 if problem.family == "vector-mean-matching" else objective


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
    if given.starts:
        chosen = [made for made in chosen if not made[0].startswith(("sparse", "vectors"))]
    _deadline.clock = process_time
    report_machine(given)
    measure = partial(starts, seeds=given.seeds)
    if not given.starts:
        measure = partial(beside_others, limits=given.limits, seeds=given.seeds)
    report(given, map(measure, chosen), "worse by, in percent")


if __name__ == "__main__":
    main()
