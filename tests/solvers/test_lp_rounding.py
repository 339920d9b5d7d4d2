"""The published algorithm, and rounding of better relaxations."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.solvers.relaxations import _relaxation
from subsetopt.testing import assert_solver_contract

pytest.importorskip("highspy")


def kernel_problem(n: int, k: int, seed: int = 0) -> so.QuadraticSelection:
    points = np.random.default_rng(seed).normal(size=(n, 3))
    kernel = np.exp(-((points[:, None] - points) ** 2).sum(axis=2) / 6)
    return so.QuadraticSelection(kernel, -2 * k / n * kernel.sum(axis=1), k)


@pytest.mark.parametrize(
    "options",
    [
        {"engine": "highs"},
        {"linearisation": "mccormick"},
        {"linearisation": "rlt"},
        {"linearisation": "qp"},
    ],
    ids=str,
)
def test_contract(options: dict[str, Any]) -> None:
    assert_solver_contract(so.solver("lp-rounding", **options))


@pytest.mark.parametrize("engine", ["cbc", "scip"])
def test_contract_of_other_engines(engine: str) -> None:
    if not so.solver(engine).availability():
        pytest.skip(f"{engine} is missing")
    assert_solver_contract(so.solver("lp-rounding", engine=engine), families=("quadratic",))


def test_default_is_the_published_algorithm() -> None:
    problem = kernel_problem(40, 4)
    form = problem.quadratic_form()
    diagonal = form.matrix.diagonal() + form.linear
    halves = np.sort(np.argsort(diagonal)[:8])
    solution: Any = so.solve(problem, "lp-rounding")
    np.testing.assert_array_equal(solution.indices, halves[:4])  # ties by the lowest index
    assert solution.bound == pytest.approx(np.sort(diagonal)[:8].sum() / 2)
    assert "closed form" in solution.message
    by_highs: Any = so.solve(problem, so.solver("lp-rounding", engine="highs"))
    assert by_highs.bound == pytest.approx(solution.bound)
    assert "published relaxation by HiGHS" in by_highs.message


def test_better_relaxations_bound_better() -> None:
    problem = kernel_problem(14, 4, seed=2)
    best = min(problem.objective(list(chosen)) for chosen in combinations(range(14), 4))
    found: dict[str, Any] = {
        name: so.solve(problem, so.solver("lp-rounding", linearisation=name))
        for name in ("published", "mccormick", "rlt", "qp")
    }
    lower = {name: solution.bound for name, solution in found.items()}
    assert lower["published"] < lower["mccormick"] < lower["rlt"] <= best
    assert lower["mccormick"] < lower["qp"] <= best
    assert all(solution.objective >= best - 1e-12 for solution in found.values())


def test_vectors_and_padding() -> None:
    values = np.random.default_rng(3).normal(size=(9, 2))
    problem = so.MeanMatching(values, k=4, target=[3.0, 0.0], cardinality="at_most")
    for name in ("published", "rlt", "qp"):
        solution: Any = so.solve(problem, so.solver("lp-rounding", linearisation=name))
        assert solution.indices.size <= 4
        assert solution.bound <= solution.objective


def test_the_closed_form_alone_refuses_what_it_cannot_show() -> None:
    only = so.solver("lp-rounding", engine="closed-form")
    problem = kernel_problem(40, 4)
    np.testing.assert_array_equal(
        so.solve(problem, only).indices, so.solve(problem, "lp-rounding").indices
    )
    rng = np.random.default_rng(0)
    square = np.abs(rng.normal(size=(6, 6)))
    hard = so.QuadraticSelection(square, [-1.0, -9.0, 0.0, 0.5, 0.0, -2.0], k=4)
    assert _relaxation.published_in_closed_form(hard.quadratic_form()) is None
    with pytest.raises(so.UnsupportedProblem, match="engine='auto'"):
        so.solve(hard, only)
    assert "HiGHS" in so.solve(hard, "lp-rounding").message


def test_large_instances_need_no_linear_programme() -> None:
    problem = kernel_problem(2500, 50)
    solution: Any = so.solve(problem, "lp-rounding")
    assert "closed form" in solution.message
    assert solution.bound < solution.objective
    with pytest.raises(so.TooLarge, match="2500"):
        so.solve(problem, so.solver("lp-rounding", linearisation="rlt"))


def test_a_time_limit_still_gives_a_selection() -> None:
    problem = so.QuadraticSelection(np.random.default_rng(1).normal(size=(60, 60)), k=20)
    rlt: Any = so.solver("lp-rounding", linearisation="rlt")
    answer = rlt._solve(problem, Limits(time_limit=1e-3, threads=1))
    assert answer.termination is so.Termination.TIME_LIMIT
    assert problem.check(answer.indices).size == 20


@pytest.mark.parametrize(
    "options",
    [
        {"linearisation": "best"},
        {"engine": "cplex"},
        {"linearisation": "rlt", "engine": "closed-form"},
        {"linearisation": "qp", "engine": "cbc"},
    ],
)
def test_bad_options(options: dict[str, str]) -> None:
    with pytest.raises(so.InvalidOption):
        so.solver("lp-rounding", **options)
