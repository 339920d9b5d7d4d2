"""Swaps that keep rows, against all selections that keep them."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from subsetopt._kernels import constrained_swaps, rng

few = settings(deadline=None, derandomize=True, max_examples=60)
NONE = np.empty(0, np.int64)


class State:
    """A form and rows over its candidates, and a selection with what belongs to it."""

    def __init__(self, seed: int, n: int, rows: NDArray[Any], lower: Any, upper: Any) -> None:
        generator = np.random.default_rng(seed)
        half = generator.normal(size=(n, n))
        self.n, self.rows, self.matrix = n, rows, half + half.T
        self.matrix.setflags(write=False)
        self.diagonal = np.ascontiguousarray(self.matrix.diagonal())
        self.linear = generator.normal(size=n)
        self.lower, self.upper = np.array(lower, np.int64), np.array(upper, np.int64)
        item, row = np.nonzero(rows.T)
        starts = np.searchsorted(item, np.arange(n + 1)).astype(np.int64)
        weights = rows.T[item, row].astype(np.int64)
        load = np.zeros(len(rows), np.int64)
        row_of, item_of = np.nonzero(rows)
        begins = np.searchsorted(row_of, np.arange(len(rows) + 1)).astype(np.int64)
        by_item = (starts, row.astype(np.int64), weights)
        self.side = (*by_item, self.lower, self.upper, load, begins, item_of.astype(np.int64))
        self.chosen = np.zeros(n, np.bool_)
        self.potentials = self.linear + self.diagonal

    def keeps(self, chosen: Any) -> bool:
        load = self.rows[:, list(chosen)].sum(axis=1)
        return bool(((self.lower <= load) & (load <= self.upper)).all())

    def value(self, chosen: Any) -> float:
        rows = list(chosen)
        return float(self.matrix[np.ix_(rows, rows)].sum() + self.linear[rows].sum())

    def feasible(self, k: int) -> list[tuple[int, ...]]:
        return [chosen for chosen in combinations(range(self.n), k) if self.keeps(chosen)]

    def take(self, chosen: Any) -> None:
        self.chosen[:] = False
        self.chosen[list(chosen)] = True
        self.side[5][:] = self.rows[:, list(chosen)].sum(axis=1)
        self.potentials = self.fresh()

    def fresh(self) -> NDArray[np.float64]:
        inside = self.matrix @ self.chosen - self.diagonal * self.chosen
        return np.asarray(self.linear + self.diagonal + 2 * inside)

    def require_consistent(self) -> None:
        taken = np.flatnonzero(self.chosen)
        np.testing.assert_array_equal(self.side[5], self.rows[:, taken].sum(axis=1))
        np.testing.assert_allclose(self.potentials, self.fresh(), atol=1e-9)


@st.composite
def states(draw: st.DrawFn) -> State:
    """Overlapping quotas, a budget and a conflict, or some of these."""
    n, seed = draw(st.integers(4, 9)), draw(st.integers(0, 10_000))
    generator = np.random.default_rng(seed)
    rows, lower, upper = [], [], []
    for _ in range(draw(st.integers(1, 2))):
        label = generator.integers(0, 3, n)
        for g in range(3):
            rows.append(label == g)
            low = int(generator.integers(0, 2))
            lower.append(low)
            upper.append(low + int(generator.integers(0, 3)))
    if draw(st.booleans()):
        rows.append(generator.integers(0, 20, n))
        lower.append(0)
        upper.append(int(generator.integers(10, 60)))
    if draw(st.booleans()):
        rows.append(np.arange(n) < 2)
        lower.append(0)
        upper.append(1)
    return State(seed, n, np.array(rows, np.int64), lower, upper)


def descend(state: State) -> float:
    value: float = constrained_swaps.descend(
        state.matrix,
        state.diagonal,
        state.linear,
        10_000,
        np.flatnonzero(state.chosen),
        np.zeros(3),
        state.chosen,
        state.potentials,
        state.side,
    )
    return value


@given(state=states(), k=st.integers(1, 4))
@few
def test_a_descent_ends_where_no_feasible_swap_helps(state: State, k: int) -> None:
    feasible = set(state.feasible(k))
    for start in sorted(feasible)[:3]:
        state.take(start)
        value = descend(state)
        state.require_consistent()
        end = tuple(np.flatnonzero(state.chosen).tolist())
        assert end in feasible
        assert value == pytest.approx(state.value(end), abs=1e-9)
        assert value <= state.value(start) + 1e-9
        for i in end:
            for j in set(range(state.n)) - set(end):
                swapped = tuple(sorted({*end, j} - {i}))
                assert swapped not in feasible or state.value(swapped) >= value - 1e-9


@given(state=states(), k=st.integers(1, 4), steps=st.integers(1, 40))
@few
def test_a_walk_stays_feasible_and_keeps_its_best(state: State, k: int, steps: int) -> None:
    for start in state.feasible(k)[:2]:
        state.take(start)
        best, numbers = state.chosen.copy(), np.array([state.value(start)] * 2 + [1e-12])
        constrained_swaps.walk(
            state.matrix,
            state.diagonal,
            state.chosen,
            state.potentials,
            np.flatnonzero(state.chosen),
            np.zeros(state.n, np.int64),
            best,
            numbers,
            np.zeros(2, np.int64),
            steps,
            1000,
            -np.inf,
            np.array([0, 1, 0, 2], np.int64),
            rng.seeded(steps),
            state.side,
        )
        state.require_consistent()
        assert state.keeps(np.flatnonzero(state.chosen))
        assert state.keeps(np.flatnonzero(best))
        assert numbers[1] == pytest.approx(state.value(np.flatnonzero(best)), abs=1e-9)
        assert numbers[1] <= state.value(start) + 1e-9


def refill(state: State, leaving: Any, count: int, cover: int, spread: float = 0.0) -> bool:
    entering = np.empty(count, np.int64)
    kept: bool = constrained_swaps.refill(
        state.matrix,
        state.diagonal,
        np.array(leaving, np.int64),
        entering,
        0,
        cover,
        spread,
        rng.seeded(7),
        state.chosen,
        state.potentials,
        state.side,
    )
    return kept


@given(state=states(), k=st.integers(1, 4), spread=st.sampled_from([0.0, 1.0]))
@few
def test_what_is_filled_up_keeps_the_rows_where_it_says_so(
    state: State, k: int, spread: float
) -> None:
    cover = int((state.rows * (state.lower > 0)[:, None] > 0).sum(axis=0).max())
    for start in state.feasible(k)[:3]:
        state.take(start)
        kept = refill(state, start[: k // 2 + 1], k // 2 + 1, cover, spread)
        state.require_consistent()
        taken = np.flatnonzero(state.chosen)
        assert kept == (len(taken) == k and state.keeps(taken))


@given(seed=st.integers(0, 10_000), data=st.data())
@few
def test_greedy_never_ends_in_vain_with_disjoint_quotas(seed: int, data: st.DataObject) -> None:
    generator = np.random.default_rng(seed)
    sizes = generator.integers(1, 5, 3)
    label = generator.permutation(np.repeat(np.arange(3), sizes))
    lower = generator.integers(0, sizes + 1)
    upper = generator.integers(lower, sizes + 1)
    k = data.draw(st.integers(max(1, int(lower.sum())), max(1, int(upper.sum()))))
    if not lower.sum() <= k <= upper.sum():
        return
    state = State(seed, len(label), np.array([label == g for g in range(3)], int), lower, upper)
    assert refill(state, NONE, k, 1)
    assert state.keeps(np.flatnonzero(state.chosen))
    assert np.count_nonzero(state.chosen) == k


def test_greedy_takes_the_least_potential_that_leaves_a_way() -> None:
    state = State(0, 4, np.array([[1, 1, 0, 0]]), [1], [2])
    state.linear[:] = [5.0, 4.0, -10.0, -9.0]
    state.potentials = state.fresh()
    assert refill(state, NONE, 2, 1)
    taken = set(np.flatnonzero(state.chosen).tolist())
    assert 2 in taken
    assert len(taken & {0, 1}) == 1
