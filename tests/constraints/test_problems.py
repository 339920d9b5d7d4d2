"""Constraints: what is stated, what counting says of it, and what is left once it is fixed."""

import pickle
import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import subsetopt as so
from subsetopt.problems._reduction import reduced

from .cases import FAMILIES, feasible, problems, stated

N = 8
HALVES = ["north"] * 10 + ["south"] * 10


def on(rules: so.Constraints, k: Any = 3, family: str = "quadratic") -> Any:
    problem = stated(family, N, 3, rules, np.random.default_rng(1))
    return problem if k == 3 else replace(problem, k=k)


# -- what is stated -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"include": [1.5]}, "include must hold different candidates"),
        (
            {"include": [2, 2]},
            "0..n-1: indices must be distinct; got 2",
        ),
        (
            {"exclude": [-1]},
            "0..n-1: indices must be >= 0; got -1",
        ),
        ({"include": [3], "exclude": [3]}, "candidate 3 is in both include and exclude"),
        ({"quotas": ["a"]}, "quotas must be Quota objects; got 'a'"),
        ({"costs": [1.0, 2.0]}, "costs and budget are given together; budget is missing"),
        ({"budget": 2.0}, "costs and budget are given together; costs is missing"),
        ({"costs": [1.0, -0.5], "budget": 1}, "costs[1] must be >= 0; got -0.5"),
        ({"costs": [1.0, float("nan")], "budget": 1}, "costs[1] is nan"),
        ({"costs": [1.0], "budget": float("inf")}, "budget must be a finite number >= 0; got inf"),
        ({"costs": [1.0], "budget": -1}, "budget must be a finite number >= 0; got -1"),
        ({"costs": [1.0], "budget": True}, "budget must be a finite number >= 0; got True"),
        ({"conflicts": [1, 2]}, "conflicts must hold pairs of candidates, integers of shape"),
        ({"conflicts": [(1, 2.5)]}, "conflicts must hold pairs of candidates, integers of shape"),
        ({"conflicts": [(4, 4)]}, "conflicts must hold pairs of two candidates; got [4, 4]"),
        ({"conflicts": [(-1, 4)]}, "conflicts must hold candidates 0..n-1; got -1"),
    ],
)
def test_bad_constraints_are_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(so.InvalidProblem, match=re.escape(message)):
        so.Constraints(**given_)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({}, "a quota needs exactly, at_least or at_most"),
        ({"exactly": 1, "at_most": 2}, "a quota takes exactly alone"),
        ({"at_least": 1.5}, "at_least must be an integer >= 0, or a mapping to such; got 1.5"),
        ({"at_least": -1}, "at_least must be an integer >= 0, or a mapping to such; got -1"),
        ({"at_most": {"a": True}}, "at_most['a'] must be an integer >= 0"),
        ({"exactly": {"z": 1}}, "exactly names the group 'z'; labels has only 'a', 'b'"),
        (
            {"at_least": 3},
            "at_least asks for 3 of 'a', which has 2 candidates; give numbers by group",
        ),
        ({"at_least": 1, "at_most": {"a": 0}}, "at_least asks for 1 of 'a', at_most for 0"),
    ],
)
def test_bad_quotas_are_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(so.InvalidProblem, match=re.escape(message)):
        so.Quota(list("aabbb"), **given_)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "labels must be one label per candidate; got none"),
        ("abc", "labels must be one label per candidate; got 'abc'"),
        (np.zeros((2, 2)), "labels must have shape (n,); got shape (2, 2)"),
        (["a", None], "labels[1] is missing (None)"),
        (np.array([0.5, np.nan]), "labels[1] is missing"),
        ([["a"], ["b"]], "labels must be hashable; labels[0] is ['a']"),
    ],
)
def test_bad_labels_are_refused(labels: Any, message: str) -> None:
    with pytest.raises(so.InvalidProblem, match=re.escape(message)):
        so.Quota(labels, at_least=0)


def test_labels_of_any_kind_mean_the_same() -> None:
    pandas = pytest.importorskip("pandas")
    words = ["b", "a", "b", "c"]
    expected = {"a": 1, "b": 2, "c": 1}
    series = pandas.Series(words)
    for labels in (words, tuple(words), np.array(words), series, series.astype("category")):
        quota = so.Quota(labels, at_most={"b": 1})
        sizes = np.bincount(quota.codes)
        assert dict(zip(quota.groups, sizes.tolist(), strict=True)) == expected
        assert quota.upper[quota.groups.index("b")] == 1
    assert so.Quota(pandas.Categorical(words), exactly=1).groups == ("b", "a", "c")
    with pytest.raises(so.InvalidProblem, match="missing"):
        so.Quota(pandas.Series(["a", None], dtype="category"), at_least=1)
    assert so.Quota([1, "a", (2, 3)], at_most={(2, 3): 0}).upper.tolist() == [1, 1, 0]


