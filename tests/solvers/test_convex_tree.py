"""The convex tree: Euclidean instances of a size no other tree takes, and every fixed candidate."""

import os
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import NEVER, Deadline
from subsetopt.solvers.exact import _convex_tree, _portfolio
from subsetopt.solvers.exact._convex_tree import ConvexTree
from subsetopt.solvers.exact._portfolio import Portfolio

DATA = os.environ.get("SUBSETOPT_DATA")
CONVEX = so.solver("branch-and-bound", bounds="convex")


def dispersion(n: int, k: int, d: int, seed: int = 0) -> so.QuadraticSelection:
    points = np.random.default_rng(seed).random((n, d))
    apart = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
    return so.QuadraticSelection(np.triu(apart, 1), None, k, sense="maximise")


def form(n: int, k: int, seed: int) -> QuadraticForm:
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(n, n))
    return QuadraticForm(matrix + matrix.T, generator.normal(size=n), k)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 10), st.booleans(), st.data())
def test_nothing_that_is_wanted_is_discarded(
    seed: int, n: int, euclidean: bool, data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, n))
    given = dispersion(n, k, 2, seed).quadratic_form() if euclidean else form(n, k, seed)
    values = sorted(given.value(np.array(rows)) for rows in combinations(range(n), k))
    enough = data.draw(st.sampled_from(values)) - 1e-9
    tree, best = ConvexTree(given, NEVER), np.inf
    while tree.open and tree.bound <= enough:
        rows = tree.look(enough)
        assert len(np.unique(rows)) == k
        best = min(best, given.value(rows))
        assert min(tree.bound, tree.discarded) <= values[0] + 1e-12
    tree.clear(enough)
    assert not tree.open
    # Whatever is at most `enough` is met, or is discarded for what it is.
    assert best <= values[0] + 1e-9 or values[0] > enough
    assert tree.discarded > enough or tree.discarded >= values[0] - 1e-12


def test_distances_of_hundreds_are_proven_in_a_few_nodes() -> None:
    problem = dispersion(160, 16, 2)
    solution = so.solve(problem, CONVEX)
    assert solution.termination is so.Termination.OPTIMAL
    assert solution.gap is not None
    assert solution.gap <= 1e-8
    assert solution.stats.iterations is not None
    assert solution.stats.iterations < 300
    assert solution.message.startswith("convex bounds: ")
    best = so.solve(problem, "tabu").objective
    assert best is not None
    assert solution.objective == pytest.approx(best)
    assert solution.bound is not None
    assert solution.bound <= solution.objective  # type: ignore[operator]


def test_more_than_the_relaxation_takes_are_proven_by_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_portfolio, "SEMIDEFINITE_LARGEST", 40)
    monkeypatch.setattr(_portfolio, "_BEFORE", 0.0)
    monkeypatch.setattr(_portfolio, "_QUICK", 1)
    solution = so.solve(dispersion(60, 12, 2), "branch-and-bound")
    assert solution.termination is so.Termination.OPTIMAL
    assert "; convex bounds: " in solution.message
    assert solution.message.endswith(", 0 open")


def test_what_does_not_come_on_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_portfolio, "_STAGES", ((1, 1.0),))
    search = Portfolio(form(20, 8, 1), True, "auto", Limits(), NEVER)
    search._walk(0)
    assert search._convexly(np.inf) is None
    assert search.convex is not None
    assert search.convex.explored == 1
    assert search.convex.progress(search.value) < 1.0


@pytest.mark.parametrize("error", [KeyboardInterrupt, None])
def test_ctrl_c_and_the_time_limit_leave_a_valid_bound(
    error: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = form(14, 6, 2)
    values = [given.value(np.array(rows)) for rows in combinations(range(14), 6)]
    looks, plain = [0], ConvexTree._relaxed

    def relaxed(self: ConvexTree, *arguments: Any) -> Any:
        looks[0] += 1
        if looks[0] == 4:
            if error is not None:
                raise error
            deadline._late = True
        return plain(self, *arguments)

    monkeypatch.setattr(ConvexTree, "_relaxed", relaxed)
    deadline = Deadline(1e9)
    search = Portfolio(given, True, "convex", Limits(), deadline)
    ended = search.all_of_it(np.inf)
    wanted = so.Termination.TIME_LIMIT if error is None else so.Termination.INTERRUPTED
    assert ended is wanted
    assert search.convex is not None
    assert search.convex.open
    assert search.bound <= min(values) <= given.value(search.best)


def test_a_point_gets_the_sum_that_is_wanted() -> None:
    point = np.array([0.0, 0.25, 1.0])
    for wanted in (0, 1, 2, 3):
        moved = _convex_tree._of_sum(point, wanted)
        assert moved.sum() == pytest.approx(wanted)
        assert ((moved >= 0.0) & (moved <= 1.0)).all()


@pytest.mark.skipif(DATA is None, reason="SUBSETOPT_DATA names no data folder")
def test_a_published_instance_of_500_is_proven() -> None:
    assert DATA is not None
    problem = so.read_problem(Path(DATA, "mdplib", "GKD-c_1_n500_m50.txt.xz"))
    solution = so.solve(problem, "branch-and-bound")
    assert solution.termination is so.Termination.OPTIMAL
    assert solution.objective == pytest.approx(-19485.18697)
    assert solution.gap is not None
    assert solution.gap < 1e-8
