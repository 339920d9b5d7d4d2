"""Quadratic selection: tabu, swaps, greedy, herding, bounds, branch and bound."""

from functools import cache

import numpy as np
import pytest

import subsetopt as so
from subsetopt.solvers import bounds
from subsetopt.solvers.base import Solver

from . import ONE, Timed

pytestmark = pytest.mark.benchmark(group="quadratic", disable_gc=True)


@cache
def diversity(n: int, k: int) -> so.QuadraticSelection:
    """Return an instance of maximum diversity with whole distances 0..9, its form worked out."""
    upper = np.triu(np.random.default_rng(n).integers(0, 10, size=(n, n)), 1)
    problem = so.QuadraticSelection((upper + upper.T) / 2, k=k, sense="maximise")
    problem.quadratic_form()
    return problem


def answered(timed: Timed, problem: so.QuadraticSelection, solver: Solver) -> float:
    """Time a solver; return the value that it found."""
    return problem.stated(problem.objective(timed(lambda: solver._solve(problem, ONE)).indices))


def test_tabu(timed: Timed) -> None:
    """5000 moves."""
    assert answered(timed, diversity(500, 50), so.solver("tabu", iterations=5000)) > 7100


def test_swap(timed: Timed) -> None:
    """Four descents."""
    assert answered(timed, diversity(500, 50), so.solver("swap", restarts=3)) > 6900


def test_greedy(timed: Timed) -> None:
    """50 of 500."""
    assert answered(timed, diversity(500, 50), so.solver("greedy")) > 6700


def test_herding(timed: Timed) -> None:
    """50 of 500."""
    assert answered(timed, diversity(500, 50), so.solver("herding")) > 6700


def test_branch_and_bound(timed: Timed) -> None:
    """A proof for 10 of 30."""
    problem = diversity(30, 10)
    exact = so.solver("branch-and-bound")
    answer = timed(lambda: exact._solve(problem, ONE))
    assert answer.proven
    assert answer.bound == problem.objective(answer.indices)


def test_branch_and_bound_quotas(timed: Timed) -> None:
    """A proof for 10 of 30, of each of five groups two."""
    quota = so.Quota(np.arange(30) % 5, exactly=2)
    problem = diversity(30, 10).constrained(so.Constraints(quotas=quota))
    problem.quadratic_form()
    exact = so.solver("branch-and-bound")
    answer = timed(lambda: exact._solve(problem, ONE))
    assert answer.proven
    assert answer.bound == problem.objective(answer.indices)
    assert quota.counts(answer.indices).tolist() == [2] * 5


@pytest.mark.parametrize("method", ["fw", "sdp"])
def test_bound(timed: Timed, method: str) -> None:
    """Of 8 of 40, below the optimum."""
    problem = diversity(40, 8)
    best = so.solve(problem, "branch-and-bound").objective
    assert best is not None
    found = timed(lambda: bounds.lower_bound(problem, method, ONE))
    assert 1.2 * best < found <= best < 0