def test_proportional_quotas_follow_the_largest_remainders() -> None:
    quota = so.Quota.proportional(["a"] * 47 + ["b"] * 16 + ["c"] * 37, 10)
    assert dict(zip(quota.groups, quota.lower.tolist(), strict=True)) == {"a": 5, "b": 1, "c": 4}
    assert np.array_equal(quota.lower, quota.upper)
    labels = np.random.default_rng(0).integers(0, 7, 500)
    for k in (1, 13, 499, 500):
        shares = k * np.bincount(labels) / 500
        lower = so.Quota.proportional(labels, k).lower
        assert lower.sum() == k
        assert (abs(lower - shares) < 1).all()


# -- what counting says ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "k", "message"),
    [
        (
            {"quotas": so.Quota(HALVES, at_least={"north": 5, "south": 7})},
            10,
            "quotas ask for at least 12 of k = 10: 'north' 5, 'south' 7",
        ),
        (
            {"quotas": so.Quota(HALVES, at_most={"north": 5, "south": 3})},
            10,
            "quotas allow at most 8 of k = 10: 'north' 5, 'south' 3",
        ),
        (
            {"quotas": so.Quota(HALVES, exactly={"north": 2}), "include": [0, 1, 2]},
            10,
            "include holds 3 of 'north'; its quota is at most 2",
        ),
        (
            {"quotas": so.Quota(HALVES, at_least={"north": 9}), "exclude": [0, 1]},
            10,
            "a quota asks for at least 9 of 'north', of which the other constraints leave 8",
        ),
        (
            {"quotas": so.Quota(HALVES, at_least={"north": 2}), "include": [11, 12]},
            3,
            "quotas and include ask for at least 4 of k = 3: 'north' 2, 'south' 2",
        ),
        ({"include": range(5)}, 3, "include holds 5 candidates, above k = 3"),
        ({"exclude": range(5, 20)}, 6, "the constraints leave 5 of 20 candidates, below k = 6"),
        ({"include": [20]}, 3, "include must hold candidates in [0, 19]; got 20"),
        ({"conflicts": [(0, 20)]}, 3, "conflicts must hold candidates in [0, 19]; got 20"),
        ({"quotas": so.Quota(["a", "b"], exactly=1)}, 3,
         "quotas[0] has 2 labels; the problem has 20 candidates"),
        ({"costs": [1.0] * 3, "budget": 2}, 3, "costs must have shape (20,); got (3,)"),
        (
            {"costs": range(20), "budget": 2.5},
            3,
            "the 3 cheapest candidates cost 3, above the budget 2.5",
        ),
        (
            {"costs": range(20), "budget": 20, "include": [10, 11]},
            2,
            "include costs 21, above the budget 20",
        ),
        (
            {"conflicts": [(4, 3)], "include": [3, 4]},
            3,
            "candidates 3 and 4 conflict, and the other constraints include both",
        ),
    ],
)  # fmt: skip
def test_contradictions_are_named(rules: dict[str, Any], k: int, message: str) -> None:
    constraints = so.Constraints(**rules)
    for make in (so.MeanMatching, so.MMDSelection):
        with pytest.raises(so.InvalidProblem, match=f"^{re.escape(message)}$"):
            make(np.arange(20.0), k, constraints=constraints)
    with pytest.raises(so.InvalidProblem, match=f"^{re.escape(message)}$"):
        so.QuadraticSelection(np.eye(20), k=k, constraints=constraints)


