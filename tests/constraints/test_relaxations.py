"""Relaxations under constraints: bounds below all that is feasible, and tight ones."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.models import LINEARISATIONS
from subsetopt.solvers import bounds
from subsetopt.solvers.relaxations._face import Face, LinearRows
from subsetopt.solvers.relaxations._feasible_rounding import FeasibleRounding
from subsetopt.solvers.relaxations._polytope import polytope_of

from .cases import feasible, problems
from .test_branching import FORMS, left
from .test_solvers import solves_honestly


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problems(FORMS), st.integers(0, 99))
def test_the_least_of_a_linear_function(problem: Any, seed: int) -> None:
    problem = left(problem)
    if problem is None:
        return
    form = problem.quadratic_form()
    everything = [form.rows(np.array(chosen)) for chosen in feasible(problem)]
    if not everything:
        return
    scores = np.random.default_rng(seed).normal(size=form.n).round(1)
    polytope = polytope_of(form.side, form.k)
    least, vertex = polytope.least(scores), polytope.vertex(scores)
    values = [float(scores[rows].sum()) for rows in everything]
    assert least <= min(values) + 1e-9
    assert scores @ vertex == pytest.approx(least, abs=1e-5)
    assert vertex.sum() == pytest.approx(form.k)
    quotas = form.side.quotas
    if quotas is not None:
        counts = np.add.reduceat(vertex[quotas.members], quotas.starts[:-1])
        assert (counts >= quotas.lower - 1e-6).all()
        assert (counts <= quotas.upper + 1e-6).all()
    if form.side.decided_by_counting:
        assert least == pytest.approx(min(values))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problems(FORMS), st.integers(0, 99))
def test_what_is_rounded_keeps_the_constraints(problem: Any, seed: int) -> None:
    problem = left(problem)
    if problem is None:
        return
    form = problem.quadratic_form()
    rows = FeasibleRounding(form).rounded(np.random.default_rng(seed).random(form.n))
    assert rows is not None or not form.side.decided_by_counting
    if rows is not None:
        problem.check(form.indices(rows))


@pytest.mark.parametrize("method", ["fw", "qp", "rlt", "sdp"])
def test_bounds_are_below_all_that_is_feasible(method: str) -> None:
    @settings(max_examples=15, deadline=None, derandomize=True)
    @given(problems(FORMS, most=8))
    def check(problem: Any) -> None:
        if problem is None:
            return
        values = [problem.objective(chosen) for chosen in feasible(problem)]
        if values:
            bound = bounds.lower_bound(problem, method, Limits())
            assert bound <= min(values) + 1e-9 * (1 + max(map(abs, values)))

    check()


def grouped(n: int = 40) -> tuple[so.MMDSelection, so.MMDSelection]:
    """Return a problem without quotas, and the same with quotas that cost something."""
    X = np.random.default_rng(2).normal(size=(n, 3))
    X[: n // 2] += 2.0
    k = n // 6 + 2
    labels = np.arange(n) < n // 2
    quota = so.Quota(labels, exactly={True: n // 6, False: 2})
    return so.MMDSelection(X, k), so.MMDSelection(X, k, constraints=so.Constraints(quotas=quota))


def test_frank_wolfe_finds_the_bound_of_the_quadratic_programme() -> None:
    loose, problem = grouped()
    before = bounds.lower_bound(loose, "fw", Limits())
    bound = bounds.lower_bound(problem, "fw", Limits())
    by_highs = bounds.lower_bound(problem, "qp", Limits())
    assert bound >= by_highs * (1 - 1e-5)  # of two diagonals the better one
    assert bound > before * 1.05
    solution = so.solve(problem, "frank-wolfe")
    assert solution.bound == pytest.approx(bound, rel=1e-2)
    assert solution.objective is not None
    assert solution.objective >= bound


def test_steps_between_vertices_find_the_bound_of_the_quadratic_program() -> None:
    X = np.random.default_rng(0).normal(size=(30, 3))
    overlapping = [
        so.Quota(np.arange(30) % 3, exactly=3),
        so.Quota(np.arange(30) // 15, exactly={0: 7, 1: 2}),
    ]
    for rules in (
        so.Constraints(quotas=overlapping),
        so.Constraints(costs=1.0 + X[:, 0] ** 2, budget=11.0, conflicts=[(3, 7), (8, 9)]),
    ):
        problem = so.MMDSelection(X, 9, constraints=rules)
        bound, by_highs = (bounds.lower_bound(problem, name, Limits()) for name in ("fw", "qp"))
        assert bound >= by_highs * (1 - 1e-5)
        assert so.solve(problem, "frank-wolfe").message.startswith("relative duality gap")


def test_a_program_of_other_costs_is_solved_as_a_new_one() -> None:
    pytest.importorskip("highspy")
    from subsetopt.solvers.relaxations._lp_engines import WarmHighs, by_highs

    rng = np.random.default_rng(1)
    rules = so.Constraints(costs=rng.integers(1, 9, 20), budget=18, conflicts=[(0, 1), (2, 3)])
    problem = so.QuadraticSelection(np.eye(20), k=6, constraints=rules)
    model = LINEARISATIONS["mccormick"](problem.quadratic_form()).relaxed()
    warm = WarmHighs(model, Limits())
    for _ in range(6):
        costs = rng.normal(size=model.variables)
        found = warm.solve(costs, Limits(time_limit=60))
        fresh = by_highs(replace(model, objective=costs), Limits())
        assert found.value == pytest.approx(fresh.value)
        assert found.x is not None
        assert costs @ found.x == pytest.approx(fresh.value)
        assert found.termination is so.Termination.OPTIMAL


@pytest.mark.parametrize("linearisation", ["published", "mccormick", "rlt", "qp"])
def test_every_relaxation_is_rounded_to_what_is_feasible(linearisation: str) -> None:
    _, problem = grouped(12)
    rules = so.Constraints(costs=np.arange(12), budget=30, conflicts=[(3, 7), (8, 9)])
    for each in (problem, so.MMDSelection(np.arange(12.0), 5, constraints=rules)):
        solution = solves_honestly(each, so.solver("lp-rounding", linearisation=linearisation))
        assert solution.indices is not None


def test_sums_of_scalars_out_of_reach_are_bounded() -> None:
    values, labels = np.arange(12.0), np.arange(12) // 6
    quota = so.Quota(labels, exactly={0: 1, 1: 3})
    problem = so.MeanMatching(values, 4, target=3.0, constraints=so.Constraints(quotas=quota))
    solution = so.solve(problem, "frank-wolfe")
    best = min(problem.objective(chosen) for chosen in feasible(problem))
    assert best > 0.5
    assert solution.objective == best
    assert solution.bound == pytest.approx(best)


def test_a_face_is_what_is_orthogonal_to_its_equations() -> None:
    rng = np.random.default_rng(0)
    n, k, labels = 30, 9, np.arange(30) % 3
    equal = np.array([labels == group for group in range(3)] + [np.arange(n) < n]).astype(float)
    rows = LinearRows.none(n)._replace(equal=equal, counts=np.array([4.0, 3.0, 2.0, 9.0]))
    face = Face.of(rows, k)
    assert face is not None
    assert face.Q.shape == (n, 2)  # three groups that sum to all
    inside = np.linalg.svd(face.Q, full_matrices=True)[0][:, 2:]
    for lift in (0.0, 50.0):
        matrix = rng.normal(size=(n, n)) + lift * np.eye(n)
        matrix += matrix.T
        least = np.linalg.eigvalsh(inside.T @ matrix @ inside)[0]
        assert face.least(matrix) == pytest.approx(least, abs=1e-9)  # rounding is off it
        slack, primal = face.split(matrix, 2.0)
        assert np.abs(face.Q.T @ primal).max() < 1e-12
        assert np.linalg.eigvalsh(primal)[0] > -1e-11
        assert face.least(slack) > -1e-9
        assert np.allclose(slack - 2.0 * primal, matrix)
    chosen = np.concatenate([np.flatnonzero(labels == g)[:q] for g, q in enumerate((4, 3, 2))])
    point = np.bincount(chosen, minlength=n).astype(float)
    assert np.abs(face.Q.T @ point).max() < 1e-14 * n
    assert Face.of(LinearRows.none(n), k) is None
    assert Face.of(rows._replace(equal=equal[3:], counts=np.array([9.0])), k) is None
