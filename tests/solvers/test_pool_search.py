"""Solving MMD selection without its kernel matrix: herding by rows, and searches on pools."""

import os
import signal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.solvers.heuristics import _pool_search

LIMIT = 2_500_000  # bytes: too few for 600 x 600 in float64, enough for what computes its rows
SIDES = np.arange(600) % 3


def cloud(seed: int = 0, n: int = 600) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, 3))


def problem(**given: Any) -> so.MMDSelection:
    rows = so.MMDSelection(cloud(), 40, memory_limit=LIMIT, **given)
    assert rows.rows_form is not None
    return rows


@pytest.fixture
def small_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pool_search, "_POOL", 60)


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("given", [{}, {"target": cloud(1, 30)}, {"selected": cloud(2, 20)}])
def test_herding_takes_what_it_takes_of_the_matrix(given: Any, replacement: bool) -> None:
    herding = so.solver("herding", replacement=replacement)
    held = so.solve(so.MMDSelection(cloud(), 40, **given), herding)
    rows = so.solve(problem(**given), herding)
    np.testing.assert_array_equal(rows.indices, held.indices)
    assert rows.objective == pytest.approx(held.objective, abs=1e-12)
    assert rows.stats.iterations == held.stats.iterations
    assert rows.termination is so.Termination.FINISHED


@pytest.mark.parametrize("name", ["tabu", "swap", "auto"])
@pytest.mark.usefixtures("small_pools")
def test_searches_are_better_than_herding(name: str) -> None:
    rows = problem()
    herded = so.solve(rows, "herding")
    found = so.solve(rows, name)
    assert found.objective is not None
    assert herded.objective is not None
    assert 0 < found.objective < 0.9 * herded.objective
    assert found.bound == 0
    again = so.solve(rows, name)
    np.testing.assert_array_equal(found.indices, again.indices)


@pytest.mark.parametrize("solver", ["herding", "tabu", "swap"])
@pytest.mark.parametrize(
    "rules",
    [
        {"include": [5, 6], "exclude": range(100, 300)},
        {"quotas": [so.Quota(SIDES, exactly={0: 30, 1: 5, 2: 5})]},
        {"quotas": [so.Quota(SIDES, at_least=10)], "include": [0, 3]},
    ],
    ids=["fixed", "quotas", "both"],
)
@pytest.mark.usefixtures("small_pools")
def test_constraints_are_kept(solver: str, rules: Any) -> None:
    constraints = so.Constraints(**rules)
    rows = problem(constraints=constraints)
    found = so.solve(rows, solver)
    assert found.indices is not None
    constraints.require(found.indices)
    held = so.MMDSelection(cloud(), 40, constraints=constraints)
    assert found.objective == pytest.approx(held.objective(found.indices), abs=1e-12)
    random = so.solve(rows, "random").objective
    assert found.objective < random  # type: ignore[operator]


@pytest.mark.usefixtures("small_pools")
def test_costs_and_conflicts_are_kept_by_searches() -> None:
    costs = np.arange(600.0)
    constraints = so.Constraints(costs=costs, budget=6000.0, conflicts=[(0, 1), (2, 3)])
    rows = problem(constraints=constraints)
    found = so.solve(rows, "tabu")
    assert found.indices is not None
    constraints.require(found.indices)
    with pytest.raises(so.UnsupportedProblem, match="'herding' does not take budget"):
        so.solve(rows, "herding")


@pytest.mark.usefixtures("small_pools")
def test_more_chosen_than_a_pool_holds() -> None:
    rows = so.MMDSelection(cloud(), 250, memory_limit=LIMIT)
    herded, found = so.solve(rows, "herding"), so.solve(rows, "swap")
    assert found.indices is not None
    assert len(found.indices) == 250
    assert found.objective < herded.objective  # type: ignore[operator]


def test_a_start_is_where_the_search_begins() -> None:
    rows = problem()
    best = so.solve(rows, "tabu")
    found = so.solve(rows, so.solver("tabu", iterations=1), start=best.indices)
    assert found.objective <= best.objective  # type: ignore[operator]


@pytest.mark.parametrize("solver", ["herding", "tabu"])
def test_the_time_limit_is_kept(solver: str) -> None:
    found = so.solve(problem(), solver, time_limit=0.3)
    assert found.indices is not None
    assert found.stats.total_seconds < 10
    brief = so.solve(problem(), solver, time_limit=1e-9)
    assert brief.termination is so.Termination.TIME_LIMIT
    assert brief.indices is not None


def test_ctrl_c_keeps_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = problem()
    form = rows.rows_form
    assert form is not None
    genuine, calls = type(form).row, []

    def row(self: Any, number: int) -> Any:
        calls.append(number)
        if len(calls) == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return genuine(self, number)

    monkeypatch.setattr(type(form), "row", row)
    found = so.solve(rows, "tabu")
    assert found.termination is so.Termination.INTERRUPTED
    assert found.indices is not None
    assert "7 of 40 herded" in found.message
    assert set(calls) <= set(found.indices.tolist())


@pytest.mark.parametrize("name", ["greedy", "frank-wolfe", "branch-and-bound", "highs", "cpsat"])
def test_what_needs_the_matrix_names_what_does_without(name: str) -> None:
    with pytest.raises(so.TooLarge, match=r"solver='tabu', 'swap', 'herding'.*or coreset"):
        so.solve(problem(), name)
