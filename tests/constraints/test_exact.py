"""Proofs of mean matching under quotas, against enumeration in exact arithmetic."""

from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.models import SideConstraints
from subsetopt.models._side_constraints import QuotaRows
from subsetopt.solvers import _deadline
from subsetopt.solvers.base import RawResult
from subsetopt.solvers.exact import _counts, _meet, exact
from subsetopt.solvers.exact._counts import CountLimits, limits_of
from subsetopt.solvers.exact._dealing import Dealing
from subsetopt.solvers.exact._integers import Integers

EXACT = so.CertificateKind.EXACT


class _Poor:
    """Any feasible selection in place of a good one, so that the searches have work to do."""

    def __init__(self, **_: Any) -> None:
        pass

    def bounded(self, problem: so.MeanMatching, limits: Any, _: object) -> RawResult:
        drawn = np.sort(problem.draw(np.random.default_rng(0)))
        chosen = drawn if limits.start is None else limits.start
        return RawResult(indices=chosen, termination=so.Termination.FINISHED)


@pytest.fixture
def _poor_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "Swap", _Poor)


def _best(problem: so.MeanMatching) -> Fraction:
    """Enumerate all selections, in Python integers only."""
    assert problem.side is not None
    masks = np.array(list(product([False, True], repeat=problem.n)))
    sizes = masks.sum(axis=1)
    kept = (sizes >= problem.smallest_count) & (sizes <= problem.k)
    kept &= ~masks[:, problem.side.exclude].any(axis=1)
    kept &= masks[:, problem.side.include].all(axis=1)
    for row in problem.side.model_rows():
        counts = masks[:, row.columns].sum(axis=1)
        kept &= (counts >= row.lower) & (counts <= row.upper)
    whole = np.array(problem.grid.whole_numbers(), object)
    p, q = problem.scaled_target
    nearest = min(abs(p - q * total) for total in masks[kept].astype(int).astype(object) @ whole)
    return Fraction(nearest, q * problem.k) * Fraction(2) ** problem.grid.exponent


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "double": st.floats(-1e300, 1e300),
    "float32": st.floats(0, 1, width=32),
    "integers": st.integers(-20, 20),
    "ties": st.sampled_from([0.1, 0.7, -2.5]),
    "exponents": st.tuples(st.integers(-200, 200), st.floats(-1, 1)).map(
        lambda pair: pair[1] * 10.0 ** pair[0]
    ),
}


@st.composite
def _problems(draw: Any, groupings: int) -> Any:
    """Draw a problem of which a drawn selection keeps the quotas."""
    values = draw(
        st.sampled_from(sorted(VALUES)).flatmap(
            lambda kind: st.lists(VALUES[kind], min_size=2, max_size=11)
        )
    )
    n = len(values)
    chosen = draw(st.lists(st.integers(0, n - 1), min_size=1, unique=True))
    quotas = []
    for _ in range(groupings):
        labels = np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
        have, slack = np.bincount(labels[chosen], minlength=4), draw(st.integers(0, 2))
        counts = {g: int(have[g]) for g in np.unique(labels).tolist()}
        low = {g: max(0, count - slack) for g, count in counts.items()}
        high = {g: count + slack for g, count in counts.items()}
        quotas.append(so.Quota(labels, at_least=low, at_most=high))
    cardinality = draw(st.sampled_from(["exactly", "at_most"]))
    rules = so.Constraints(quotas=quotas)
    target = draw(st.one_of(st.none(), st.sampled_from(values).map(float)))
    return so.MeanMatching(values, len(chosen), target, cardinality, constraints=rules)


@pytest.mark.usefixtures("_poor_start")
@pytest.mark.parametrize("groupings", [1, 2])
@pytest.mark.parametrize("method", ["auto", "meet", "dynamic", "window"])
def test_proofs_agree_with_enumeration(groupings: int, method: str) -> None:
    @settings(deadline=None, derandomize=True, max_examples=25)
    @given(_problems(groupings))
    def check(problem: so.MeanMatching) -> None:
        try:
            solution = so.solve(problem, so.solver("exact", method=method))
        except so.TooLarge:
            refused = True
        else:
            refused = False
        assert not refused or method in ("dynamic", "window")
        if refused:
            return
        assert solution.indices is not None
        assert solution.certificate.kind is EXACT
        assert problem.exact_objective(solution.indices) == _best(problem)

    check()


