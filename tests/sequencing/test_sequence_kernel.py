"""The compiled loops of sequences against NumPy twins."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import batch_herding
from subsetopt._kernels.quadratic_descent import BLOCK
from subsetopt.solvers.heuristics._quadratic_steps import seen_as_bits

SIZES = [1, 5, 1023, 1024, 1025, 2500]


def potentials(n: int, seed: int = 0) -> NDArray[np.float64]:
    generator = np.random.default_rng([n, seed])
    values = generator.integers(-9, 9, n) / 4  # with ties
    values[generator.random(n) < 0.3] = np.inf
    values[n // 2] = -3.0
    return values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", SIZES)
def test_aim_and_add(n: int, dtype: Any) -> None:
    generator = np.random.default_rng(n)
    drift, row = generator.integers(0, 3, n) / 8, (generator.integers(0, 3, n) / 8).astype(dtype)
    found, wanted = potentials(n), potentials(n) + (2.0 * row - drift)
    room = found.view(np.int64)
    assert batch_herding.aim_and_add(row, drift, found, room) == (wanted.argmin(), wanted.min())
    np.testing.assert_array_equal(found, wanted)


def potential(K: NDArray[np.float64], chosen: list[int], j: int, t: int) -> float:
    """Return what j adds beside the other chosen, t being the count that is aimed at."""
    others = [i for i in chosen if i != j]
    return float(K[j, j] + 2 * K[others, j].sum() - 2 * t / len(K) * K[j].sum())


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_members_look_for_partners_and_are_exchanged(dtype: Any, held: bool) -> None:
    points = np.random.default_rng(3).normal(size=(1500, 3))
    K = np.exp(-0.5 * np.square(points[:, None] - points[None]).sum(axis=2)).astype(dtype)
    exact = K.astype(np.float64)
    before, members = [4, 9], np.array([0, 1, 700, 1499])
    chosen = [*before, *members.tolist()]
    drift = 2 / 1500 * exact.sum(axis=1)

    # As each was when it was picked, then brought to the end of the batch.
    own = np.array([potential(exact, chosen[: 3 + b], m, 3 + b) for b, m in enumerate(members)])
    table, where = (K, members) if held else (K[members], np.arange(4))
    batch_herding.complete(table, where, members, drift, own)
    np.testing.assert_allclose(own, [potential(exact, chosen, m, 6) for m in members], atol=1e-11)

    free = np.array([potential(exact, chosen, j, 6) for j in range(1500)])
    free[chosen] = np.inf
    room = seen_as_bits(np.empty(BLOCK + 1))
    turn = idle = made = 0
    for _ in range(9):
        looked, idle, at, j, key = batch_herding.look(
            table, where, members, free, own, turn, idle, 10**6, 1e-12, *room
        )
        keys = free - 2 * exact[members[at]]
        if j < 0:
            break
        assert j == keys.argmin()
        assert at == (looked - 1) % 4
        assert key == pytest.approx(keys.min(), abs=1e-12)
        assert key < own[at]
        leaving, entering = table[where[at]].copy(), K[j]
        batch_herding.exchange(leaving, entering, at, j, key, members, free, own)
        if not held:
            table[at] = entering
        turn, made = looked, made + 1
        chosen = [*before, *members.tolist()]
        expected = np.array([potential(exact, chosen, i, 6) for i in range(1500)])
        np.testing.assert_allclose(own, expected[members], atol=1e-11)
        expected[chosen] = np.inf
        np.testing.assert_allclose(free, expected, atol=1e-11)
    assert made > 2


def test_looks_are_limited_and_counted() -> None:
    K, members, own = np.eye(6), np.array([0, 1, 2]), np.zeros(3)
    free = np.array([np.inf, np.inf, np.inf, 0.0, 1.0, 1.0])
    room = seen_as_bits(np.empty(BLOCK + 1))

    def look(*limits: int) -> tuple[Any, ...]:
        return tuple(batch_herding.look(K, members, members, free, own, *limits, 1e-12, *room))

    assert look(0, 0, 100) == (3, 3, -1, -1, 0.0)
    assert look(0, 0, 2) == (2, 2, -1, -1, 0.0)
    free[5] = -1.0
    assert look(1, 1, 100) == (2, 0, 1, 5, -1.0)
