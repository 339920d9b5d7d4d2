"""Frank-Wolfe's kernel: invariants, bounds, and the optimum by another method."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import hull_frank_wolfe
from subsetopt.solvers.relaxations._quadratic_relaxation import largest
from subsetopt.solvers.relaxations.frank_wolfe import room_for, started, weights_of_rows

Floats = NDArray[np.float64]
VARIANTS = {"vanilla": 0, "away": 1, "pairwise": 2}


class State(NamedTuple):
    atoms: NDArray[np.int64]
    sums: Floats
    weights: Floats


def _rows(seed: int, shift: float = 1.0) -> Floats:
    rows: Floats = np.random.default_rng(seed).normal(size=(14, 3)) + shift
    return rows


def _started(rows: Floats, k: int, room: int) -> State:
    uniform = np.zeros(rows.shape[1])
    hull_frank_wolfe.add_rows(rows, k / len(rows), uniform)
    return State(*started(rows, largest(-rows @ uniform, k), room))


def _iterate(rows: Floats, state: State, variant: int, steps: int, *told: float) -> Any:
    """Take steps, told the tolerance, how many atoms there are, and the bound."""
    tolerance, count, bound = told
    room = room_for(rows, state.atoms.shape[1])
    return hull_frank_wolfe.iterate(
        rows, variant, steps, tolerance, *state, int(count), bound, 0.0, False, *room
    )


@cache
def _optimum(seed: int, k: int) -> float:
    """Return the least f by projected gradient steps, vouched for by its duality gap."""
    rows = _rows(seed)
    step = 0.5 / np.linalg.eigvalsh(rows.T @ rows)[-1]
    m = last = np.full(len(rows), k / len(rows))
    for turn in range(3000):
        ahead = m + turn / (turn + 3) * (m - last)
        m, last = _projected(ahead - step * 2 * rows @ (rows.T @ ahead), k), m
    gradient = 2 * rows @ (rows.T @ m)
    assert gradient @ m - np.sort(gradient)[:k].sum() < 1e-5
    return float(np.square(rows.T @ m).sum())


def _projected(point: Floats, k: int) -> Floats:
    """Return the nearest point with entries in [0, 1] that sum to k."""
    low, high = point.min() - 1.0, point.max()
    for _ in range(50):
        middle = 0.5 * (low + high)
        if np.minimum(np.maximum(point - middle, 0.0), 1.0).sum() > k:
            low = middle
        else:
            high = middle
    nearest: Floats = np.minimum(np.maximum(point - high, 0.0), 1.0)
    return nearest


def _check(rows: Floats, k: int, state: State, count: int) -> float:
    """Check what must hold after any number of steps; returns f at the point."""
    atoms, sums, weights = state.atoms[:count], state.sums[:count], state.weights[:count]
    assert (weights >= 0).all()
    assert abs(weights.sum() - 1) < 1e-9
    assert all(np.unique(atom).size == k for atom in atoms)
    np.testing.assert_allclose(sums, rows[atoms].sum(axis=1), atol=1e-12)
    relaxed = weights_of_rows(np.asarray(atoms, np.int64), np.asarray(weights), len(rows))
    assert abs(relaxed.sum() - k) < 1e-8
    assert relaxed.min() >= 0
    assert relaxed.max() <= 1 + 1e-9
    np.testing.assert_allclose(relaxed @ rows, weights @ sums, atol=1e-9)
    point = weights @ sums
    return float(point @ point)


def test_start_is_the_vertex_that_the_gradient_asks_for() -> None:
    rows = _rows(0)
    state = _started(rows, 4, 3)
    expected = np.sort(np.argsort(rows @ rows.mean(axis=0))[:4])
    assert state.atoms[0].tolist() == expected.tolist()
    assert state.weights[0] == 1


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("seed", "k"), [(0, 1), (1, 3), (2, 7), (3, 13), (4, 14)])
def test_invariants_and_bounds_step_by_step(variant: str, seed: int, k: int) -> None:
    rows = _rows(seed)
    optimum = _optimum(seed, k)
    state = _started(rows, k, 402)
    count, bound, gap = 1, 0.0, np.inf
    values, bounds, gaps = [float(state.sums[0] @ state.sums[0])], [0.0], []
    for _ in range(80):
        count, bound, gap, taken = _iterate(rows, state, VARIANTS[variant], 5, 1e-10, count, bound)
        value = _check(rows, k, state, count)
        assert value <= values[-1] * (1 + 1e-12)
        assert bound >= bounds[-1]
        assert bound <= optimum + 1e-5 * max(optimum, 1.0)
        assert value >= optimum - 1e-5 * max(optimum, 1.0)
        values.append(value)
        bounds.append(bound)
        gaps.append(gap)
        if taken < 5:
            break
    assert gaps[-1] <= gaps[0]
    slack = 0.05 if variant == "vanilla" else 1e-5
    assert values[-1] - optimum <= slack * max(optimum, 1.0)
    assert optimum - bounds[-1] <= 100 * slack * max(optimum, 1.0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_target_inside_is_reached(variant: str) -> None:
    rows = _rows(5)
    rows -= rows.mean(axis=0)
    state = _started(rows, 6, 502)
    count, bound, gap, _ = _iterate(rows, state, VARIANTS[variant], 500, 1e-9, 1, 0.0)
    assert bound == 0
    assert _check(rows, 6, state, count) <= (0.05 if variant == "vanilla" else 1e-9)
    assert gap >= 0


def test_stops_when_there_is_no_room_or_nothing_to_gain() -> None:
    rows = _rows(1)
    state = _started(rows, 3, 2)
    count, _, _, taken = _iterate(rows, state, 0, 50, 0.0, 1, 0.0)
    assert count <= 2
    assert taken < 50
    _check(rows, 3, state, count)
    zero = np.zeros((5, 2))
    state = _started(zero, 2, 10)
    assert _iterate(zero, state, 2, 50, 0.0, 1, 0.0)[2:] == (0.0, 0)