@pytest.mark.usefixtures("_poor_start")
@pytest.mark.parametrize("piece", [5, 2**20])
@pytest.mark.parametrize("spare", [0, 2])
@pytest.mark.parametrize("sizes", [(8, 8), (4, 4, 5, 3), (12, 4), (1, 2, 13)])
def test_both_searches_find_the_same(
    sizes: tuple[int, ...], spare: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_meet, "PIECE", piece)
    rng = np.random.default_rng([piece, spare, *sizes])
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    values = rng.integers(0, 900, 16) + 5000 * labels
    have = np.bincount(labels[:8], minlength=len(sizes))
    low = {g: max(0, int(count) - spare) for g, count in enumerate(have)}
    high = {g: int(count) + spare for g, count in enumerate(have)}
    rules = so.Constraints(quotas=so.Quota(labels, at_least=low, at_most=high))
    target = float(values[:8].mean()) + 0.2
    problem = so.MeanMatching(values, 8, target, constraints=rules)
    found = [
        so.solve(problem, so.solver("exact", method=method), threads=2)
        for method in ("meet", "dynamic")
    ]
    errors = {problem.exact_objective(each.indices) for each in found}  # type: ignore[arg-type]
    assert [each.certificate.kind for each in found] == [EXACT, EXACT]
    assert errors == {_best(problem)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_more_are_proven_with_quotas_than_without(dtype: Any) -> None:
    values = np.random.default_rng(4).normal(size=64).astype(dtype)
    rules = so.Constraints(quotas=so.Quota(np.arange(64) % 4, exactly=3))
    quick = so.solver("exact", method="meet", max_seconds=2.0)
    with pytest.raises(so.TooLarge, match="refused for n = 64"):
        so.solve(so.MeanMatching(values, 12), quick, threads=1)
    proven = so.solve(so.MeanMatching(values, 12, constraints=rules), quick, threads=1)
    assert proven.certificate.kind is EXACT
    swap = so.solve(so.MeanMatching(values, 12, constraints=rules), "swap")
    assert proven.objective is not None
    assert swap.objective is not None
    assert proven.objective <= swap.objective


def test_float32_with_quotas_is_proven_by_a_window() -> None:
    values = np.random.default_rng(2).exponential(size=256).astype(np.float32)
    rules = so.Constraints(quotas=so.Quota(np.arange(256) % 5, at_least=9))
    problem = so.MeanMatching(values, 64, constraints=rules)
    solution = so.solve(problem, so.solver("exact", method="window"))
    assert solution.certificate.kind is EXACT
    assert solution.objective is not None
    assert solution.objective >= float(problem.lower_bound())


def test_values_are_shifted_by_group_where_its_count_is_fixed() -> None:
    labels = np.repeat([0, 1, 2], 6)
    values = np.arange(18) + 10**6 * labels
    quotas = so.Quota(labels, exactly={0: 2, 1: 3}), so.Quota(labels, at_least={0: 2, 1: 1})
    fixed, free = (
        Integers.of(so.MeanMatching(values, 7, constraints=so.Constraints(quotas=quota)))
        for quota in quotas
    )
    assert max(fixed.values) == 5
    assert max(free.values) > 10**6


def test_too_many_ways_to_keep_overlapping_quotas_are_refused() -> None:
    labels = np.arange(60)
    rules = so.Constraints(
        quotas=[so.Quota(labels % 5, at_least=2), so.Quota(labels % 4, at_least=2)]
    )
    values = np.random.default_rng(0).normal(size=60)
    with pytest.raises(so.TooLarge, match=r"20 combinations of groups .* more than 1024 ways"):
        so.solve(so.MeanMatching(values, 20, constraints=rules), "exact")


@pytest.mark.parametrize("budget", [True, False])
def test_other_constraints_are_refused(budget: bool) -> None:
    rules = (
        so.Constraints(costs=range(6), budget=4) if budget else so.Constraints(conflicts=[(0, 1)])
    )
    with pytest.raises(so.UnsupportedProblem, match=r"'exact' does not take .*; these do: .*scip"):
        so.solve(so.MeanMatching(np.arange(6.0), 3, constraints=rules), "exact")


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=3
    )
)
def test_halves_and_their_digits_make_every_subset_once(groups: list[tuple[int, int, int]]) -> None:
    """What `Dealing` lists and lets face each other are the subsets within limits."""
    sizes = [size for size, _, _ in groups]
    ends = [sorted((min(a, size), min(b, size))) for size, a, b in groups]
    group = np.repeat(np.arange(len(sizes)), sizes)
    loose = CountLimits(group, tuple(a for a, _ in ends), tuple(b for _, b in ends))
    count = (sum(loose.lower) + sum(loose.upper)) // 2
    limits = loose.of(count)
    assert limits is not None
    dealing = Dealing.of(limits, count)
    digits = [counted for counted, _ in dealing.digits()]
    parts = dealing.parts(np.arange(len(group)))
    dealt = np.concatenate([part.items for quarter in parts for part in quarter])
    assert sorted(dealt.tolist()) == list(range(len(group)))
    listed = [
        {
            tuple(sorted(item for chosen in chosens for item in chosen))
            for chosens in product(*(_subsets(part) for part in parts[q] + parts[q + 1]))
        }
        for q in (0, 2)
    ]
    halves = [
        {(tuple(int(mask[list(s)].sum()) for mask in digits), s) for s in half} for half in listed
    ]
    pairs = set(dealing.pairs())
    met = [(*x, *y) for a, x in halves[0] for b, y in halves[1] if (a, b) in pairs]
    every = [
        tuple(np.flatnonzero(mask).tolist())
        for mask in product([False, True], repeat=len(group))
        if sum(mask) == count and limits.allow(np.flatnonzero(mask))
    ]
    assert sorted(tuple(sorted(one)) for one in met) == sorted(every)
    assert len(every) <= dealing.keys(range(len(group)), exact=True) ** 2


