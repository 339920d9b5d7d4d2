"""The backends share one process, in every order of import, and may each be missing."""

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest

import subsetopt as so
from subsetopt import _dependencies
from subsetopt.limits import Limits
from subsetopt.solvers import catalogue

BACKENDS = ("cbc", "scip", "highs", "cpsat")
MODULES = {
    "ortools": "import ortools.linear_solver.pywraplp, ortools.sat.python.cp_model",
    "highspy": "import highspy",
    "pyscipopt": "import pyscipopt",
    "scipy": "from scipy.optimize import milp",
}
USE = f"""
BACKENDS = {BACKENDS}
import numpy as np, subsetopt as so
from scipy.optimize import Bounds, milp
problem = so.MeanMatching(np.arange(1.0, 10.0) ** 2, k=3)
found = {{name: so.solve(problem, name, threads=1).objective for name in BACKENDS}}
assert milp([1.0], bounds=Bounds(0.5, 3), integrality=[1]).x[0] == 1
assert max(found.values()) - min(found.values()) < 1e-4, found
print("well")
"""


def _every_backend_is_here() -> bool:
    return all(catalogue.solver_class(name).availability() for name in BACKENDS)


def test_each_imported_first_and_last() -> None:
    modules = list(MODULES)
    _use_all_after([(*modules[at:], *modules[:at]) for at in range(len(modules))])


@pytest.mark.slow
@pytest.mark.parametrize("first", MODULES)
def test_every_order_of_import(first: str) -> None:
    others = [module for module in MODULES if module != first]
    _use_all_after([(first, *rest) for rest in itertools.permutations(others)])


def _use_all_after(orders: Iterable[Sequence[str]]) -> None:
    if not _every_backend_is_here():
        pytest.skip("a backend is missing here")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", "\n".join(MODULES[m] for m in order) + USE],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for order in orders
    ]
    for child in children:
        out, _ = child.communicate(timeout=120)
        assert (child.returncode, out) == (0, "well\n")


# -- what is missing, or clashes, is a value with a reason ----------------------------------------


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that some modules are missing and that distributions have other versions."""

    def pretend(missing: Sequence[str] = (), versions: Mapping[str, str] | None = None) -> None:
        found, version = _dependencies._findable, _dependencies.version_of
        monkeypatch.setattr(_dependencies, "_findable", lambda m: m not in missing and found(m))
        monkeypatch.setattr(
            _dependencies, "version_of", lambda d: (versions or {}).get(d) or version(d)
        )

    return pretend


def _row(name: str) -> Any:
    return next(row for row in so.available_solvers() if row.name == name)


@pytest.mark.parametrize(
    ("name", "module"),
    [("cbc", "ortools"), ("cpsat", "ortools"), ("scip", "pyscipopt"), ("highs", "highspy")],
)
def test_missing(environment: Callable[..., None], name: str, module: str) -> None:
    environment(missing=[module])
    row = _row(name)
    assert not row.availability
    assert f"pip install '{module}" in row.availability.reason
    problem = so.MeanMatching([1.0, 2.0, 3.0], k=1)
    with pytest.raises(so.MissingDependency, match="pip install"):
        so.solve(problem, name)
    with pytest.raises(so.MissingDependency, match="pip install"):
        so.solver(name)._solve(problem, Limits())
    assert so.solve(problem, "random").indices is not None


def test_the_clash_is_told_before_it_crashes(environment: Callable[..., None]) -> None:
    environment(versions={"highspy": "1.15.0"})
    reason = _row("highs").availability.reason
    assert "ortools" in reason
    assert "pip install 'highspy>=1.10,<1.15'" in reason
    with pytest.raises(so.MissingDependency, match="cannot share a process"):
        so.solve(so.MeanMatching([1.0, 2.0], k=1), "highs")
    environment(missing=["ortools"], versions={"highspy": "1.15.0"})
    assert _row("highs").availability.version == "1.15.0"
    assert _row("highs").availability


def test_nothing_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, subsetopt as so; so.available_solvers(); "
        "print([m for m in ('ortools', 'highspy', 'pyscipopt') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr


def test_import_without_any_backend() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('ortools', 'highspy', 'pyscipopt')));"
        "import subsetopt as so; print(so.MeanMatching([1.0, 2.0], k=1).n)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "2\n", result.stderr
