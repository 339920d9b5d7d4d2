"""Cost of the first answer, of every own solver on every family, before and after compiling.

``python -m benchmarks.scripts.first_answer`` prints a table; names of jobs measure those alone.
Each job has two fresh processes: one whose cache of machine code is empty, and one that finds there
what the first has compiled. Each of them first imports Numba and compiles a function of three
lines, the least that anybody who compiles pays; then it imports subsetopt and answers. Both are
processor seconds, and what is compared from machine to machine is the second over the first.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

Row = dict[str, Any]

N, K = 100, 20
_SHORT = {"mean-matching": "scalars", "vector-mean-matching": "vectors"}
_SEARCH = 0.05  # seconds for those that search as long as they may
_CHILD = (
    "import json, sys; from subsetopt.benchmarks.scripts.first_answer import measured; "
    "print(json.dumps(measured(sys.argv[1])))"
)


def jobs() -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield names of jobs and what gives their first answer."""
    from subsetopt._dependencies import OptionalDependency
    from subsetopt.solvers import _tiny, catalogue

    for name in _tiny.own_solvers():
        for family in catalogue.solver_class(name).handles:
            yield f"{name}, {_SHORT.get(family, family)}", partial(_solved, name, family)
    yield "select", _selected
    for selector in ("running-herding", "running-swap"):
        yield f"sequence, {selector}", partial(_sequenced, selector)
    for baseline in ("Submodular", "FacilityLocation"):
        yield f"baseline, {baseline}", partial(_ordered, baseline)
    if OptionalDependency("torch", "torch").availability():
        for rule in ("obftf", "vector", "frank_wolfe"):
            yield f"rule, {rule}", partial(_ruled, rule)


def _points(n: int = N) -> Any:
    import numpy as np

    return np.random.default_rng(0).exponential(size=(n, 3))


def _solved(name: str, family: str) -> object:
    import subsetopt as so

    small = {"exact": (30, 8), "branch-and-bound": (18, 7)}
    n, k = small.get(name, (N, K))
    points = _points(n)
    problem: Any
    if family == "quadratic":
        problem = so.QuadraticSelection(points @ points.T, k=k)
    elif family == "mmd":
        problem = so.MMDSelection(points, k)
    else:
        problem = so.MeanMatching(points[:, 0] if family == "mean-matching" else points, k)
    return so.solve(problem, name, time_limit=None if name in small else _SEARCH)


def _selected() -> object:
    import subsetopt as so

    return so.select(_points()[:, 0], K)


def _sequenced(selector: str) -> object:
    import subsetopt as so

    return so.sequence(_points(), K, selector=selector)


def _ordered(baseline: str) -> object:
    from subsetopt.sequencing import baselines

    options = {"uncertainty": 0} if baseline == "Submodular" else {}
    return getattr(baselines, baseline)(**options).order(_points(), K)


def _ruled(name: str) -> object:
    import torch

    from subsetopt.torch import rule

    features = torch.from_numpy(_points()).float()
    return rule(name)(features[:, 0], K, features=features)


def measured(name: str) -> Row:
    """Return what this process, which has imported nothing yet, spends on a job.

    Returns
    -------
    dict
        Processor seconds of the `reference` and of the `answer`, and how many `functions` were
        compiled for it, those of Numba's own library among them.
    """
    reference = _yardstick()
    count = _counter()
    if name.startswith("rule, "):
        import torch  # noqa: F401 - whoever trains has imported it
    begin = process_time()
    dict(jobs())[name]()
    return {"reference": reference, "answer": process_time() - begin, "functions": count()}


def _yardstick() -> float:
    """Import Numba and compile a function of three lines; returns the processor seconds."""
    begin = process_time()
    import numba

    @numba.njit
    def trivial(x):  # type: ignore[no-untyped-def]
        y = x + 1
        return y

    trivial(1)
    return process_time() - begin


def _counter() -> Callable[[], int]:
    """Return what tells how many functions have been compiled from here on."""
    from numba.core import event

    class Compiled(event.Listener):
        count = 0

        def on_start(self, event: object) -> None:
            self.count += 1

        def on_end(self, event: object) -> None:
            pass

    listener = Compiled()
    register: Any = event.register
    register("numba:compile", listener)
    return lambda: listener.count


def first(name: str, folder: str) -> Row:
    """Return `measured` of a fresh process that keeps its machine code in a folder."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, name],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    row: Row = json.loads(done.stdout)
    return row


def row_of(name: str) -> Row:
    """Return the figures of a job with an empty cache, and with what it leaves there."""
    with TemporaryDirectory() as folder:
        cold, warm = first(name, folder), first(name, folder)
    return {
        "job": name,
        "functions": cold["functions"],
        "cold s": cold["answer"],
        "cold x": cold["answer"] / cold["reference"],
        "warm s": warm["answer"],
        "warm x": warm["answer"] / warm["reference"],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the jobs named, or all, and print them."""
    from .script import parser, report

    options = parser(__doc__)
    known = [name for name, _ in jobs()]
    options.add_argument("jobs", nargs="*", metavar="JOB", help="such as 'tabu, quadratic'")
    given = options.parse_args(arguments)
    unknown = set(given.jobs) - set(known)
    if unknown:
        options.error(f"JOB must be one of {'; '.join(known)}; got {min(unknown)!r}")
    report(given, (row_of(name) for name in given.jobs or known))


if __name__ == "__main__":
    main()
