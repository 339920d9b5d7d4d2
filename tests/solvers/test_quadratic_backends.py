"""Every formulation of a quadratic problem on every backend, against enumeration."""

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from typing import Any, get_args

import numpy as np
import pytest

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.models import QuadraticModel, iqp_model
from subsetopt.solvers import catalogue
from subsetopt.solvers.backends import _backend, _formulations
from subsetopt.solvers.backends._adapter import Watch
from subsetopt.solvers.backends._integer_forms import FormGrid
from subsetopt.testing import assert_solver_contract

LINEAR = get_args(_formulations.Linear)
TAKEN = {
    "scip": get_args(_formulations.Quadratic),
    "highs": LINEAR,
    "cbc": LINEAR,
    "cpsat": LINEAR,
}


def _pairs(formulations: dict[str, tuple[str, ...]]) -> Iterator[Any]:
    for name, words in formulations.items():
        available = catalogue.solver_class(name).availability()
        mark = pytest.mark.skipif(not available, reason=available.reason or "available")
        for word in words:
            yield pytest.param(name, word, marks=mark)


each = pytest.mark.parametrize(("name", "formulation"), list(_pairs(TAKEN)))
backend = pytest.mark.parametrize(
    ("name", "formulation"), list(_pairs(dict.fromkeys(TAKEN, ("auto",))))
)


def random_problem(seed: int, n: int = 9, k: int = 4, **options: Any) -> so.QuadraticSelection:
    rng = np.random.default_rng(seed)
    return so.QuadraticSelection(rng.normal(size=(n, n)), rng.normal(size=n), k, **options)


def kernel_problem(n: int, k: int) -> so.QuadraticSelection:
    points = np.random.default_rng(1).normal(size=(n, 3))
    kernel = np.exp(-((points[:, None] - points) ** 2).sum(axis=2) / 6)
    return so.QuadraticSelection(kernel, -2 * k / n * kernel.sum(axis=1), k)


def optimum(problem: so.QuadraticSelection) -> Fraction:
    chosen = combinations(range(problem.n), problem.k)
    return min(problem.exact_objective(list(some)) for some in chosen)


CONTRACTS = {
    "cbc": ("published",),
    "highs": ("mccormick",),
    "cpsat": ("rlt",),
    "scip": ("published", "iqp", "iqp-folded"),
}


@pytest.mark.parametrize(("name", "formulation"), list(_pairs(CONTRACTS)))
def test_contract(name: str, formulation: str) -> None:
    """Each formulation, and each backend: a program says nothing of who solves it.

    That of "auto" is held with those of all other solvers, in test_testing.py.
    """
    assert_solver_contract(so.solver(name, formulation=formulation), families=("quadratic",))


@each
def test_optimal_within_a_small_eps(name: str, formulation: str) -> None:
    maximised = random_problem(3, n=8, sense="maximise", constant=5.0)
    for problem in (maximised, kernel_problem(8, 3)):
        best = optimum(problem)
        solver: Any = so.solver(name, formulation=formulation)
        answer = solver._solve(problem, Limits(threads=1))
        assert answer.termination is so.Termination.OPTIMAL
        value = problem.exact_objective(answer.indices)
        assert value - best <= Fraction(answer.eps)
        assert Fraction(answer.bound) <= best + Fraction(answer.eps)
        assert answer.eps < 2e-3


@pytest.mark.parametrize("formulation", ["published", "mccormick", "rlt"])
def test_linearisations_by_scip_agree_on_vectors(formulation: str) -> None:
    pytest.importorskip("pyscipopt")
    values = np.random.default_rng(4).normal(size=(9, 3))
    problem = so.MeanMatching(values, k=4, cardinality="at_most")
    residuals: Any = so.solve(problem, "scip")
    solution: Any = so.solve(problem, so.solver("scip", formulation=formulation))
    assert solution.objective == pytest.approx(residuals.objective, abs=1e-6)


@pytest.mark.parametrize("formulation", [*TAKEN["scip"], "residuals"])
def test_scip_takes_the_start_as_a_whole_solution(formulation: str) -> None:
    pytest.importorskip("pyscipopt")
    problem: Any = kernel_problem(9, 4)
    if formulation == "residuals":
        problem = so.MeanMatching(np.random.default_rng(4).normal(size=(9, 3)), k=4)
    start = np.array([0, 2, 5, 7])
    first = {"limits/solutions": 1, "presolving/maxrounds": 0}
    word = "auto" if formulation == "residuals" else formulation
    solver: Any = so.solver("scip", formulation=word, parameters=first)
    answer = solver.search(problem, Limits(threads=1), Watch(start=start))
    assert answer.termination is so.Termination.ITERATION_LIMIT
    assert answer.indices.tolist() == start.tolist()


def test_scip_does_not_restart_unless_told_to() -> None:
    pyscipopt = pytest.importorskip("pyscipopt")
    for parameters, restarts in (({}, 0), ({"presolving/maxrestarts": 3}, 3)):
        model, solver = pyscipopt.Model(), so.solver("scip", parameters=parameters)
        solver._configure(model, Limits(), _backend.Scaled(kernel_problem(3, 1)))  # type: ignore[attr-defined, type-var]
        assert model.getParam("presolving/maxrestarts") == restarts


