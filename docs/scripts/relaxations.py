"""What the rounding and the bound of each relaxation are worth, on images of digits.

    python docs/scripts/relaxations.py [--data DIR] [--out docs/figures] [--instances 5]

Writes `relaxations.csv` and two figures as SVG, and prints tables. What the CSV holds already is
not measured again: delete it to begin afresh. Needs the extra `bench`, and MNIST in the folder that
--data or the variable SUBSETOPT_DATA names; without, digits alone. Seconds are of the processor, on
one thread.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from relaxations_shown import SEARCHES, Results, Row, draw, read, write

import subsetopt as so
from subsetopt._baseline import random_objectives, rank
from subsetopt.benchmarks.cases import _classifier, _clouds
from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import NEVER
from subsetopt.solvers.exact import _branching
from subsetopt.solvers.heuristics._quadratic_search import Descents
from subsetopt.solvers.relaxations import _convex
from subsetopt.solvers.relaxations._quadratic_relaxation import QuadraticRelaxation, largest

ROOT = Path(__file__).parent.parent.parent
DRAWS, QUANTILES = 1000, (0, 5, 25, 50, 75, 95, 100)
ONE = Limits(threads=1)
Rows = NDArray[np.int64]


class Setting(NamedTuple):
    """How large the instances are, and how many points have been selected before."""

    name: str
    n: int
    k: int
    selected: int
    methods: tuple[str, ...]


# -- methods: a problem to a selection and a bound ----------------------------------------------

Method = Callable[[so.MMDSelection], tuple[Rows, float | None]]


def _solver(name: str, **options: Any) -> Method:
    ready = so.solver(name, **options)

    def method(problem: so.MMDSelection) -> tuple[Rows, float | None]:
        answer = ready._solve(problem, ONE)
        assert answer.indices is not None
        bound = None if answer.bound is None else float(answer.bound)
        return answer.indices.astype(np.int64), bound

    return method


def _convex_as_it_stands(problem: so.MMDSelection) -> tuple[Rows, float]:
    """Frank-Wolfe without a diagonal: nothing but the kernel's own convexity."""
    form = problem.quadratic_form()
    relaxed = QuadraticRelaxation(form, _convex.Diagonal(np.zeros(form.n), _convex.slack(form)))
    relaxed.run(1e-8, ONE, NEVER)
    return form.indices(largest(relaxed.point, form.k)), form.lift(relaxed.bound())


def _semidefinite(problem: so.MMDSelection) -> tuple[Rows, float]:
    """Solve the root of branch and bound; round its marginals without exchanges."""
    form = problem.quadratic_form()
    part = _branching.Reduced(form, _branching.Node(np.arange(form.n), np.empty(0, np.int64)))
    relaxation = part.relaxed()
    for _ in _branching.rounds(relaxation, float("inf"), fresh=True):
        pass
    bound = form.lift(relaxation.bound + part.offset)
    return form.indices(largest(relaxation.marginals, form.k)), bound


METHODS: dict[str, Method] = {
    "published": _solver("lp-rounding"),
    "mccormick": _solver("lp-rounding", linearisation="mccormick"),
    "rlt": _solver("lp-rounding", linearisation="rlt"),
    "convex": _convex_as_it_stands,
    "qp": _solver("lp-rounding", linearisation="qp"),
    "fw": _solver("frank-wolfe", rounding="top"),
    "sdp": _semidefinite,
    "herding": _solver("herding"),
    "greedy": _solver("greedy"),
    "swap": _solver("swap"),
    "tabu": _solver("tabu"),
}
SETTINGS = (
    Setting("n = 200, k = 20", 200, 20, 0, tuple(METHODS)),
    Setting("n = 200, k = 20, 20 selected before", 200, 20, 20, tuple(METHODS)),
    Setting("n = 1000, k = 100", 1000, 100, 0, ("published", "convex", "qp", "fw", *SEARCHES)),
)


# -- measuring ----------------------------------------------------------------------------------


def measured(source: str, setting: Setting, instance: int, cloud: _clouds.Cloud) -> Iterator[Row]:
    """Yield the rows of one instance; the points beyond n are those selected before."""
    selected = np.arange(setting.n, setting.n + setting.selected)
    problem = so.MMDSelection(
        cloud.matrix, setting.k, selected=selected, kernel="precomputed", copy=False
    )
    form, key = problem.quadratic_form(), (source, setting.name, instance)
    drawn = np.sqrt(np.maximum(0, random_objectives(problem, DRAWS, seed=instance)))
    for q, value in zip(QUANTILES, np.quantile(drawn, np.array(QUANTILES) / 100), strict=True):
        yield Row(*key, f"random {q} %", root_mmd=f"{value:.6g}")
    for name in setting.methods:
        start = process_time()
        chosen, bound = METHODS[name](problem)
        seconds = process_time() - start
        root = problem.root_mmd(chosen)
        swapped = problem.root_mmd(_descended(form, form.rows(chosen)))
        yield Row(
            *key,
            name,
            f"{seconds:.2g}",
            "" if bound is None else f"{bound:.6g}",
            f"{root:.6g}",
            f"{swapped:.6g}",
            f"{rank(root, drawn):.4g}",
        )


def _compile() -> bool:
    """Run everything once on a small instance, so that compiling is not timed."""
    small = Setting("small", 60, 6, 0, tuple(METHODS))
    return bool(
        list(
            measured("digits", small, 0, _clouds.of_images(_classifier.digits(), 60, 1, seed=0)[0])
        )
    )


def _descended(form: QuadraticForm, rows: Rows) -> Rows:
    """Return where swap descent ends that begins at a selection."""
    search, mask = Descents(form, seed=0), np.zeros(form.n, np.bool_)
    mask[rows] = True
    search.go(mask)
    while not search.descend()[0]:
        pass
    return search.indices()


def complete(path: Path, data: Path | None, instances: int) -> list[Row]:
    """Measure what the CSV lacks, and append it instance by instance; returns all rows."""
    rows = read(path) if path.exists() else []
    done, warm = {row[:3] for row in rows}, False
    sources: dict[str, Callable[[int, int], list[_clouds.Cloud]]] = {
        "digits": lambda n, count: _clouds.of_images(_classifier.digits(), n, count, seed=0)
    }
    if data is not None:
        sources["MNIST"] = lambda n, count: _clouds.of_images(
            _classifier.mnist(data), n, count, seed=0
        )
    for setting in SETTINGS:
        for source, load in sources.items():
            if all((source, setting.name, i) in done for i in range(instances)):
                continue
            for i, cloud in enumerate(load(setting.n + setting.selected, instances)):
                if (source, setting.name, i) not in done:
                    warm = warm or _compile()
                    rows += measured(source, setting, i, cloud)
                    write(path, rows)
                    print(f"{source}, {setting.name}: instance {i}", flush=True)
    return rows


def main() -> None:
    """Measure, then write tables and figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("SUBSETOPT_DATA"))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures")
    parser.add_argument("--instances", type=int, default=5)
    wanted = parser.parse_args()
    from threadpoolctl import threadpool_limits

    wanted.out.mkdir(parents=True, exist_ok=True)
    data = None if wanted.data is None else Path(wanted.data)
    with threadpool_limits(1, "blas"):
        rows = complete(wanted.out / "relaxations.csv", data, wanted.instances)
    results = Results(rows)
    draw(results, wanted.out)
    for setting, table in results.tables().items():
        print(f"{setting}\n\n{table}")


if __name__ == "__main__":
    main()