@pytest.mark.parametrize(
    ("rules", "selection", "message"),
    [
        ({"include": [5]}, [0, 1, 2], "candidate 5 is to be included; it is not chosen"),
        ({"exclude": [1]}, [0, 1, 2], "candidate 1 is excluded; it is chosen"),
        (
            {"quotas": so.Quota(list("xxyyzzzz"), at_most={"x": 1})},
            [0, 1, 2],
            "the selection has 2 of 'x'; its quota is at most 1",
        ),
        (
            {"quotas": so.Quota(list("xxyyzzzz"), at_least={"z": 1})},
            [0, 1, 2],
            "the selection has 0 of 'z'; its quota is at least 1",
        ),
        (
            {"costs": [0.1, 0.2, 0.3, 0, 0, 0, 0, 0], "budget": 0.5},
            [0, 1, 2],
            "the selection costs 0.6, above the budget 0.5",
        ),
        (
            {"conflicts": [(2, 1)]},
            [0, 1, 2],
            "candidates 1 and 2 conflict; both are chosen",
        ),
    ],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_selection_breaks_is_named(
    family: str, rules: dict[str, Any], selection: list[int], message: str
) -> None:
    problem = on(so.Constraints(**rules), family=family)
    with pytest.raises(so.InvalidSelection, match=f"^{re.escape(message)}$"):
        problem.check(selection)


def test_sums_of_costs_are_not_rounded() -> None:
    rules = so.Constraints(costs=[0.1, 0.2, 0.7, 1e-9], budget=0.3)
    problem = so.MeanMatching([1.0, 2.0, 3.0, 4.0], 2, constraints=rules)
    assert problem.check([0, 1]).tolist() == [0, 1]  # 0.1 + 0.2 > 0.3 in binary
    with pytest.raises(so.InvalidSelection, match="above the budget"):
        problem.check([1, 2])
    generator = np.random.default_rng(0)
    costs = generator.random(40) * 10.0 ** generator.integers(-8, 8, 40)
    exact = [Fraction(repr(cost)) for cost in costs.tolist()]
    for chosen in (np.sort(generator.choice(40, 12, replace=False)) for _ in range(20)):
        total = sum(exact[i] for i in chosen)
        near = (np.nextafter(float(total), 0), float(total), np.nextafter(float(total), 1e99))
        for budget in map(float, near):
            within = total <= Fraction(repr(budget))
            priced = so.Constraints(costs=costs, budget=budget).priced
            assert priced is not None
            assert priced.within(chosen) == within


def test_problems_with_constraints_have_an_identity() -> None:
    rules = so.Constraints(
        include=[2], exclude=[0], quotas=so.Quota(list("xxyyzzzz"), at_most=2),
        costs=np.arange(N), budget=20, conflicts=[(4, 5)],
    )  # fmt: skip
    assert eval(repr(rules.quotas[0]).split("(")[0], vars(so)) is so.Quota
    for family in FAMILIES:
        with_, without = on(rules, family=family), on(so.Constraints(), family=family)
        again = pickle.loads(pickle.dumps(with_))
        assert again == with_ == on(rules, family=family)
        assert hash(again) == hash(with_)
        assert with_ != without
        assert without.constraints is None
        assert with_ != on(so.Constraints(include=[2]), family=family)
        assert "include=[2]" in repr(with_)
        assert "constraints" not in repr(without)
        assert replace(with_).smallest_count == with_.smallest_count
        assert replace(with_) == with_


# -- random selections ----------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(problems())
def test_draws_are_selections(problem: Any) -> None:
    if problem is None:
        return
    for seed in range(3):
        try:
            chosen = problem.draw(np.random.default_rng(seed))
        except so.InvalidSelection:
            assert not problem.side.decided_by_counting
            return
        problem.check(chosen)


@pytest.mark.parametrize("size", [4, (2, 4)])
def test_draws_are_uniform_over_what_quotas_allow(size: Any) -> None:
    quota = so.Quota(list("aaabbbcc"), at_least={"a": 1}, at_most={"b": 2, "c": 1})
    rules = so.Constraints(quotas=quota, include=[1], exclude=[7])
    problem = so.QuadraticSelection(np.eye(8), k=size, constraints=rules)
    everything, generator = list(feasible(problem)), np.random.default_rng(0)
    draws = 40 * len(everything)
    counts = Counter(tuple(problem.check(problem.draw(generator)).tolist()) for _ in range(draws))
    assert len(counts) == len(everything)
    squares = sum((count - 40) ** 2 / 40 for count in counts.values())
    freedom = len(everything) - 1
    assert abs(squares - freedom) < 5 * np.sqrt(2 * freedom)  # chi squared


# -- what is left ---------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None, derandomize=True)
@given(problems())
def test_what_is_left_has_the_same_selections_and_objectives(problem: Any) -> None:
    if problem is None:
        return
    reduction = reduced(problem)
    everything = list(feasible(problem))
    if reduction is None:
        return
    if reduction.left is None:
        assert all(chosen == reduction.taken.tolist() for chosen in everything)
        return
    left = reduction.left.problem
    assert sorted(
        reduction.lifted(np.array(chosen, np.int64)).tolist() for chosen in feasible(left)
    ) == sorted(everything)
    for chosen in everything[:20]:
        local = reduction.lowered(np.array(chosen, np.int64))
        inner = left.exact_objective(local)
        inner = Fraction(left.objective(local)) if inner is None else inner
        whole = problem.exact_objective(chosen)
        whole = Fraction(problem.objective(chosen)) if whole is None else whole
        doubt = Fraction(left.rounding(local) + problem.rounding(chosen)) * 2
        assert reduction.bound(inner - doubt) <= whole
        assert abs(reduction.left.factor * inner - whole) <= doubt + Fraction(1, 10**12)
        if reduction.exact and problem.family in ("mean-matching", "quadratic"):
            assert reduction.left.factor * inner == whole


def test_nothing_is_evaluated_where_constraints_change() -> None:
    evaluated = []

    def kernel(x: Any, y: Any) -> Any:
        evaluated.append(len(x))
        return x @ y.T

    problem = so.MMDSelection(np.eye(6), 3, kernel=kernel)
    before = len(evaluated)
    made = problem.constrained(so.Constraints(include=[1]))
    assert len(evaluated) == before
    assert made.objective([1, 2, 3]) == problem.objective([1, 2, 3])
    assert made.constrained(None) == problem
