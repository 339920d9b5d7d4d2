"""Solvers and bounds on quadratics that are kept sparse."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.problems import _sparse_entries
from subsetopt.solvers import _feasibility, bounds

sparse = pytest.importorskip("scipy.sparse")
SOLVERS = ("greedy", "swap", "tabu")


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep small problems sparse too."""
    monkeypatch.setattr(_sparse_entries, "FROM", 0)
    monkeypatch.setattr(_sparse_entries, "DENSITY", 3.0)


def _problem(n: int, k: int, kind: str, seed: int = 0) -> Any:
    draw = np.random.default_rng([n, k, seed])
    Q = draw.normal(size=(n, n)) * (draw.random((n, n)) < 0.4)
    if kind == "positive":
        Q = np.abs(Q)
    elif kind == "whole":
        Q = np.rint(2 * Q)
    return so.QuadraticSelection(
        sparse.coo_array(Q), draw.normal(size=n), k, constant=1.5, sense="maximise"
    )


def _solve(problem: Any, solver: Any = "auto", **given: Any) -> Any:
    return so.solve(problem, solver, **given)


def _least(problem: Any) -> float:
    return min(
        float(problem.objective(chosen)) for chosen in combinations(range(problem.n), problem.k)
    )


@pytest.mark.parametrize("kind", ["signed", "positive", "whole"])
@pytest.mark.parametrize(("n", "k"), [(9, 1), (10, 4), (11, 8), (8, 7), (7, 7)])
def test_the_best_of_few_selections_is_met(always: None, n: int, k: int, kind: str) -> None:
    problem = _problem(n, k, kind)
    least = _least(problem)
    assert _solve(problem, "tabu").objective == pytest.approx(least)
    assert _solve(problem, "swap").objective == pytest.approx(least)
    assert _solve(problem, "greedy").objective >= least - 1e-12


@pytest.mark.parametrize("sense", ["minimise", "maximise"])
@pytest.mark.parametrize("kind", ["signed", "positive", "whole"])
@pytest.mark.parametrize(("n", "k"), [(9, 1), (10, 4), (11, 8), (8, 7), (7, 7)])
def test_degrees_bound_every_selection(
    monkeypatch: pytest.MonkeyPatch, n: int, k: int, kind: str, sense: Any
) -> None:
    draw = np.random.default_rng([n, k])
    Q = draw.normal(size=(n, n)) * (draw.random((n, n)) < 0.6)
    Q = {"signed": Q, "positive": np.abs(Q), "whole": np.rint(2 * Q)}[kind]
    given = {"c": draw.normal(size=n), "k": k, "constant": 1.5, "sense": sense}
    dense = so.QuadraticSelection(Q, **given)
    monkeypatch.setattr(_sparse_entries, "FROM", 0)
    monkeypatch.setattr(_sparse_entries, "DENSITY", 3.0)
    kept = so.QuadraticSelection(sparse.csr_array(Q), **given)
    one, other = (bounds.lower_bound(problem, "degrees", Limits()) for problem in (dense, kept))
    assert one == pytest.approx(other, abs=1e-9)
    assert max(one, other) <= _least(dense) + 1e-12
    if k in (1, n):
        assert one == pytest.approx(_least(dense), abs=1e-9)


def test_degrees_are_cut_off_and_counted_without_rounding(always: None) -> None:
    star = [(0, leaf) for leaf in range(1, 9)] + [(1, 2)]
    problem = so.QuadraticSelection.from_graph(star, 3)
    solution = _solve(problem, bound="degrees")
    assert problem.stated(solution.objective) == 3.0
    assert problem.stated(solution.bound) == 3.0  # half of 2 + 2 + 2


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_planted_set_is_met(solver: str) -> None:
    """Among 4,000 nodes of degree 10, 60 with 19 neighbours among each other more."""
    draw = np.random.default_rng(0)
    background = draw.integers(4_000, size=(20_000, 2))
    planted = draw.choice(4_000, 60, replace=False)
    ends = np.array([pair for pair in combinations(planted, 2) if draw.random() < 0.32])
    edges = np.concatenate([background[background[:, 0] != background[:, 1]], ends])
    problem = so.QuadraticSelection.from_graph(edges, 60, duplicates="once")
    assert problem.sparse_form is not None
    places = [(problem.names or ()).index(node) for node in planted]
    inside = problem.stated(problem.objective(places))
    assert problem.stated(_solve(problem, solver).objective) >= inside


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_same_seed_gives_the_same(always: None, solver: str) -> None:
    problem = _problem(60, 20, "signed")
    one, other = (_solve(problem, solver, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.indices, other.indices)


@pytest.mark.parametrize("solver", ["swap", "tabu"])
def test_a_start_is_never_made_worse(always: None, solver: str) -> None:
    problem = _problem(60, 20, "signed")
    best = _solve(problem, "tabu")
    few = so.solver(solver, **{"iterations" if solver == "tabu" else "restarts": 0})
    assert _solve(problem, few, start=best.indices).objective <= best.objective


@pytest.mark.parametrize("given", [0, 7, 20, 35])
def test_a_start_of_another_size_needs_no_program(
    monkeypatch: pytest.MonkeyPatch, always: None, given: int
) -> None:
    """Programs with a variable for each node of a large graph take minutes."""
    monkeypatch.setattr(_feasibility, "nearest", None)
    problem = _problem(60, 20, "signed")
    few = so.solver("tabu", iterations=0)
    start = np.random.default_rng(0).permutation(60)[:given]
    solution = _solve(problem, few, start=start)
    begun = len(np.intersect1d(problem.check(solution.indices), start))
    assert begun == min(given, 20)
    assert ("repaired" in solution.message) == (given != 20)


def test_a_target_ends_the_search(always: None) -> None:
    problem = _problem(60, 20, "signed")
    best = _solve(problem, "tabu").objective
    solution = _solve(problem, so.solver("tabu", target=best))
    assert solution.termination == "finished"
    assert solution.objective <= best + 1e-9


@pytest.mark.parametrize("solver", SOLVERS)
def test_time_that_is_up_leaves_a_selection(always: None, solver: str) -> None:
    problem = _problem(60, 20, "signed")
    solution = _solve(problem, solver, time_limit=1e-9)
    assert solution.termination == "time_limit"
    assert len(solution.indices) == 20