def _subsets(part: Any) -> list[tuple[int, ...]]:
    masks = product([False, True], repeat=len(part.items))
    return [
        tuple(part.items[list(mask)].tolist())
        for mask in masks
        if part.low <= sum(mask) <= part.high
    ]


@pytest.mark.parametrize("seed", range(5))
def test_ways_are_all_counts_that_keep_the_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, rows = 9, [np.flatnonzero(rng.random(9) < 0.5) for _ in range(3)]
    rows = [row for row in rows if len(row)]
    starts = np.cumsum([0, *map(len, rows)])
    lower = np.array([rng.integers(0, len(row) // 2 + 1) for row in rows])
    upper = np.array(
        [rng.integers(low, len(row) + 1) for low, row in zip(lower, rows, strict=True)]
    )
    quotas = QuotaRows(n, starts, np.concatenate(rows), lower, upper, ("",) * len(rows))
    if quotas.disjoint:
        pytest.skip("no overlap")
    side = SideConstraints(n, 2, 5, quotas)
    found = [limits.lower for limits in limits_of(side, n)]
    kept = {
        tuple(np.bincount(quotas.cells[chosen], minlength=quotas.cells.max() + 1).tolist())
        for mask in product([False, True], repeat=n)
        if 2 <= sum(mask) <= 5 and side.keeps(chosen := np.flatnonzero(mask))
    }
    assert sorted(found) == sorted(kept)
    assert all(a != b for a, b in pairwise(sorted(found)))


def test_the_first_of_an_order_have_the_least_sum() -> None:
    rng = np.random.default_rng(0)
    limits = CountLimits(np.arange(10) % 3, (1, 0, 2), (2, 2, 3))
    values = rng.permutation(10)
    order = np.argsort(values)
    for count in (3, 5, 7):
        every = [
            np.flatnonzero(mask)
            for mask in product([False, True], repeat=10)
            if sum(mask) == count and limits.allow(np.flatnonzero(mask))
        ]
        tight = limits.of(count)
        assert tight is not None
        least, most = tight.first(order, count), tight.first(order[::-1], count)
        assert values[least].sum() == min(values[each].sum() for each in every)
        assert values[most].sum() == max(values[each].sum() for each in every)
    assert limits.of(2) is None
    assert limits.of(8) is None


def test_no_more_nodes_than_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_counts, "_MOST_NODES", 3)
    rules = so.Constraints(
        quotas=[so.Quota([0, 0, 1, 1], at_least=1), so.Quota([0, 1, 0, 1], at_most=1)]
    )
    with pytest.raises(so.TooLarge, match="overlapping quotas of 4 combinations"):
        so.solve(so.MeanMatching(np.arange(4.0), 2, constraints=rules), "exact")


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("method", ["meet", "dynamic"])
def test_nothing_is_proven_where_the_time_is_up_in_between(
    overlapping: bool, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever look at the clock is the first one past the limit."""
    monkeypatch.setattr(exact, "Swap", _Poor)
    quotas = [so.Quota(np.arange(10) % 3, at_least=1)]
    if overlapping:
        quotas.append(so.Quota(np.arange(10) // 5, exactly=2))
    values = np.random.default_rng(5).integers(0, 1000, 10)
    rules = so.Constraints(quotas=quotas)
    problem = so.MeanMatching(values, 4, 500.3, constraints=rules)
    best, proven = _best(problem), []
    for last in range(200):
        looks = 0

        def clock(last: int = last) -> float:
            nonlocal looks
            looks += 1
            return 0.0 if looks <= last else 2.0

        monkeypatch.setattr(_deadline, "clock", clock)
        solver = so.solver("exact", method=method)
        solution = so.solve(problem, solver, time_limit=1.0, threads=1)
        if solution.indices is None:
            continue
        error = problem.exact_objective(solution.indices)
        assert error is not None
        assert error >= best
        assert solution.bound is None or Fraction(solution.bound) <= best
        proven.append(solution.certificate.kind is EXACT)
        assert not proven[-1] or error == best
        if looks <= last:
            break
    assert looks <= last
    assert proven[-1]
    assert not all(proven)
