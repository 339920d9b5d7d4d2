"""The compiled loops of partitions against NumPy twins and brute force."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt import Gaussian, Polynomial
from subsetopt._kernels import even_parts, part_swaps
from subsetopt._kernels._tiers import seeded
from subsetopt._kernels.quadratic_descent import BLOCK
from subsetopt.problems._kernel_products import kernel_products
from subsetopt.sequencing import _part_search


class Case:
    """A random block of units in parts, all of it in the arrays that the kernels take."""

    def __init__(self, m: int, p: int, *, equal: bool, dtype: Any = np.float64, seed: int = 0):
        generator = np.random.default_rng([seed, m, p, equal])
        points = generator.normal(size=(m, 3))
        self.mass = np.ones(m) if equal else generator.integers(1, 4, m).astype(np.float64)
        K = np.exp(-0.5 * np.square(points[:, None] - points[None]).sum(axis=2))
        self.matrix = (K * np.outer(self.mass, self.mass)).astype(dtype)
        self.kinds = generator.integers(0, 3, m)
        self.demands = np.column_stack([np.ones(3, np.int64), np.eye(3, dtype=np.int64)])
        self.part = generator.permutation(np.arange(m) % p)
        self.low, self.high = np.zeros((p, 4), np.int64), np.full((p, 4), m)
        self.equal = equal
        self.counts = self.recounted()
        self.potentials, self.sizes, self.sums = self.recomputed()

    def recounted(self) -> NDArray[np.int64]:
        p = len(self.low)
        return np.array([self.demands[self.kinds[self.part == a]].sum(axis=0) for a in range(p)])

    def recomputed(self) -> tuple[NDArray[np.float64], ...]:
        marks = np.eye(len(self.low))[self.part]
        potentials = np.ascontiguousarray(marks.T @ self.matrix.astype(np.float64))
        return potentials, marks.T @ self.mass, np.einsum("pm,mp->p", potentials, marks)

    def value(self) -> float:
        _, sizes, sums = self.recomputed()
        return float((sums / sizes).sum())

    def changing(self) -> tuple[NDArray[Any], ...]:
        return self.part, self.potentials, self.sizes, self.sums, self.counts

    def fixed(self) -> tuple[NDArray[Any], ...]:
        return self.matrix, self.mass, self.kinds, self.demands, self.low, self.high

    def descend(self, turn: int = 0, idle: int = 0, most: int = 10**6) -> tuple[int, int]:
        bits, p = np.empty(BLOCK + 1, np.int64), len(self.low)
        room = (np.zeros((2, len(self.part))), np.zeros((2, p)), bits.view(np.float64), bits)
        passive = int(self.sizes.argmax())
        ended: tuple[int, int] = part_swaps.descend(
            *self.fixed(), self.equal, passive, 1e-12, turn, idle, most, *self.changing(), *room
        )
        return ended

    def check(self) -> None:
        """The sums are those of the parts as they are."""
        tolerance = 1e-5 if self.matrix.dtype == np.float32 else 1e-11
        for held, wanted in zip(self.changing()[1:4], self.recomputed(), strict=True):
            np.testing.assert_allclose(held, wanted, rtol=tolerance)
        np.testing.assert_array_equal(self.counts, self.recounted())

    def gains(self) -> list[float]:
        """What each swap that the counts allow changes the value by."""
        before, found, m = self.value(), [], len(self.part)
        for i, j in product(range(m), range(m)):
            a, b = self.part[i], self.part[j]
            if i < j and a != b:
                self.part[i], self.part[j] = b, a
                counts = self.recounted()
                if (counts >= self.low).all() and (counts <= self.high).all():
                    found.append(self.value() - before)
                self.part[i], self.part[j] = a, b
        return found


def test_the_search_knows_the_size_of_the_workspace() -> None:
    assert _part_search._KEYS == BLOCK


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_descent_ends_where_no_swap_helps(equal: bool, dtype: Any) -> None:
    case = Case(24, 3, equal=equal, dtype=dtype)
    before = case.value()
    turn, idle = case.descend()
    assert idle == 24 < turn
    case.check()
    assert case.value() < before
    assert min(case.gains()) > -1e-9


@pytest.mark.parametrize("equal", [True, False])
def test_counts_stay_within_their_limits(equal: bool) -> None:
    case = Case(24, 3, equal=equal)
    slack = np.array([0, 1, 1, 1])
    case.low, case.high = case.counts - slack, case.counts + slack
    case.descend()
    case.check()
    assert (case.counts >= case.low).all()
    assert (case.counts <= case.high).all()
    assert min(case.gains()) > -1e-9
    case.low, case.high = case.counts.copy(), case.counts.copy()
    part_swaps.shake(*case.fixed(), seeded(0), 20, *case.changing())
    case.check()
    np.testing.assert_array_equal(case.counts, case.low)


def test_a_descent_in_pieces_is_the_same() -> None:
    whole, parted = Case(40, 3, equal=True), Case(40, 3, equal=True)
    turn = idle = 0
    while idle < 40:
        turn, idle = parted.descend(turn, idle, turn + 7)
    assert (turn, idle) == whole.descend()
    np.testing.assert_array_equal(parted.part, whole.part)


def test_more_units_than_are_worked_on_at_once() -> None:
    case = Case(BLOCK + 76, 2, equal=True)
    case.descend(most=300)
    case.check()


def test_shaking_swaps_and_keeps_the_sums() -> None:
    case = Case(30, 3, equal=False)
    before = case.part.copy()
    part_swaps.shake(*case.fixed(), seeded(1), 5, *case.changing())
    assert 0 < np.count_nonzero(case.part != before) <= 10
    case.check()


@pytest.mark.parametrize("seed", range(4))
def test_evening_out_ends_where_no_move_and_no_swap_helps(seed: int) -> None:
    generator = np.random.default_rng(seed)
    demands = np.unique(generator.integers(1, 9, (6, 3)), axis=0)
    kinds, p = generator.integers(0, len(demands), 14), 3
    target = np.outer([0.5, 0.3, 0.2], demands[kinds].sum(axis=0))
    held, counts = np.zeros((p, len(demands)), np.int64), np.zeros((p, 3), np.int64)
    many, weights = np.zeros(p, np.int64), 1 / target
    even_parts.deal_out(kinds, demands, target, weights, held, counts, many)
    assert held.sum(axis=0).tolist() == np.bincount(kinds, minlength=len(demands)).tolist()
    order = generator.permutation(held.size)
    room = np.zeros((2, 3))
    assert even_parts.even_out(order, demands, target, weights, 10**6, held, counts, many, room)
    np.testing.assert_array_equal(counts, held @ demands)
    np.testing.assert_array_equal(many, held.sum(axis=1))
    assert many.min() > 0

    def value(counts: NDArray[np.int64]) -> float:
        return float((weights * np.square(counts - target)).sum())

    for a, b in product(range(p), range(p)):
        for k in np.flatnonzero(held[a]):
            for back in [None, *np.flatnonzero(held[b])]:
                if a != b and (back is not None or many[a] > 1):
                    change = demands[k] - (0 if back is None else demands[back])
                    other = counts.copy()
                    other[a] -= change
                    other[b] += change
                    assert value(other) > value(counts) - 1e-8


def test_no_part_stays_empty() -> None:
    demands, target = np.array([[10]]), np.array([[21.0], [4.5], [4.5]])
    held, counts, many = np.zeros((3, 1), np.int64), np.zeros((3, 1), np.int64), np.zeros(3, int)
    even_parts.deal_out(np.zeros(3, np.int64), demands, target, 1 / target, held, counts, many)
    assert many.tolist() == [1, 1, 1]


@pytest.mark.parametrize("kernel", [Gaussian(1.0), Polynomial(degree=2, coef0=-0.5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products(kernel: Any, dtype: Any) -> None:
    generator = np.random.default_rng(0)
    X, V = generator.normal(size=(1100, 3)).astype(dtype), generator.random((1100, 5))
    told: list[tuple[int, int]] = []
    one = kernel_products(kernel, X, V, 1, lambda *far: told.append(far), alone=2)
    np.testing.assert_allclose(one, kernel(X, X) @ V, rtol=1e-5 if dtype == np.float32 else 1e-12)
    assert [done for done, _ in told] == [0, 2 * kernel.block, 1100]
    np.testing.assert_array_equal(kernel_products(kernel, X, V, 3, alone=2), one)
    np.testing.assert_array_equal(kernel_products(kernel, X, V[:, :2], 1, alone=2), one[:, :2])
