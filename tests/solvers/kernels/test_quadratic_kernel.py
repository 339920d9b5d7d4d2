"""The kernels on quadratic forms against NumPy twins of a few lines."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import _tiers, quadratic_descent
from subsetopt.solvers._deadline import NEVER
from subsetopt.solvers.heuristics._quadratic_steps import FormArrays, best_of_all, descend, refresh

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def form(n: int, seed: int, dtype: Any = np.float64) -> tuple[NDArray[Any], Floats, Floats]:
    generator = np.random.default_rng([seed, n])
    matrix = generator.normal(size=(n, n))
    if seed % 2:
        matrix = np.round(2 * matrix)  # ties
    matrix = (matrix + matrix.T).astype(dtype)
    return matrix, matrix.diagonal().astype(np.float64), generator.normal(size=n)


def some(n: int, k: int, seed: int) -> Bools:
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[np.random.default_rng(seed).choice(n, k, replace=False)] = True
    return chosen


def value(matrix: NDArray[Any], linear: Floats, chosen: Bools) -> float:
    m = chosen.astype(np.float64)
    return float(m @ matrix.astype(np.float64) @ m + linear @ m)


def potentials_of(matrix: NDArray[Any], linear: Floats, chosen: Bools) -> Floats:
    double = matrix.astype(np.float64)
    diagonal = double.diagonal()
    return linear + diagonal + 2 * (double @ chosen - chosen * diagonal)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 2), (40, 13), (1500, 9)])
def test_refresh(n: int, k: int, dtype: Any) -> None:
    matrix, diagonal, linear = form(n, 0, dtype)
    chosen, potentials = some(n, k, 1), np.empty(n)
    found = refresh(FormArrays(matrix, diagonal, linear), chosen, potentials, NEVER)
    np.testing.assert_allclose(potentials, potentials_of(matrix, linear, chosen), atol=1e-10)
    assert found == pytest.approx(value(matrix, linear, chosen), rel=1e-12, abs=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exchanges_keep_the_potentials(dtype: Any) -> None:
    matrix, diagonal, linear = form(30, 2, dtype)
    chosen, potentials = some(30, 10, 3), np.empty(30)
    before = refresh(FormArrays(matrix, diagonal, linear), chosen, potentials, NEVER)
    generator = np.random.default_rng(4)
    for _ in range(50):
        i = generator.choice(np.flatnonzero(chosen))
        j = generator.choice(np.flatnonzero(~chosen))
        before += potentials[j] - potentials[i] - 2 * float(matrix[i, j])
        one, other = np.array([i]), np.array([j])
        quadratic_descent.exchange_all(matrix, diagonal, one, other, chosen, potentials)
        assert not chosen[i]
        assert chosen[j]
    np.testing.assert_allclose(potentials, potentials_of(matrix, linear, chosen), atol=1e-10)
    assert before == pytest.approx(value(matrix, linear, chosen))
    leaving, entering = np.flatnonzero(chosen)[:4], np.flatnonzero(~chosen)[:4]
    quadratic_descent.exchange_all(matrix, diagonal, leaving, entering, chosen, potentials)
    assert chosen[entering].all()
    assert not chosen[leaving].any()
    np.testing.assert_allclose(potentials, potentials_of(matrix, linear, chosen), atol=1e-10)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 5, 20])
def test_greedy(seed: int, k: int) -> None:
    matrix, diagonal, linear = form(20, seed)
    expected = np.zeros(20, dtype=np.bool_)
    for _ in range(k):
        cost = potentials_of(matrix, linear, expected)
        cost[expected] = np.inf
        expected[cost.argmin()] = True
    chosen, potentials = np.zeros(20, dtype=np.bool_), np.empty(20)
    refresh(FormArrays(matrix, diagonal, linear), chosen, potentials, NEVER)
    nobody, least = np.full(k, -1), np.full(k, -1)
    for part in (slice(0, k // 2), slice(k // 2, k)):
        quadratic_descent.exchange_all(
            matrix, diagonal, nobody[part], least[part], chosen, potentials
        )
    assert chosen.tolist() == expected.tolist()
    np.testing.assert_allclose(potentials, potentials_of(matrix, linear, chosen), atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "k"), [(6, 1), (12, 5), (40, 39), (30, 30), (2100, 3)])
def test_descend_is_monotone_and_ends_where_no_exchange_helps(n: int, k: int, dtype: Any) -> None:
    for seed in range(3):
        matrix, diagonal, linear = form(n, seed, dtype)
        chosen, potentials = some(n, k, seed), np.empty(n)
        last = refresh(FormArrays(matrix, diagonal, linear), chosen, potentials, NEVER)
        settled = False
        for _ in range(200):
            parts = FormArrays(matrix, diagonal, linear)
            settled, turns, standing = descend(parts, k, chosen, potentials, NEVER)
            assert turns <= k
            assert standing == pytest.approx(value(matrix, linear, chosen), abs=1e-9)
            assert chosen.sum() == k
            now = value(matrix, linear, chosen)
            assert now <= last + 1e-9
            last = now
            if settled:
                break
        assert settled
        cost = potentials_of(matrix, linear, chosen)
        np.testing.assert_allclose(potentials, cost, atol=1e-9)
        change = cost[None, ~chosen] - cost[chosen, None] - 2.0 * matrix[np.ix_(chosen, ~chosen)]
        assert k == n or change.min() >= -1e-9


def test_the_least_of_bits_is_the_least_of_keys() -> None:
    plain = _tiers.module("quadratic_descent")
    for keys in ([3.0, -2.0, np.inf, -7.5, 0.0], [np.inf, np.inf], [5e-324, 1e300, 2.0], [-1e308]):
        bits = np.array([*keys, -np.inf]).view(np.int64)
        least = plain.least_bits(bits, len(keys))
        assert np.int64(least).view(np.float64) == min(keys)
        assert keys[plain.place_of(bits, len(keys), least)] == min(keys)
    assert plain.place_of(np.array([1, 2]), 2, 3) == -1


@pytest.mark.parametrize(("n", "k"), [(1, 1), (7, 1), (7, 3), (7, 6), (7, 7), (10, 5)])
def test_enumerate_all(n: int, k: int) -> None:
    for seed in range(4):
        matrix, diagonal, linear = form(n, seed)
        found = np.zeros(n, dtype=np.bool_)
        found[best_of_all(FormArrays(matrix, diagonal, linear), k)] = True
        assert found.sum() == k
        least = min(
            value(matrix, linear, np.isin(np.arange(n), some)) for some in combinations(range(n), k)
        )
        assert value(matrix, linear, found) == pytest.approx(least, abs=1e-10)


@pytest.mark.parametrize(("n", "k"), [(12, 4), (9, 9), (30, 1)])
def test_enumerated_alike_compiled_and_interpreted(n: int, k: int) -> None:
    parts, found = form(n, 1, np.float32), []  # with ties
    for kernels in (quadratic_descent, _tiers.module("quadratic_descent")):
        best, potentials = np.arange(k), np.empty((k, n))
        kernels.enumerate_all(*parts, np.zeros(k, np.int64), np.zeros(k), potentials, best)
        found.append(best.tolist())
    assert found[0] == found[1]


@pytest.mark.parametrize("scale", [1.0, 1e300])
def test_gains_below_the_noise_are_not_taken(scale: float) -> None:
    linear = scale * np.array([3.0, 1.0, 1.0 - 4e-15])
    parts = FormArrays(np.zeros((3, 3)), np.zeros(3), linear)
    chosen, potentials = np.array([False, True, False]), linear.copy()
    assert descend(parts, 9, chosen, potentials, NEVER)[:2] == (True, 1)
    linear[2] = potentials[2] = scale * (1.0 - 4e-14)
    assert descend(parts, 9, chosen, potentials, NEVER)[:2] == (True, 2)
    assert chosen.tolist() == [False, False, True]


def test_a_descent_goes_on_where_it_was_left() -> None:
    matrix, diagonal, linear = form(60, 4)
    ends = []
    for stops in ([999], [7, 8, 30, 999]):
        chosen, potentials, keys = some(60, 20, 0), np.empty(60), np.empty(61)
        refresh(FormArrays(matrix, diagonal, linear), chosen, potentials, NEVER)
        members, progress = np.flatnonzero(chosen), np.zeros(3)
        state = members, progress, chosen, potentials, keys, keys.view(np.int64)
        for most in stops:
            quadratic_descent.descend(matrix, diagonal, linear, most, *state)
            assert progress[quadratic_descent.TURNS] <= most
        assert progress[quadratic_descent.IDLE] == 20
        ends.append((chosen.tolist(), potentials.tolist()))
    assert ends[0] == ends[1]
