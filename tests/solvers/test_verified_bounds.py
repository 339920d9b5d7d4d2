"""Semidefinite bounds against rational arithmetic: no rounding puts one above what it proves."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from subsetopt.solvers.relaxations._face import Face, LinearRows
from subsetopt.solvers.relaxations._semidefinite import SemidefiniteRelaxation
from subsetopt.solvers.relaxations._verified_eigenvalue import least_eigenvalue
from subsetopt.verify import _dual_leaves

Exact = list[list[Fraction]]


def exact(matrix: NDArray[np.float64]) -> Exact:
    return [[Fraction(entry) for entry in row] for row in matrix.tolist()]


def is_semidefinite(matrix: Exact) -> bool:
    """Eliminate in rational numbers."""
    rest = [row[:] for row in matrix]
    for i in range(len(rest)):
        pivot = rest[i][i]
        if pivot < 0 or (pivot == 0 and any(rest[i][i:])):
            return False
        for j in range(i + 1, len(rest) if pivot else 0):
            factor = rest[j][i] / pivot
            rest[j] = [a - factor * b for a, b in zip(rest[j], rest[i], strict=True)]
    return True


def less(matrix: Exact, shift: Fraction) -> Exact:
    return [
        [entry - (shift if i == j else 0) for j, entry in enumerate(row)]
        for i, row in enumerate(matrix)
    ]


def symmetric(seed: int, n: int, kind: str) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(n, n))
    if kind == "singular":
        return np.asarray(rows[:, :2] @ rows[:, :2].T)
    if kind == "integers":
        rows = generator.integers(-3, 4, (n, n)).astype(float)
    scale = 2.0 ** generator.integers(-30, 30, n) if kind == "graded" else np.ones(n)
    return np.asarray((rows + rows.T) * np.outer(scale, scale))


@pytest.mark.parametrize("kind", ["any", "singular", "integers", "graded"])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 7))
def test_no_eigenvalue_is_below_the_bound(kind: str, seed: int, n: int) -> None:
    matrix = symmetric(seed, n, kind)
    bound = least_eigenvalue(matrix)
    lower = np.tril(matrix)
    assert is_semidefinite(less(exact(lower + np.tril(lower, -1).T), Fraction(bound)))
    size = float(np.abs(matrix).sum())
    assert float(np.linalg.eigvalsh(matrix)[0]) - bound <= 1e-12 * size


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 7), shift=st.integers(-40, 40))
def test_the_checker_bounds_an_eigenvalue(seed: int, n: int, shift: int) -> None:
    matrix = symmetric(seed, n, "integers").astype(int).tolist()
    for i in range(n):
        matrix[i][i] += shift
    bound = _dual_leaves.least_eigenvalue(matrix)
    if bound is not None:
        assert bound <= 0
        assert is_semidefinite(less([[Fraction(a) for a in row] for row in matrix], bound))


def test_pure_python_and_numpy_factorise_alike() -> None:
    for seed in range(20):
        matrix = symmetric(seed, 6, "any") + 3.5 * np.eye(6)
        rows = matrix.tolist()
        assert _dual_leaves.factored(rows) == _dual_leaves._factored(rows)


def test_what_is_not_finite_has_no_bound() -> None:
    assert least_eigenvalue(np.full((2, 2), np.nan)) == -np.inf
    assert least_eigenvalue(np.full((2, 2), np.inf)) == -np.inf
    assert least_eigenvalue(np.zeros((3, 3))) == 0.0


def proven_exactly(
    relaxation: SemidefiniteRelaxation, costs: Exact, k: int, bound: Fraction
) -> bool:
    """Whether the multipliers prove a bound, in rational numbers."""
    given, n = relaxation.multipliers, len(costs)
    y = [Fraction(a) for a in given.y.tolist()]
    rest = [
        [costs[i][j] - (y[i] + y[j]) / 2 + (k * y[i] if i == j else 0) for j in range(n)]
        for i in range(n)
    ]
    lower: Any = given.N.tolist()
    for i in range(n):
        for j in range(i + 1):
            rest[i][j] -= Fraction(lower[i][j])
            rest[j][i] = rest[i][j]
    sides = Fraction(0)
    for (kind, a, b, c), z in zip(given.rows.tolist(), given.z.tolist(), strict=True):
        sides += Fraction(z) * (kind % 2)
        for i, j, twice in _dual_leaves.left_side(kind, a, b, c):
            rest[i][j] += Fraction(z) * twice / 2
            rest[j][i] = rest[i][j]
    return is_semidefinite(less(rest, (bound + sides) / k))


@pytest.mark.parametrize("scale", [1.0, 1e-9, 3e12])
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(5, 8))
def test_the_multipliers_prove_the_bound_without_rounding(scale: float, seed: int, n: int) -> None:
    matrix, k = scale * symmetric(seed, n, "any"), 2 + seed % (n - 3)
    relaxation = SemidefiniteRelaxation(matrix, k)
    relaxation.run(30)
    relaxation.tighten(40)
    relaxation.run(40)
    assert proven_exactly(relaxation, exact(matrix), k, Fraction(relaxation.bound))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_face_is_bounded_without_rounding(seed: int) -> None:
    """What equations add is zero at every selection, so that the bound holds for all of those."""
    generator = np.random.default_rng(seed)
    matrix, k = symmetric(seed, 8, "any"), 4
    groups = np.repeat([0, 1, 2, 3], 2)[generator.permutation(8)]
    equal = np.array([groups == g for g in range(3)], float)
    face = Face.of(LinearRows(equal, np.ones(3), np.empty((0, 8)), np.empty(0)), k)
    assert face is not None
    least = Fraction(face.least(matrix))
    whole = exact(matrix)
    for picks in np.ndindex(2, 2, 2, 2):
        chosen = [int(np.flatnonzero(groups == g)[pick]) for g, pick in enumerate(picks)]
        assert least * k <= sum(whole[i][j] for i in chosen for j in chosen)
    seen = np.linalg.eigvalsh(face.seen(matrix) + 1e3 * face.Q @ face.Q.T)[0]
    assert float(least) == pytest.approx(float(seen), abs=1e-9 * float(np.abs(matrix).sum()))
