"""Triangle inequalities: against their formulas and by brute force."""

from itertools import combinations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import triangles
from subsetopt.solvers.relaxations._semidefinite import Iterate, squared_norm

ROOM = 10_000


def inequalities(n: int) -> NDArray[np.int32]:
    """All of them, in no particular order."""
    pairs = list(combinations(range(n), 2))
    rows = [(0, i, *pair) for i in range(n) for pair in pairs if i not in pair]
    rows += [(1, *three) for three in combinations(range(n), 3)]
    rows += [(2, i, j, j) for i, j in product(range(n), repeat=2) if i != j]
    rows += [(3, i, j, j) for i, j in pairs]
    return np.array(rows, np.int32)


def left(X: NDArray[np.float64], row: NDArray[np.int32]) -> float:
    kind, i, j, l = row.tolist()  # noqa: E741
    match kind:
        case 0:
            return float(X[i, j] + X[i, l] - X[j, l] - X[i, i])
        case 1:
            return float(np.trace(X[np.ix_([i, j, l], [i, j, l])]) - X[i, j] - X[i, l] - X[j, l])
        case 2:
            return float(X[i, j] - X[i, i])
        case _:
            return float(X[i, i] + X[j, j] - X[i, j])


def matrix(seed: int, n: int = 7) -> NDArray[np.float64]:
    part = np.random.default_rng(seed).uniform(size=(n, n))
    return (part + part.T) / 2


def test_every_selection_keeps_them() -> None:
    rows = inequalities(5)
    out = np.empty(len(rows))
    for bits in product((0.0, 1.0), repeat=5):
        triangles.violations(np.outer(bits, bits), rows, out)
        assert out.max() <= 0.0


@pytest.mark.parametrize("seed", range(5))
def test_violations_are_left_less_right(seed: int) -> None:
    X, rows = matrix(seed), inequalities(7)
    out = np.empty(len(rows))
    triangles.violations(X, rows, out)
    expected = [left(X, row) - (row[0] % 2) for row in rows]
    np.testing.assert_allclose(out, expected, atol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_combine_is_the_adjoint(seed: int) -> None:
    X, rows = matrix(seed), inequalities(7)
    z = np.random.default_rng(seed).exponential(size=len(rows))
    combined = np.full_like(X, np.nan)
    triangles.combine(rows, z, combined)
    np.testing.assert_array_equal(combined, combined.T)
    expected = sum(weight * left(X, row) for weight, row in zip(z, rows, strict=True))
    assert np.vdot(combined, X) == pytest.approx(expected)


@pytest.mark.parametrize("least", [0.01, 0.2])
@pytest.mark.parametrize("seed", range(5))
def test_separate_finds_all_that_are_violated(seed: int, least: float) -> None:
    X = matrix(seed)
    rows, amounts = np.empty((ROOM, 4), np.int32), np.empty(ROOM)
    count = triangles.separate(X, least, rows, amounts)
    expected = {
        tuple(row.tolist()): left(X, row) - row[0] % 2
        for row in inequalities(7)
        if left(X, row) - row[0] % 2 > least
    }
    assert expected
    found = dict(zip(map(tuple, rows[:count].tolist()), amounts[:count].tolist(), strict=True))
    assert found == pytest.approx(expected)


def test_separate_stops_when_there_is_no_room() -> None:
    rows, amounts = np.empty((3, 4), np.int32), np.empty(3)
    assert triangles.separate(matrix(0), 0.0, rows, amounts) == 3


def test_without_renames_and_drops() -> None:
    rows = np.array([[0, 1, 2, 4], [1, 0, 3, 4], [2, 3, 0, 0]], np.int32)
    X, S, N = (matrix(seed, 5) for seed in range(3))
    left = Iterate(X, S, N, rows, np.array([1.0, 2.0, 3.0])).without(3, 2)
    assert left.rows.tolist() == [[0, 1, 2, 3]]
    assert left.multipliers.tolist() == [1.0]
    assert rows.tolist() == [[0, 1, 2, 4], [1, 0, 3, 4], [2, 3, 0, 0]]
    assert np.trace(left.X) == pytest.approx(2.0)


def test_the_norm_is_that_of_the_map() -> None:
    rows = inequalities(5)[::3].copy()
    images = []
    for t in range(len(rows)):
        unit, image = np.zeros(len(rows)), np.empty((5, 5))
        unit[t] = 1.0
        triangles.combine(rows, unit, image)
        images.append(image.ravel())
    expected = np.linalg.norm(np.array(images), 2) ** 2
    assert squared_norm(rows, np.empty((5, 5)), 200) == pytest.approx(expected, rel=1e-3)
