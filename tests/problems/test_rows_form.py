"""MMD selection without its kernel matrix: the same problem, from rows that are computed."""

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.problems._computed_rows import ComputedRows
from subsetopt.problems._kernel_matrices import pair_sums

LIMIT = 2_500_000  # bytes: too few for 600 x 600 in float64, enough for what computes its rows
KERNELS = [so.Gaussian(), so.Laplace(), so.Polynomial(degree=2), so.Linear(), np.inner]


def cloud(seed: int = 0, n: int = 600, d: int = 3) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d)) + 1.0


def pair(**given: Any) -> tuple[so.MMDSelection, so.MMDSelection]:
    """Return a problem whose rows are computed, and the same with its matrix."""
    X, k = given.pop("X", cloud()), given.pop("k", 40)
    rows = so.MMDSelection(X, k, memory_limit=LIMIT, **given)
    held = so.MMDSelection(X, k, **given)
    assert rows.rows_form is not None
    assert held.rows_form is None
    return rows, held


@pytest.mark.parametrize(
    "given",
    [
        *({"kernel": kernel} for kernel in KERNELS),
        {"selected": cloud(1, 30)},
        {"target": cloud(2, 50)},
        {"target": cloud(2, 50), "target_weights": np.arange(50.0), "selected": cloud(1, 30)},
        {"weights": np.arange(600.0)},
        {"weights": np.arange(600.0), "selected": cloud(1, 30)},
        {"formulation": "published"},
    ],
    ids=lambda given: "-".join(map(str, given)),
)
def test_the_same_problem(given: dict[str, Any]) -> None:
    rows, held = pair(**given)
    for seed in range(3):
        chosen = held.draw(np.random.default_rng(seed))
        wanted = held.objective(chosen)
        # Polynomials of the held matrix are as far from 0 as their values are large.
        scale = held.rounding(chosen) + 1e-12 * abs(wanted)
        assert rows.objective(chosen) == pytest.approx(wanted, abs=scale)
        assert rows.mmd_squared(chosen) == pytest.approx(held.mmd_squared(chosen), abs=scale)
        assert 0 <= rows.rounding(chosen) < np.inf
    # Of a function nothing is known, and 600 rows are not all looked at.
    if given.get("kernel") is not np.inner:
        assert rows.lower_bound() == held.lower_bound()
    assert "rows computed" in repr(rows)


def test_of_single_precision_the_rounding_is_known() -> None:
    X = cloud(3, 700).astype(np.float32)
    rows = so.MMDSelection(X, 40, memory_limit=1_500_000)
    exact = so.MMDSelection(X.astype(np.float64), 40, kernel=rows.kernel)
    assert rows.rows_form is not None
    chosen = exact.draw(np.random.default_rng(0))
    difference = abs(rows.objective(chosen) - exact.objective(chosen))
    assert difference < 1e-6 < rows.rounding(chosen) < 1e-3


def test_what_is_asked_of_the_matrix_is_refused_with_what_does_without() -> None:
    rows, _ = pair()
    with pytest.raises(so.TooLarge, match=r"600 x 600 kernel matrix .*'tabu', 'swap', 'herding'"):
        rows.quadratic_form()
    for solver in ("greedy", "frank-wolfe", "branch-and-bound"):
        with pytest.raises(so.TooLarge, match="coreset"):
            so.solve(rows, solver)
    with pytest.raises(so.TooLarge, match="bound='none'"):
        so.solve(rows, "herding", bound="fw")


def test_what_does_not_fit_either_way() -> None:
    with pytest.raises(so.TooLarge, match=r"600 x 600 kernel matrix in float64 .*memory_limit"):
        so.MMDSelection(cloud(), 40, memory_limit=100_000)


def test_functions_are_looked_at_on_some_points() -> None:
    def lopsided(X: NDArray[Any], Y: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(X[:, :1] - Y[:, 0])

    with pytest.raises(so.InvalidProblem, match="not symmetric"):
        so.MMDSelection(cloud(), 40, kernel=lopsided, memory_limit=LIMIT)
    with pytest.raises(so.InvalidProblem, match="not positive semidefinite"):
        so.MMDSelection(cloud(), 40, kernel=lambda X, Y: -np.inner(X, Y), memory_limit=LIMIT)
    with pytest.raises(so.InvalidProblem, match="cannot tell its values apart"):
        so.MMDSelection(1e-160 * cloud(), 40, kernel="linear", memory_limit=LIMIT)


def test_it_is_restored_as_it_was() -> None:
    rows, held = pair(constraints=so.Constraints(include=[3]))
    again = pickle.loads(pickle.dumps(rows))
    assert again == rows
    assert again.rows_form is not None
    assert rows == held  # the same mathematics
    chosen = rows.draw(np.random.default_rng(0))
    assert again.objective(chosen) == rows.objective(chosen)


def test_rows_are_added_up_in_view() -> None:
    seen: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == 2:
            raise KeyboardInterrupt

    X = cloud(4, 20_000, 2).astype(np.float32)
    with pytest.raises(KeyboardInterrupt):
        so.MMDSelection(X, 5, memory_limit=10**7, progress=stop)
    assert seen[0] == (0, 20_000**2)
    assert 0 < seen[1][0] < 20_000**2


def test_what_the_form_is_made_of() -> None:
    X = cloud(5, 90)
    kernel = so.Gaussian().fitted(X)
    K = kernel(X, X)
    computed = ComputedRows(X, kernel)
    some, others = np.array([70, 3, 8]), np.array([1, 50])
    np.testing.assert_allclose(computed.rows(some), K[some], rtol=1e-12)
    np.testing.assert_allclose(computed.row_sums(), K.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(
        computed.sums_with(some, others), K[np.ix_(some, others)].sum(axis=1)
    )
    assert computed.total(some) == pytest.approx(K[np.ix_(some, some)].sum())
    np.testing.assert_allclose(computed.among(some).held(), K[np.ix_(some, some)], rtol=1e-12)


@pytest.mark.parametrize("threads", [1, 3])
def test_sums_of_both_sides(threads: int) -> None:
    X, Y = cloud(6, 1100), cloud(7, 700)
    kernel = so.Laplace(scale=2.0)
    K = kernel(X, Y)
    for found, axis in zip(pair_sums(kernel, X, Y, threads), (1, 0), strict=True):
        np.testing.assert_allclose(found, K.sum(axis=axis), rtol=1e-12)


def test_fixing_rows_leaves_the_value() -> None:
    rows, _ = pair()
    form = rows.rows_form
    assert form is not None
    taken, free = np.arange(0, 20), np.arange(20, 300)
    left = form.fixed(free, taken)
    assert left.k == 20
    for chosen in (np.arange(20), np.arange(100, 120)):
        whole = np.concatenate([taken, free[chosen]])
        wanted = form.lift(form.value(whole))
        assert left.lift(left.value(chosen)) == pytest.approx(wanted, abs=1e-12)
        held = left.held()
        assert held.lift(held.value(chosen)) == pytest.approx(wanted, abs=1e-12)