def test_a_scip_without_exact_solving_says_what_to_build() -> None:
    pyscipopt = pytest.importorskip("pyscipopt")
    if "exact/enable" in pyscipopt.Model().getParams():
        pytest.skip("this SCIP has exact solving")
    solver = so.solver("scip", exact_arithmetic=True)
    with pytest.raises(so.MissingDependency, match=r"built without it.* SCIPOPTDIR"):
        so.solve(kernel_problem(6, 2), solver)


def test_exact_models_are_linear() -> None:
    for formulation in ("iqp", "iqp-folded", "factored"):
        with pytest.raises(so.InvalidOption, match=f"mccormick, compact, rlt; got '{formulation}'"):
            so.solver("scip", exact_arithmetic=True, formulation=formulation)


@pytest.mark.parametrize("kind", ["scalars", "vectors", "quadratic", "MMD"])
def test_a_scip_with_exact_solving_reads_the_model(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stands for such a build: it says that it has exact solving, and solves in floats."""
    pyscipopt: Any = pytest.importorskip("pyscipopt")
    told: list[bool] = []
    base: Any = pyscipopt.Model

    class Exact(base):  # type: ignore[misc]
        def getParam(self, name: str) -> Any:  # noqa: N802
            return False if name == "exact/enable" else super().getParam(name)

        def setParam(self, name: str, value: Any) -> None:  # noqa: N802
            if name == "exact/enable":
                assert self.getNVars() == 0
                told.append(value)
            else:
                super().setParam(name, value)

        def addCons(self, *given: Any, **options: Any) -> Any:  # noqa: N802
            raise AssertionError("rows in floats are not for exact solving")

    monkeypatch.setattr(pyscipopt, "Model", Exact)
    values = np.random.default_rng(4).normal(size=(8, 2))
    made: dict[str, Any] = {
        "scalars": lambda: so.MeanMatching(values[:, 0], k=3, cardinality="at_most"),
        "vectors": lambda: so.MeanMatching(values, k=3),
        "quadratic": lambda: random_problem(2, n=8, k=3),
        "MMD": lambda: so.MMDSelection(values, k=3),
    }
    problem = made[kind]()
    solver: Any = so.solver("scip", exact_arithmetic=True)
    answer = solver._solve(problem, Limits(threads=1))
    assert told == [True]
    assert answer.termination is so.Termination.OPTIMAL
    assert answer.eps < 1e-6
    expected: Any = so.solve(problem, "exact" if kind == "scalars" else "branch-and-bound")
    assert problem.objective(answer.indices) == pytest.approx(expected.objective, abs=1e-6)


def test_scip_takes_squares_where_the_matrix_is_semidefinite() -> None:
    pytest.importorskip("pyscipopt")
    points = np.random.default_rng(2).normal(size=(8, 2))
    assert so.solver("scip")._task(kernel_problem(91, 2)).linear.name == "iqp"  # type: ignore[attr-defined]
    for problem, name in ((so.MMDSelection(points, 3), "factored"), (kernel_problem(6, 2), "rlt")):
        task = so.solver("scip")._task(problem)  # type: ignore[attr-defined]
        assert task.linear.name == name
    wide = so.MMDSelection(points, 3, kernel="linear")
    task = so.solver("scip", formulation="factored")._task(wide)  # type: ignore[attr-defined]
    assert task.linear.variables == 8 + 2
    assert task.scale.rounding > _backend.scaled_form(wide.quadratic_form()).rounding


def test_large_models_are_loose_ones() -> None:
    names = [_formulations.task(kernel_problem(n, 2), "auto").linear.name for n in (89, 91)]
    assert names == ["compact", "mccormick"]
    assert FormGrid.of(kernel_problem(91, 2), "auto", None).linear.name == "compact"


def test_rows_of_products_are_clauses_for_cpsat() -> None:
    cp_model = pytest.importorskip("ortools.sat.python.cp_model")
    for name, linear in (("mccormick", 1), ("compact", 1 + 6), ("rlt", 1 + 6)):
        grid = FormGrid.of(random_problem(1, n=6, k=3), name, None)
        model, chosen = grid.model(cp_model, np.array([0, 2, 3]))
        assert sum("linear" in str(row) for row in model.proto.constraints) == linear
        told = model.proto.solution_hint
        hint = dict(zip(told.vars, told.values, strict=True))
        assert len(hint) == grid.linear.variables
        assert [i for i in range(len(chosen)) if hint[i]] == [0, 2, 3]


@backend
@pytest.mark.parametrize("power", [-250, 40, 900])
def test_magnitudes(name: str, formulation: str, power: int) -> None:
    rng = np.random.default_rng(8)
    matrix, linear = rng.normal(size=(8, 8)), rng.normal(size=8)
    problem = so.QuadraticSelection(np.ldexp(matrix, power), np.ldexp(linear, power), 3)
    answer: Any = so.solver(name)._solve(problem, Limits(threads=1))
    unit = Fraction(2) ** power
    assert problem.exact_objective(answer.indices) - optimum(problem) <= Fraction(answer.eps)
    assert Fraction(answer.eps) <= unit / 100


@backend
def test_a_time_limit_is_no_success(name: str, formulation: str) -> None:
    problem = kernel_problem(60, 12)
    for time_limit in (0.01, 0.4):
        solution: Any = so.solve(problem, name, time_limit=time_limit, threads=1)
        assert solution.termination is so.Termination.TIME_LIMIT
        assert solution.stats.solve_seconds < time_limit + 3
        if solution.indices is not None and solution.bound is not None:
            assert solution.bound <= solution.objective


@backend
def test_gaps_are_counted(name: str, formulation: str) -> None:
    problem = kernel_problem(9, 4)
    for limits in (Limits(gap=0.3, threads=1), Limits(absolute_gap=0.2, threads=1)):
        answer: Any = so.solver(name)._solve(problem, limits)
        value = problem.exact_objective(answer.indices)
        assert value - optimum(problem) <= Fraction(answer.eps)


@backend
def test_too_many_products_are_refused(name: str, formulation: str) -> None:
    problem = so.QuadraticSelection(np.zeros((2100, 2100), dtype=np.float32), k=2)
    with pytest.raises(so.TooLarge, match="2100"):
        so.solve(problem, name)


@each
def test_mean_matching_has_one_model(name: str, formulation: str) -> None:
    problem = so.MeanMatching([1.0, 2.0, 4.0, 8.0], k=2)
    solver = so.solver(name, formulation=formulation)
    if formulation == "auto":
        assert so.solve(problem, solver).indices is not None
        return
    with pytest.raises(so.InvalidOption, match="auto"):
        so.solve(problem, solver)


@pytest.mark.parametrize("name", TAKEN)
def test_unknown_formulations(name: str) -> None:
    with pytest.raises(so.InvalidOption, match=r"formulation must be .*'qp'"):
        so.solver(name, formulation="qp")
    if name != "scip":
        with pytest.raises(so.InvalidOption, match=r"formulation must be .*'iqp'"):
            so.solver(name, formulation="iqp")


@pytest.mark.parametrize("formulation", LINEAR)
def test_cpsat_proves_what_is_whole_and_rounds_what_is_not(formulation: str) -> None:
    pytest.importorskip("ortools")
    rng = np.random.default_rng(2)
    problem = so.QuadraticSelection(rng.integers(-50, 50, (10, 10)), rng.integers(-9, 9, 10), 4)
    exact: Any = so.solve(problem, so.solver("cpsat", formulation=formulation), threads=1)
    assert exact.certificate.kind is so.CertificateKind.EXACT
    assert problem.exact_objective(exact.indices) == optimum(problem)
    coarse: Any = so.solver("cpsat", formulation=formulation, bits=8)
    answer = coarse._solve(problem, Limits(threads=1))
    assert not answer.proven
    assert "rounded" in answer.message
    assert answer.eps > 0
    assert problem.exact_objective(answer.indices) - optimum(problem) <= Fraction(answer.eps)


def test_cpsat_proves_single_precision() -> None:
    pytest.importorskip("ortools")
    rng = np.random.default_rng(6)
    square = rng.normal(size=(9, 9)).astype(np.float32)
    problem = so.QuadraticSelection(square + square.T, k=4)
    solution: Any = so.solve(problem, "cpsat", threads=1)
    assert solution.certificate.kind is so.CertificateKind.EXACT
    assert problem.exact_objective(solution.indices) == optimum(problem)


# -- the shared parts ---------------------------------------------------------------------------


def test_forms_of_natural_magnitude_are_left_alone() -> None:
    form = random_problem(0).quadratic_form()
    assert _backend.scaled_form(form).problem is form
    large = random_problem(0).quadratic_form()
    problem = so.QuadraticSelection(large.matrix * 1e9, large.linear * 1e9, 4, constant=-3.0)
    scale = _backend.scaled_form(problem.quadratic_form())
    assert 0.5 <= np.abs(scale.problem.matrix).max() <= 1
    chosen = np.array([1, 3, 4, 7])
    assert scale.lift(scale.problem.value(chosen)) == pytest.approx(problem.objective(chosen))
    assert scale.lift_width(scale.lower_width(7.0)) == pytest.approx(7.0, abs=1e-2)


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("k", [1, 2, 5, 8])
def test_lower_end_is_below_every_selection(fold: bool, k: int) -> None:
    for seed in range(10):
        form = random_problem(seed, n=8, k=k).quadratic_form()
        model: QuadraticModel = iqp_model(form, folded=fold)
        linear = 0.0 if fold else form.linear
        quadratic = form.matrix + (np.diag(form.linear) if fold else 0.0)
        best = min(float(quadratic[np.ix_(rows, rows)].sum()) for rows in combinations(range(8), k))
        assert -math.inf < _formulations.lower_end(model) <= best
        assert (model.linear.objective == linear).all()
