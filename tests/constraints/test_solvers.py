"""Solvers under constraints, against all that is feasible."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.solution import CertificateKind, Termination
from subsetopt.solvers import _constrained, _feasibility
from subsetopt.solvers.catalogue import available_solvers, solver_class

from .cases import feasible, problems

SOLVERS = [row.name for row in available_solvers() if row.availability]
SLOW = {"cbc": 6, "scip": 10, "highs": 10, "cpsat": 8, "branch-and-bound": 10}
"""Examples of solvers that take some 10 ms or more for each."""


def solves_honestly(problem: Any, solver: Any, **how: Any) -> so.Solution:
    """Solve, and compare what is said with the best of all selections."""
    solution = so.solve(problem, solver, **how)
    values = [problem.objective(chosen) for chosen in feasible(problem)]
    if not values:
        assert solution.indices is None
        assert solution.termination is Termination.INFEASIBLE
        assert solution.certificate.kind is CertificateKind.INFEASIBLE
        return solution
    best, slack = min(values), 1e-9 * (1 + max(map(abs, values)))
    assert solution.objective is not None, solution
    assert solution.objective >= best - slack
    assert solution.bound is None or solution.bound <= best + slack
    if solution.certificate.eps is not None:
        assert solution.objective - solution.certificate.eps <= best + slack
    if solver_class(solution.solver).exact and solution.termination is Termination.OPTIMAL:
        assert solution.objective <= best + 0.01
    return solution


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_keep_constraints(name: str) -> None:
    """Each on those it declares, and on those that are taken out of the problem for all."""
    solver = solver_class(name)

    @settings(max_examples=SLOW.get(name, 20), deadline=None, derandomize=True)
    @given(problems(most=8))
    def check(problem: Any) -> None:
        if problem is None or problem.family not in solver.handles:
            return
        if _constrained.kinds(problem) <= solver.takes:
            solves_honestly(problem, name)
        else:
            with pytest.raises(so.UnsupportedProblem, match=r"does not take .*; these do: .*scip"):
                so.solve(problem, name)

    check()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(problems())
def test_the_program_says_whether_anything_is_feasible(problem: Any) -> None:
    if problem is None or problem.side is None:
        return
    everything = list(feasible(problem))
    found = _feasibility.some(problem.side, seed=1)
    assert found.infeasible == (not everything)
    assert (found.indices is None) == (not everything)
    if found.indices is not None:
        assert found.indices.tolist() in everything
    start = np.arange(problem.k)
    near = _feasibility.nearest(problem.side, start)
    if everything:
        assert near.indices is not None
        begin = set(start.tolist())
        best = max(2 * len(begin & set(chosen)) - len(chosen) for chosen in everything)
        assert 2 * len(begin & set(near.indices.tolist())) - len(near.indices) == best


def test_an_infeasible_problem_is_refuted() -> None:
    rows, columns = np.repeat(list("abc"), 3), np.tile(["x", "y", "z"], 3)
    rules = so.Constraints(
        quotas=[so.Quota(rows, exactly=1), so.Quota(columns, exactly=1)],
        conflicts=[(0, 4), (0, 5), (1, 3), (1, 5), (2, 3), (2, 4)],
    )
    problem = so.MeanMatching(np.arange(9.0), 3, constraints=rules)
    for name in ("auto", "highs", "random"):
        solution = so.solve(problem, name)
        assert solution.indices is None
        assert solution.termination is Termination.INFEASIBLE
        assert str(solution.certificate) == "infeasible"
        assert "no selection keeps all constraints" in solution.message
        assert so.Solution.from_json(solution.to_json()).to_json() == solution.to_json()


def test_what_leaves_one_selection_is_solved_by_any_solver() -> None:
    quota = so.Quota(list("aabb"), exactly={"a": 2})
    problem = so.MMDSelection(np.arange(4.0), 2, constraints=so.Constraints(quotas=quota))
    solution = so.solve(problem, "herding")
    assert solution.indices is not None
    assert solution.indices.tolist() == [0, 1]
    assert solution.certificate.kind is CertificateKind.EXACT


@pytest.mark.parametrize("method", ["fw", "qp", "rlt", "sdp"])
def test_bounds_of_the_whole_come_from_what_is_left(method: str) -> None:
    rng = np.random.default_rng(3)
    rules = so.Constraints(include=[1, 4], exclude=[0])
    for problem in (
        so.MMDSelection(rng.normal(size=(10, 2)), 4, constraints=rules),
        so.QuadraticSelection(rng.normal(size=(10, 10)), k=4, constraints=rules),
        so.MeanMatching(rng.normal(size=(10, 2)), 4, constraints=rules),
    ):
        best = min(problem.objective(chosen) for chosen in feasible(problem))
        solution = so.solve(problem, "tabu", bound=method)
        assert solution.bound is not None
        assert best - 5 < solution.bound <= best + 1e-9


@pytest.mark.parametrize("name", SOLVERS)
def test_no_solver_returns_less_than_the_start(name: str) -> None:
    """Nor does a start that breaks what it must keep do any harm."""
    solver = solver_class(name)

    @settings(max_examples=SLOW.get(name, 15), deadline=None, derandomize=True)
    @given(problems(most=8), st.data())
    def check(problem: Any, data: Any) -> None:
        if problem is None or problem.family not in solver.handles:
            return
        if not _constrained.kinds(problem) <= solver.takes:
            return
        everything = list(feasible(problem))
        items = st.lists(st.integers(0, problem.n - 1), unique=True)
        start = data.draw(st.sampled_from(everything) if everything else items, label="start")
        solution = solves_honestly(problem, name, start=start)
        if everything:
            assert solution.objective is not None
            assert solution.objective <= problem.objective(start)
        other = data.draw(items, label="other")
        solution = solves_honestly(problem, name, start=other)
        if everything and sorted(other) not in everything:
            said = "start is repaired" in solution.message
            assert said or "one selection" in solution.message, solution.message

    check()


def test_searches_begin_at_the_start() -> None:
    rng = np.random.default_rng(0)
    cloud, values = rng.normal(size=(60, 3)), rng.normal(size=400)
    swap, tabu = so.solver("swap", restarts=0), so.solver("tabu", iterations=0)
    cases: list[tuple[Any, tuple[Any, ...]]] = [
        (so.MeanMatching(values, 30), (so.solver("swap", restarts=0, tolerance=1.0),)),
        (so.MeanMatching(cloud, 30), (swap,)),
        (so.MMDSelection(cloud, 25), (swap, tabu)),
    ]
    for problem, solvers in cases:
        best = so.solve(problem, "swap", seed=5).indices
        assert best is not None
        for solver in solvers:
            assert so.solve(problem, solver, start=best).objective <= problem.objective(best)
            alone = so.solve(problem, solver)
            assert alone.objective > problem.objective(best)
            assert "the selection is the start" not in alone.message


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([0, 0], "indices must be distinct; got 0 more than once"),
        ([0, 99], r"indices must be in \[0, 8\]; got 99"),
        ([0.5], "indices must be a 1-d array of integers"),
    ],
)
def test_a_start_of_no_candidates_is_refused(start: Any, message: str) -> None:
    problem = so.MeanMatching(np.arange(9.0), 3)
    with pytest.raises(so.InvalidSelection, match=message):
        so.solve(problem, start=start)


def test_a_start_of_the_wrong_size_is_repaired() -> None:
    problem = so.MeanMatching(np.arange(9.0), 3)
    solution = so.solve(problem, "stride", start=[1, 2])
    assert solution.message.startswith("the start is repaired, 2 of its 2 kept: indices must be 3")
    assert "start" not in so.solve(problem, "stride", start=[0, 1, 2]).message


def test_rows_for_no_choice_are_as_many_as_may_be_missing() -> None:
    """Where less than k can be chosen at all, once some candidates are out."""
    quotas = [
        so.Quota(list("caabaaa"), at_most={"a": 4, "b": 0, "c": 0}),
        so.Quota(list("acabcbc"), at_least={"a": 1, "c": 2}, at_most={"a": 1, "b": 2, "c": 2}),
    ]
    rules = so.Constraints(quotas=quotas, conflicts=[(2, 5)])
    values = np.array([2.2, 9.2, -5.4, 5.3, 14.5, 4.4, 3.9])
    problem = so.MeanMatching(values, 7, cardinality="at_most", target=3.5, constraints=rules)
    for start in (None, range(7)):
        solution = so.solve(problem, "swap", start=start)
        assert solution.indices is not None
        best = min(problem.objective(chosen) for chosen in feasible(problem))
        assert solution.objective == pytest.approx(best)
