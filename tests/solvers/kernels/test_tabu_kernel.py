"""The tabu walk: its bookkeeping against what is computed afresh."""

from typing import Any

import numpy as np
import pytest

from subsetopt._kernels import tabu_walk
from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import NEVER
from subsetopt.solvers.heuristics._quadratic_steps import refresh
from subsetopt.solvers.heuristics._tabu_search import Walks


class _Walk(Walks):
    """A walk that is led by hand."""

    def walk(self, steps: int, stall: int = 10**9, goal: float = -np.inf) -> int:
        self._stall, self._goal = stall, goal
        moves = self._walked(steps)
        self.chosen[:] = False
        self.chosen[self._members] = True
        return moves

    def enter(self) -> None:
        self._phase = self._first
        while self._phase == self._first:
            self._phase = self._first(0)


def _walk(n: int, k: int, seed: int = 0, dtype: Any = np.float64, **options: Any) -> _Walk:
    generator = np.random.default_rng([n, k, seed])
    matrix = generator.integers(-9, 9, size=(n, n)).astype(dtype)
    matrix = matrix + matrix.T
    matrix.setflags(write=False)
    form = QuadraticForm(matrix, generator.normal(size=n), k)
    tenure, stall = options.get("tenure"), options.get("stall")
    walk = _Walk(form, seed, tenure, stall, options.get("goal", -np.inf))
    walk.start()
    walk.enter()
    return walk


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "k"), [(12, 3), (40, 20), (60, 59), (50, 1), (300, 30), (700, 9)])
def test_the_state_is_what_is_computed_afresh(n: int, k: int, dtype: Any) -> None:
    walk = _walk(n, k, dtype=dtype)
    best = walk.value
    for steps in (1, 1, 1, 50, 500):
        assert walk.walk(steps) == steps
        assert walk.chosen.sum() == k
        assert sorted(walk._members) == np.flatnonzero(walk.chosen).tolist()
        fresh = np.empty(n)
        value = refresh(walk._parts, walk.chosen, fresh, NEVER)
        np.testing.assert_allclose(walk._staying, fresh[walk._members], atol=1e-9)
        assert walk._numbers[tabu_walk.VALUE] == pytest.approx(value, abs=1e-8)
        held = walk._held[: walk._counts[tabu_walk.HELD]]
        barred = walk.chosen.copy()
        assert not barred[held].any()
        barred[held] = True
        np.testing.assert_allclose(walk._lying[: len(held)], fresh[held], atol=1e-9)
        np.testing.assert_array_equal(np.isinf(walk._keys), barred)
        np.testing.assert_allclose(walk._keys[~barred], fresh[~barred], atol=1e-9)
        value = refresh(walk._parts, walk._found, fresh, NEVER)
        assert walk._numbers[tabu_walk.BEST] == pytest.approx(value, abs=1e-8)
        assert walk._numbers[tabu_walk.BEST] <= best + 1e-9
        best = walk._numbers[tabu_walk.BEST]


def test_without_tenures_the_worst_member_makes_room_for_the_best_candidate() -> None:
    for seed in range(20):
        walk = _walk(14, 4, seed, tenure=0)
        u, chosen = walk.potentials.copy(), walk.chosen.copy()
        worst = np.flatnonzero(chosen & (u == u[chosen].max()))
        change = u[None, ~chosen] - u[worst, None] - 2 * walk.matrix[np.ix_(worst, ~chosen)]
        walk.walk(1)
        assert walk._numbers[tabu_walk.VALUE] - walk.value == pytest.approx(change.min(), abs=1e-9)


def test_what_is_exchanged_is_left_alone() -> None:
    walk = _walk(60, 30, tenure=5)
    moves: list[tuple[int, int]] = []
    for _ in range(300):
        before, least = walk.chosen.copy(), walk._numbers[tabu_walk.BEST]
        walk.walk(1)
        out, entered = (int(np.flatnonzero(gone)[0]) for gone in
                        (before & ~walk.chosen, walk.chosen & ~before))  # fmt: skip
        recent = moves[-5:]
        if walk._numbers[tabu_walk.BEST] >= least:  # else the tenure may be broken
            assert out not in [taken for _, taken in recent]
            assert entered not in [left for left, _ in recent]
        moves.append((out, entered))
    assert len(set(moves)) > 20


def test_it_stops_when_stalled_or_at_the_goal() -> None:
    walk = _walk(40, 10)
    steps = walk.walk(10**6, stall=100)
    assert 100 <= steps < 10**6
    assert walk._counts[tabu_walk.NOW] - walk._counts[tabu_walk.SINCE] == 100
    walk = _walk(40, 10)
    assert walk.walk(10**6, goal=walk.value + 1) == 0
