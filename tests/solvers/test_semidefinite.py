"""The semidefinite relaxation: its bounds hold, rise, and are carried to smaller problems."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm
from subsetopt.solvers import bounds
from subsetopt.solvers.exact._branching import Node, Reduced
from subsetopt.solvers.relaxations._semidefinite import Iterate, SemidefiniteRelaxation


def costs(seed: int, n: int, kind: str = "indefinite") -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    match kind:
        case "indefinite":
            matrix = generator.normal(size=(n, n))
            return matrix + matrix.T
        case "convex":
            rows = generator.normal(size=(n, 3))
            return np.asarray(rows @ rows.T)
        case _:
            edges = -np.triu(generator.integers(0, 2, size=(n, n)), 1)
            return np.asarray((edges + edges.T) / 2)


def optimum(matrix: NDArray[np.float64], k: int) -> float:
    return min(
        float(matrix[np.ix_(chosen, chosen)].sum())
        for chosen in map(list, combinations(range(len(matrix)), k))
    )


@pytest.mark.parametrize("kind", ["indefinite", "convex", "graph"])
@pytest.mark.parametrize(("seed", "n", "k"), [(0, 8, 3), (1, 9, 4), (2, 10, 2), (3, 7, 6)])
def test_the_bound_holds_and_is_close(kind: str, seed: int, n: int, k: int) -> None:
    matrix = costs(seed, n, kind)
    best = optimum(matrix, k)
    relaxation = SemidefiniteRelaxation(matrix, k)
    before = -np.inf
    for _ in range(20):
        relaxation.run(20)
        assert before <= relaxation.bound <= best
        before = relaxation.bound
        relaxation.tighten(100)
    assert best - relaxation.bound <= 0.02 * np.abs(matrix).sum()


@pytest.mark.parametrize("factor", [1e-200, 1.0, 1e200])
def test_the_bound_scales(factor: float) -> None:
    matrix = costs(5, 9)
    relaxation = SemidefiniteRelaxation(factor * matrix, 4)
    relaxation.run(200)
    assert relaxation.bound <= factor * optimum(matrix, 4)
    assert relaxation.bound >= factor * (optimum(matrix, 4) - 0.05 * np.abs(matrix).sum())


def test_what_is_the_same_for_all_selections_needs_no_iteration() -> None:
    potentials = np.arange(6.0)
    matrix = np.full((6, 6), 2.5)
    relaxation = SemidefiniteRelaxation(matrix, 3)
    assert relaxation.run(1, enough=22.0)
    assert relaxation.bound == pytest.approx(22.5, rel=1e-10)
    assert relaxation.bound <= 22.5
    pairs = np.add.outer(potentials, potentials) / 2 - 3 * np.diag(potentials)
    relaxation = SemidefiniteRelaxation(
        matrix + pairs, 3
    )  # k - 1 of the pairs, less k of the diagonal
    relaxation.run(1)
    assert relaxation.bound == pytest.approx(22.5, rel=1e-10)


def test_it_stops_where_the_bound_is_enough() -> None:
    relaxation = SemidefiniteRelaxation(costs(0, 10), 4)
    assert relaxation.run(500, enough=-1e9)
    assert relaxation.iterations == 10


def test_inequalities_raise_the_bound() -> None:
    matrix = costs(3, 14, "graph")
    plain, tight = SemidefiniteRelaxation(matrix, 5), SemidefiniteRelaxation(matrix, 5)
    plain.run(2000)
    tight.run(200)
    for _ in range(30):
        tight.tighten(60)
        tight.run(60)
    assert plain.bound < tight.bound <= optimum(matrix, 5)


def test_an_iterate_carries_over() -> None:
    matrix = costs(4, 9)
    relaxation = SemidefiniteRelaxation(matrix, 4)
    relaxation.run(100)
    relaxation.tighten(50)
    relaxation.run(100)
    child = relaxation.iterate.packed().without(2, 4)
    left = np.delete(np.arange(9), 2)
    assert child.X.shape == (8, 8)
    assert child.rows[:, 1:].max(initial=0) < 8
    again = SemidefiniteRelaxation(matrix[np.ix_(left, left)], 4, child)
    again.run(100)
    best = optimum(matrix[np.ix_(left, left)], 4)
    assert again.bound <= best
    assert np.trace(Iterate.centre(9, 4).X) == pytest.approx(4)


@pytest.mark.parametrize("k", [2, 4, 7])
def test_a_node_stands_for_the_selections_in_it(k: int) -> None:
    matrix = costs(6, 9)
    form = QuadraticForm(matrix, np.arange(9.0), k)
    node = Node(np.array([0, 2, 3, 5, 7, 8]), np.array([4]))
    part = Reduced(form, node)
    for mask in np.eye(6, dtype=bool) if part.k == 1 else [np.arange(6) < part.k]:
        rows = part.selection(mask)
        assert len(rows) == k
        assert 4 in rows
        value = float(part.costs[np.ix_(mask, mask)].sum()) + part.offset
        assert value == pytest.approx(form.value(rows))


def test_it_is_a_bound_that_can_be_asked_for() -> None:
    problem = so.QuadraticSelection(costs(7, 11), None, 5, sense="maximise")
    solution = so.solve(problem, "random", bound="sdp")
    assert solution.bound is not None
    best = so.solve(problem, "branch-and-bound").objective
    assert best is not None
    assert best - 0.02 * np.abs(problem.Q).sum() <= solution.bound <= best
    with pytest.raises(so.TooLarge, match="fw"):
        bounds.lower_bound(so.QuadraticSelection(np.eye(601), None, 5), "sdp", Limits())


def test_what_is_proven_of_a_parent_is_proven_of_its_children() -> None:
    """The slack of a child at its selections is that of the parent at them."""
    S, N = costs(7, 9), costs(8, 9)
    parent = Iterate(costs(9, 9), S, N, np.empty((0, 4), np.int32), np.empty(0))
    gone, taken = np.array([2, 5, 6]), np.array([True, False, True])
    left = np.delete(np.arange(9), gone)
    child = parent.without(gone, 3, taken)
    for mask in (np.arange(6) < 3, np.arange(6) % 2 == 0):
        whole = np.zeros(9)
        whole[left[mask]], whole[gone[taken]] = 1.0, 1.0
        assert mask @ child.S @ mask == pytest.approx(whole @ S @ whole)
        assert mask @ child.N @ mask == pytest.approx(whole @ N @ whole)
    assert child.penalty < parent.penalty
    assert parent.without(gone, 0, taken).S.shape == (6, 6)
