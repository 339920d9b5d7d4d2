"""`branch-and-bound` next to commercial and free solvers, on the same quadratic selections.

``python -m benchmarks.scripts.commercial --data DIR --python PYTHON`` runs the others with the
interpreter of an environment that has them:

    pip install gurobipy xpress cplex pyscipopt highspy ortools scipy

The first three come with licences for small models, which these are. Each has a process of its own,
one thread, and states the model in its own interface, see `commercial_models`; `--limit` are its
seconds, without those in which the model is stated. Ours is the whole call. A gap is between the
value of the selection, computed here, and the bound that the solver claims, in shares of the value.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

import subsetopt as so
from subsetopt import __version__
from subsetopt.models import QuadraticForm

from .commercial_models import GAP, SOLVERS
from .proofs import Problem, mixture
from .script import Row, parser, report, report_machine
from .textbook import instances as dispersions

OURS = "branch-and-bound"
_LATER = 60.0  # seconds after its limit in which a solver has to have stated its model and ended
_OTHERS = "10-d"  # of the dispersions, more of a kind


def instances(folder: Path | None) -> Iterator[tuple[str, Problem]]:
    """Yield the instances for which there is data."""
    for name, problem in dispersions(folder):
        if _OTHERS not in name:
            yield name, problem
    yield "MMD, mixture, n=80, k=8", mixture(80, 8, 0)


def others(form: QuadraticForm, solver: str, python: str, limit: float) -> Row:
    """Return what another solver has come to, or why it has not."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.npz")
        np.savez(path, matrix=form.matrix.astype(np.float64), linear=form.linear, k=form.k)
        program = str(Path(__file__).with_name("commercial_models.py"))
        command = [python, program, solver, path, str(limit)]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=limit + _LATER)
        except subprocess.TimeoutExpired:
            return {"message": f"stopped {_LATER:g} s after its limit"}
    if ended.returncode:
        return {"message": (ended.stderr.strip().splitlines() or ["ended"])[-1][:100]}
    outcome: Row = json.loads(ended.stdout.strip().splitlines()[-1])
    chosen, bound = outcome.pop("chosen"), outcome.pop("bound")
    if chosen is None or len(chosen) != form.k:
        return outcome | {"message": "no selection"}
    return outcome | _judged(form.lift(form.value(np.array(chosen))), form.lift(bound))


def ours(problem: Problem, limit: float) -> Row:
    """Return what `branch-and-bound` has come to."""
    so.solve(problem, OURS, threads=1, time_limit=1.0)  # compiled, or loaded from the cache
    begun, used = time.perf_counter(), time.process_time()
    solution = so.solve(problem, OURS, threads=1, time_limit=limit)
    spent = time.perf_counter() - begun, time.process_time() - used
    assert solution.objective is not None
    assert solution.bound is not None
    row = {"version": __version__, "seconds": spent[0], "processor s": spent[1]}
    return row | _judged(float(solution.objective), float(solution.bound))


def _judged(value: float, bound: float) -> Row:
    gap = abs(value - bound) / abs(value) if value else float(value != bound)
    return {"value": value, "gap": gap, "proven": gap <= GAP}


def measured(problem: Problem, solvers: Sequence[str], python: str, limit: float) -> Iterator[Row]:
    """Yield a row for each solver."""
    form = problem.quadratic_form()
    for solver in solvers:
        mine = solver == OURS
        got = ours(problem, limit) if mine else others(form, solver, python, limit)
        yield {"solver": solver, "limit": limit} | got


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each instance."""
    made = parser(__doc__, data=True)
    made.add_argument("--python", default=sys.executable, help="that has the other solvers")
    every = (OURS, *SOLVERS)
    made.add_argument("--solvers", nargs="*", default=every, choices=every)
    made.add_argument("--limit", type=float, default=12.0, help="seconds of each solver")
    made.add_argument("--only", default="", help="only instances whose name holds this text")
    given = made.parse_args(arguments)
    report_machine(given, date=time.strftime("%Y-%m-%d"))
    for name, problem in instances(given.data):
        if given.only in name:
            report(given, measured(problem, given.solvers, given.python, given.limit), name)


if __name__ == "__main__":
    main()
