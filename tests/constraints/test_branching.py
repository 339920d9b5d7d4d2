"""Nodes of branch and bound under constraints: what is settled, bounded and divided."""

from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.problems._reduction import reduced
from subsetopt.solvers import bounds
from subsetopt.solvers.exact import _branching
from subsetopt.solvers.exact._branching import Node, Reduced
from subsetopt.solvers.exact._propagation import NodeConstraints, all_masks

from .cases import feasible, problems
from .test_solvers import solves_honestly

FORMS = ("quadratic", "quadratic range", "mmd", "vector-mean-matching")


def left(problem: Any) -> Any:
    """Return what solvers see of a problem; None if that is nothing."""
    if problem is None:
        return None
    reduction = reduced(problem)
    if reduction is not None:
        problem = None if reduction.left is None else reduction.left.problem
    return None if problem is None or problem.side is None else problem


@settings(max_examples=25, deadline=None, derandomize=True)
@given(problems(FORMS, most=9))
def test_divided_down_to_two_it_stays_the_best_of_all(problem: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_branching, "_ENUMERABLE", 0)
        if problem is not None:
            solves_honestly(problem, "branch-and-bound")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problems(FORMS), st.data())
def test_what_is_settled_holds_for_all_that_is_feasible(problem: Any, data: Any) -> None:
    problem = left(problem)
    if problem is None:
        return
    form = problem.quadratic_form()
    rules = NodeConstraints(form.side, form.k)
    everything = [set(form.rows(np.array(chosen)).tolist()) for chosen in feasible(problem)]
    states = data.draw(st.lists(st.sampled_from("?+-"), min_size=form.n, max_size=form.n))
    items = np.array([i for i, state in enumerate(states) if state == "?"], np.int64)
    chosen = np.array([i for i, state in enumerate(states) if state == "+"], np.int64)
    if form.positions is not None:
        chosen, items = chosen[:0], np.arange(form.n)
    inside = set(chosen.tolist()) | set(items.tolist())
    here = [rows for rows in everything if set(chosen.tolist()) <= rows <= inside]
    settled = rules.settled(items, chosen)
    if settled is None:
        assert not here
        return
    still, taken = settled
    for rows in here:
        assert set(taken.tolist()) <= rows <= set(taken.tolist()) | set(still.tolist())
    if len(still) > 3:
        bound_holds(form, rules, Node(still, taken), here)


def bound_holds(form: Any, rules: NodeConstraints, node: Node, here: list[set[int]]) -> None:
    """A relaxation bounds all that is feasible in a node, however far it has come."""
    part = Reduced(form, node, rules)
    if min(part.k, part.n - part.k) < 2:
        return
    relaxation = part.relaxed()
    offset = Fraction(part.offset)
    for iterations in (1, 3, 40):
        relaxation.run(iterations)
        relaxation.tighten(50)
        bound = Fraction(relaxation.bound) + offset
        for rows in here:
            value = form.value(np.array(sorted(rows)))
            assert bound <= Fraction(value) + Fraction(1, 10**9)


def test_rows_raise_the_bound() -> None:
    rng = np.random.default_rng(5)
    Q, labels = rng.integers(-9, 10, (18, 18)), np.arange(18) % 3
    cases = [
        so.Constraints(quotas=so.Quota(labels, exactly={0: 5, 1: 1, 2: 1})),
        so.Constraints(quotas=so.Quota(labels, at_most={0: 1, 1: 2, 2: 7})),
        so.Constraints(costs=np.arange(18), budget=30),
        so.Constraints(conflicts=[(i, i + 1) for i in range(0, 18, 2)]),
    ]
    before = bounds.lower_bound(so.QuadraticSelection(Q, k=7), "sdp", Limits())
    for rules in cases:
        problem = so.QuadraticSelection(Q, k=7, constraints=rules)
        bound = bounds.lower_bound(problem, "sdp", Limits())
        best = so.solve(problem, "branch-and-bound")
        assert best.certificate.kind is so.CertificateKind.EXACT
        assert best.objective is not None
        assert best.objective > before + 5
        # At least half of what the constraints cost is seen.
        assert best.objective >= bound > before + 0.5 * (best.objective - before)


@pytest.mark.parametrize(("n", "k"), [(0, 0), (3, 0), (3, 3), (5, 2)])
def test_masks_are_those_of_all_selections(n: int, k: int) -> None:
    masks = all_masks(n, k)
    assert masks.shape == (comb(n, k), n)
    assert (masks.sum(axis=1) == k).all()
    assert len(np.unique(masks, axis=0)) == comb(n, k)


def test_a_node_of_which_all_is_settled_is_one_selection() -> None:
    rules = so.Constraints(conflicts=[(0, 1)])
    form = so.QuadraticSelection(np.ones((4, 4)), k=2, constraints=rules).quadratic_form()
    assert form.side is not None
    rows = np.array([0, 3])
    node = Node(np.empty(0, np.int64), rows)
    result = Reduced(form, node, NodeConstraints(form.side, 2)).best()
    assert result.bound == form.value(rows)
    assert result.selection is not None
    assert result.selection.tolist() == [0, 3]


def test_costs_too_fine_for_whole_numbers_are_no_proof() -> None:
    rng = np.random.default_rng(1)
    costs = rng.random(14) * 10.0 ** rng.integers(-18, 1, 14)
    budget = float(np.sort(costs)[:6].sum() * 1.5)
    rules = so.Constraints(costs=costs, budget=budget)
    problem = so.QuadraticSelection(rng.integers(-9, 10, (14, 14)), k=6, constraints=rules)
    assert problem.side is not None
    assert problem.side.budget is not None
    assert not problem.side.budget.exact
    solves_honestly(problem, "branch-and-bound")
