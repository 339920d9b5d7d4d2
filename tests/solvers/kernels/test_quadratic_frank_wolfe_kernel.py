"""The kernels of quadratic Frank-Wolfe against a few lines of NumPy."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import _tiers
from subsetopt._kernels import quadratic_frank_wolfe as kernel
from subsetopt.models import SideConstraints
from subsetopt.models._side_constraints import Groups
from subsetopt.solvers.relaxations._polytope import GroupedHypersimplex
from subsetopt.solvers.relaxations._quadratic_relaxation import bound_of, spread

Floats = NDArray[np.float64]
VARIANTS = {"vanilla": 0, "away": 1, "pairwise": 2}
SHARE_LEFT = {"vanilla": 0.1, "away": 1e-3, "pairwise": 1e-6}  # of the gap, after 200 steps


class Data(NamedTuple):
    matrix: Floats
    diagonal: Floats
    linear: Floats
    k: int

    @property
    def convex(self) -> Floats:
        return self.matrix.astype(np.float64) - np.diag(self.diagonal)

    def value(self, point: Floats) -> float:
        return float(point @ self.convex @ point + self.linear @ point)

    def gradient(self, point: Floats) -> Floats:
        return np.asarray(2 * self.convex @ point + self.linear)

    def gap(self, point: Floats) -> float:
        gradient = self.gradient(point)
        return float(gradient @ point - np.sort(gradient)[: self.k].sum())

    def vertex(self) -> Floats:
        point = np.zeros(len(self.linear))
        point[: self.k] = 1.0
        return point


def _data(seed: int, n: int = 14, k: int = 5, dtype: type = np.float64) -> Data:
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(n, 4))
    matrix: NDArray[Any] = (points @ points.T).astype(dtype)
    return Data(matrix, -generator.uniform(0.1, 0.3, n), 3 * generator.normal(size=n), k)


def _plain_frank_wolfe(data: Data, point: Floats, steps: int) -> Floats:
    for _ in range(steps):
        gradient = data.gradient(point)
        direction = -point
        direction[np.argsort(gradient, kind="stable")[: data.k]] += 1.0
        curve = direction @ data.convex @ direction
        point = point + np.clip(-gradient @ direction / (2 * curve), 0, 1) * direction
    return point


def _room(k: int) -> tuple[NDArray[Any], ...]:
    return np.empty(14), np.empty(k, np.int64), np.empty(14), np.empty(14)


def test_smallest_takes_the_first_of_equals() -> None:
    smallest = _tiers.module("smallest_k").smallest
    for seed in range(60):
        generator = np.random.default_rng(seed)
        values = generator.normal(size=seed + 1)
        if seed % 2:
            values = np.round(values)
        for k in {1, seed // 2 + 1, seed + 1}:
            found = np.empty(k, np.int64)
            smallest(values, k, np.empty(seed + 1), found)
            assert found.tolist() == np.sort(np.argsort(values, kind="stable")[:k]).tolist()


def _image(data: Any, point: Any) -> Any:
    out = np.zeros(14)
    for part in (0, 5), (5, 14):
        kernel.add_images(data.matrix, *part, point, out)
    return out - data.diagonal * point


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_image(dtype: type) -> None:
    data = _data(0, dtype=dtype)
    point = np.random.default_rng(1).uniform(size=14)
    point[3] = 0.0
    np.testing.assert_allclose(_image(data, point), data.convex @ point, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lower_bound_is_value_less_gap_less_very_little(dtype: type) -> None:
    for seed in range(10):
        data = _data(seed, dtype=dtype)
        point = _plain_frank_wolfe(data, data.vertex(), seed)
        sizes = np.zeros(14)
        kernel.add_sizes(data.matrix, 0, 14, point, sizes)
        np.testing.assert_allclose(sizes, np.abs(data.matrix) @ point, rtol=1e-6)
        bound = bound_of(_image(data, point), sizes, *data[1:], 20.0, point)
        plain = data.value(point) - data.gap(point)
        assert plain - 1e-11 * (1 + abs(plain)) <= bound < plain


@pytest.mark.parametrize("seed", range(4))
def test_vanilla_steps_are_those_of_the_plain_method(seed: int) -> None:
    data = _data(seed)
    point = data.vertex()
    gradient = data.gradient(point)
    room = np.empty((1, 5), np.int64), np.empty((1, 14)), np.zeros(1)
    best, best_point = np.array([-np.inf]), np.empty(14)
    kernel.iterate(*data[:3], 0, 12, 0.0, *room, 0, point, gradient, best, best_point, *_room(5))
    np.testing.assert_allclose(point, _plain_frank_wolfe(data, data.vertex(), 12), atol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("seed", "k"), [(0, 1), (1, 3), (2, 7), (3, 13), (4, 14)])
def test_invariants_step_by_step(variant: str, seed: int, k: int) -> None:
    data = _data(seed, k=k)
    point = data.vertex()
    gradient = data.gradient(point)
    room = 1 if variant == "vanilla" else 202
    atoms, images, weights = np.empty((room, k), np.int64), np.empty((room, 14)), np.zeros(room)
    atoms[0], images[0], weights[0] = np.arange(k), data.convex @ point, 1.0
    best, best_point, count = np.array([-np.inf]), np.empty(14), 1
    values, gaps, bests = [data.value(point)], [data.gap(point)], [-np.inf]
    for _ in range(40):
        count, _, taken = kernel.iterate(
            *data[:3], VARIANTS[variant], 5, 1e-9,
            atoms, images, weights, count, point, gradient, best, best_point, *_room(k),
        )  # fmt: skip
        np.testing.assert_allclose(gradient, data.gradient(point), atol=1e-9)
        assert abs(point.sum() - k) < 1e-10
        assert point.min() >= -1e-12
        assert point.max() <= 1 + 1e-12
        assert abs(data.value(best_point) - data.gap(best_point) - best[0]) < 1e-9
        if variant != "vanilla":
            assert abs(weights[:count].sum() - 1) < 1e-12
            rebuilt = np.zeros(14)
            for a in range(count):
                rebuilt[atoms[a]] += weights[a]
            np.testing.assert_allclose(rebuilt, point, atol=1e-10)
        assert data.value(point) <= values[-1] + 1e-12
        assert best[0] >= bests[-1]
        values.append(data.value(point))
        gaps.append(data.gap(point))
        bests.append(float(best[0]))
        if taken < 5:
            break
    assert gaps[-1] <= SHARE_LEFT[variant] * max(1.0, gaps[0])


def test_full_room_ends_it() -> None:
    data = _data(0)
    point = data.vertex()
    gradient = data.gradient(point)
    atoms, images, weights = np.empty((3, 5), np.int64), np.empty((3, 14)), np.zeros(3)
    atoms[0], images[0], weights[0] = np.arange(5), data.convex @ point, 1.0
    count, _, taken = kernel.iterate(
        *data[:3], 1, 50, 0.0, atoms, images, weights, 1, point, gradient,
        np.array([-np.inf]), np.empty(14), *_room(5),
    )  # fmt: skip
    assert count <= 3
    assert taken < 50


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 5, 13, 14])
def test_exchanges_end_at_the_optimum(dtype: type, k: int) -> None:
    groups = SideConstraints(14, k, k).groups
    for seed in range(5):
        data = _data(seed, k=k, dtype=dtype)
        point = _exchanged(data, groups)
        assert data.gap(point) <= 1e-8


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        ((2, 2, 1), (2, 2, 1)),
        ((0, 1, 0), (5, 5, 1)),
        ((1, 0, 0), (2, 4, 4)),
        ((0, 0, 4), (0, 5, 4)),
    ],
)
def test_exchanges_keep_the_limits_of_groups(
    lower: tuple[int, ...], upper: tuple[int, ...]
) -> None:
    group = np.arange(14) % 3
    groups = Groups(group, np.array(lower), np.array(upper), 5, 5)
    for seed in range(5):
        data = _data(seed)
        point = _exchanged(data, groups)
        sums = np.bincount(group, point)
        assert (sums >= np.array(lower) - 1e-12).all()
        assert (sums <= np.array(upper) + 1e-12).all()
        gradient = data.gradient(point)
        assert gradient @ point - GroupedHypersimplex(groups, 5).least(gradient) <= 1e-8


def _exchanged(data: Data, groups: Groups) -> Floats:
    """Move mass until no pair helps, each time with a look at what has become of it."""
    share, limits = spread(groups, data.k)
    point = (share / groups.sizes)[groups.group]
    gradient = data.gradient(point)
    curvature = data.convex.diagonal().copy()
    value = data.value(point)
    for _ in range(2000):
        done = kernel.exchange(
            data.matrix, data.diagonal, curvature, 1, 1e-10, point, gradient, *limits
        )
        assert data.value(point) <= value + 1e-12
        value = data.value(point)
        if not done:
            break
    assert not done
    assert abs(point.sum() - data.k) < 1e-10
    assert point.min() >= 0
    assert point.max() <= 1
    np.testing.assert_allclose(gradient, data.gradient(point), atol=1e-9)
    return point
