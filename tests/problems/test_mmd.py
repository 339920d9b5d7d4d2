"""MMD selection against its definition, and what is refused."""

import copy
import dataclasses
import math
import pickle
import re
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.problems import _kernel_matrices
from subsetopt.testing import assert_solver_contract

few = settings(deadline=None, derandomize=True, max_examples=25)
NAMES = ["gaussian", "laplace", "polynomial", "linear"]


def cloud(seed: int, n: int, d: int = 3, dtype: Any = np.float64) -> NDArray[Any]:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


def function(X: NDArray[Any], Y: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(1 / (1 + np.abs(X[:, None, 0] - Y[None, :, 0])))


def definition(K: NDArray[Any], with_selected: Any, rest: Any) -> float:
    """Return a'Ka, a being + 1 / size on one side and - 1 / size on the other."""
    a = np.zeros(len(K))
    a[np.asarray(with_selected)] = 1 / len(with_selected)
    a[np.asarray(rest)] = -1 / len(rest)
    return float(a @ K.astype(np.float64) @ a)


def whole_kernel(problem: so.MMDSelection) -> NDArray[Any]:
    """Return the kernel of candidates and selected together, float64."""
    X = problem.candidates
    P = X[:0] if problem.selected is None else problem.selected
    both = np.concatenate([X, P])
    assert callable(problem.kernel)
    return np.asarray(problem.kernel(both, both), dtype=np.float64)


# -- the objective ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [*NAMES, function])
@pytest.mark.parametrize("formulation", ["true", "published"])
@given(seed=st.integers(0, 10_000), n=st.integers(2, 9), m=st.integers(0, 5), data=st.data())
@few
def test_features(kernel: Any, formulation: Any, seed: int, n: int, m: int, data: Any) -> None:
    k = data.draw(st.integers(1, n - 1))
    problem = so.MMDSelection(
        cloud(seed, n), k, selected=cloud(seed + 1, 5)[:m], kernel=kernel, formulation=formulation
    )
    K = whole_kernel(problem)
    chosen = problem.draw(np.random.default_rng(seed))
    rest = np.setdiff1d(np.arange(n), chosen)
    size = np.abs(K).max()
    wanted = definition(K, [*chosen, *range(n, n + m)], rest)
    assert problem.mmd_squared(chosen) == pytest.approx(wanted, abs=1e-12 * size)
    if formulation == "published":
        wanted = as_printed(K, n, chosen)
        assert problem.objective(chosen) == pytest.approx(wanted, abs=1e-12 * size * (n + m) ** 2)
    form = problem.quadratic_form()
    value = form.lift(form.value(form.rows(problem.check(chosen))))
    assert problem.objective(chosen) == (value if formulation == "published" else max(0.0, value))


def as_printed(K: NDArray[Any], n: int, chosen: NDArray[Any]) -> float:
    """Return Eq. 5 with the definitions of Eq. 6, term by term; candidates come first in K."""
    total, k = len(K), len(chosen)
    n_p, n_q = total - n, n
    m = np.isin(np.arange(n), chosen).astype(float)
    phi_1 = K[:n, :n]
    phi_2 = (n_p + k) / total * np.array([sum(K[i, j] for j in range(n)) for i in range(n)])
    phi_3 = (n_q - k) / total * np.array([sum(K[i, j] for j in range(n, total)) for i in range(n)])
    return float(m @ phi_1 @ m - phi_2 @ m + phi_3 @ m)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("copies", [True, False])
@given(seed=st.integers(0, 10_000), n=st.integers(2, 12), data=st.data())
@few
def test_precomputed(dtype: Any, copies: bool, seed: int, n: int, data: Any) -> None:
    m = data.draw(st.integers(0, n - 2))
    k = data.draw(st.integers(1, n - m - 1))
    X = cloud(seed, n)
    K = so.Gaussian(scale=1.5)(X, X)
    K = np.maximum(K, K.T).astype(dtype)
    before = np.random.default_rng(seed).permutation(n)[:m]
    problem = so.MMDSelection(K, k, selected=before, kernel="precomputed", copy=copies)
    chosen = problem.draw(np.random.default_rng(seed))
    rest = np.setdiff1d(np.arange(n), [*chosen, *before])
    assert problem.n == n
    assert not set(chosen) & set(before)
    wanted = definition(K, [*chosen, *before], rest)
    assert problem.objective(chosen) == pytest.approx(wanted, abs=1e-12)
    form = problem.quadratic_form()
    assert form.matrix.dtype == dtype
    assert form.linear.dtype == np.float64
    assert form.semidefinite
    rows = form.rows(problem.check(chosen))
    assert problem.objective(chosen) == max(0.0, form.lift(form.value(rows)))
    np.testing.assert_array_equal(form.indices(rows), np.sort(chosen))
    if m:
        np.testing.assert_array_equal(form.positions, np.setdiff1d(np.arange(n), before))
    else:
        assert form.positions is None
        assert copies or np.shares_memory(form.matrix, K)


def test_single_precision_features() -> None:
    for name in NAMES:
        problem = so.MMDSelection(
            cloud(0, 8, dtype=np.float32), 3, selected=cloud(1, 4, dtype=np.float32), kernel=name
        )
        assert problem.quadratic_form().matrix.dtype == np.float32
        K = whole_kernel(problem)
        wanted = definition(K, [0, 2, 5, 8, 9, 10, 11], [1, 3, 4, 6, 7])
        assert problem.objective([5, 0, 2]) == pytest.approx(wanted, abs=3e-6 * K.max())


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (np.float32, np.float32, np.float32),
        (np.float16, None, np.float32),
        (np.float32, np.float64, np.float64),
        (np.float64, np.float32, np.float64),
        (np.int64, np.float32, np.float64),
        (np.uint8, None, np.float64),
    ],
)
def test_dtypes(first: Any, second: Any, wanted: Any) -> None:
    X = np.arange(8).reshape(4, 2).astype(first)
    P = None if second is None else np.ones((2, 2), second)
    problem = so.MMDSelection(X, 2, selected=P)
    assert problem.candidates.dtype == wanted
    assert problem.quadratic_form().matrix.dtype == wanted
    assert problem.selected is None or problem.selected.dtype == wanted


def test_one_feature_is_a_column() -> None:
    values = [0.0, 1.0, 5.0, 7.0]
    column = np.reshape(values, (-1, 1))
    assert so.MMDSelection(values, 2) == so.MMDSelection(column, 2)
    assert so.MMDSelection(values, 2, [1.0]) == so.MMDSelection(column, 2, [[1.0]])


def test_the_median_is_over_candidates_and_selected() -> None:
    X, P = cloud(0, 5), cloud(1, 4) + 3
    problem = so.MMDSelection(X, 2, selected=P)
    assert problem.kernel == so.Gaussian().fitted(np.concatenate([X, P]))
    assert problem.kernel != so.Gaussian().fitted(X)


def test_constant_kernels_and_duplicates() -> None:
    for X in (np.full((6, 2), 0.1), np.full((6, 1), 1e10, dtype=np.float32)):
        problem = so.MMDSelection(X, 3, selected=X[:2])
        assert problem.kernel == so.Gaussian(scale=1.0)
        for chosen in combinations(range(6), 3):
            assert problem.objective(chosen) == pytest.approx(0.0, abs=1e-15)
    problem = so.MMDSelection(np.repeat(cloud(2, 3), 2, axis=0), 3)
    assert problem.objective([0, 2, 4]) == pytest.approx(0.0, abs=1e-15)
    assert problem.objective([0, 1, 2]) > 1e-3


def test_roots() -> None:
    X, P = cloud(3, 7), cloud(4, 2)
    problem = so.MMDSelection(X, 3, selected=P, kernel="linear", formulation="published")
    near = np.concatenate([X[[0, 4, 6]], P]).mean(axis=0)
    rest = X[[1, 2, 3, 5]].mean(axis=0)
    whole = np.concatenate([X, P]).mean(axis=0)
    chosen = [0, 4, 6]
    assert problem.mmd_squared(chosen) == pytest.approx(((near - rest) ** 2).sum(), rel=1e-12)
    assert problem.root_mmd(chosen) == pytest.approx(np.linalg.norm(near - rest), rel=1e-12)
    wanted = np.linalg.norm(near - whole)
    assert problem.root_mmd(chosen, to="whole") == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(so.InvalidSelection, match="'rest' or 'whole'"):
        problem.root_mmd(chosen, to="all")  # type: ignore[arg-type]


def test_the_printed_equation_has_another_minimiser() -> None:
    X = cloud(5, 10, d=2)
    true = so.MMDSelection(X, 3)
    published = so.MMDSelection(X, 3, formulation="published")
    everyone = list(combinations(range(10), 3))
    best = min(map(true.objective, everyone))
    printed = min(everyone, key=published.objective)
    assert published.objective(printed) <= published.objective(min(everyone, key=true.objective))
    assert true.objective(printed) > 2 * best
    assert true.objective(printed) == published.mmd_squared(printed)


def test_folded_is_equation_8() -> None:
    X, P = cloud(6, 6), cloud(7, 3)
    problem = so.MMDSelection(X, 2, selected=P, formulation="published")
    K = whole_kernel(problem)
    wanted = K[:6, :6].copy()
    wanted[np.diag_indices(6)] += 4 / 9 * K[:6, 6:].sum(axis=1) - 5 / 9 * K[:6, :6].sum(axis=1)
    np.testing.assert_allclose(problem.quadratic_form().folded(), wanted, atol=1e-13)
    for chosen in combinations(range(6), 2):
        block = problem.quadratic_form().folded()[np.ix_(chosen, chosen)]
        assert block.sum() == pytest.approx(problem.objective(chosen), abs=1e-13)


def test_bounds() -> None:
    X = cloud(8, 6)
    assert so.MMDSelection(X, 2).lower_bound() == Fraction(0)
    assert so.MMDSelection(X, 2, formulation="published").lower_bound() is None
    assert so.MMDSelection(X, 2).exact_objective([0, 1]) is None
    for name in NAMES:
        assert so.MMDSelection(X, 2, kernel=name).quadratic_form().semidefinite


def test_without_a_proof_of_definiteness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kernel_matrices, "_FACTORISED", 3)
    K = np.eye(5) - 0.5 * (np.ones((5, 5)) - np.eye(5))  # smallest eigenvalue -1, minors positive
    problem = so.MMDSelection(K, 2, kernel="precomputed")
    assert problem.lower_bound() is None
    assert not problem.quadratic_form().semidefinite
    monkeypatch.setattr(_kernel_matrices, "_FACTORISED", 5)
    with pytest.raises(so.InvalidProblem, match="smallest eigenvalue is -1"):
        so.MMDSelection(K, 2, kernel="precomputed")


# -- identity --------------------------------------------------------------------------------------


def test_equality() -> None:
    X = cloud(9, 6)
    problem = so.MMDSelection(X, 2)
    same = so.MMDSelection(X.copy(), 2, selected=[], kernel=so.Gaussian())
    assert problem == same
    assert hash(problem) == hash(same)
    K = np.array(problem.quadratic_form().matrix)
    others = [
        so.MMDSelection(X, 3),
        so.MMDSelection(X, 2, selected=X[:1]),
        so.MMDSelection(X, 2, kernel="linear"),
        so.MMDSelection(X, 2, kernel=so.Gaussian(1.0)),
        so.MMDSelection(X, 2, formulation="published"),
        so.MMDSelection(X.astype(np.float32), 2),
        so.MMDSelection(X, 2, kernel=function),
        so.MMDSelection(K, 2, kernel="precomputed"),
        so.MMDSelection(K, 2, kernel="precomputed", selected=[1]),
    ]
    assert len({problem, *others}) == len(others) + 1
    assert problem != "mmd"


@pytest.mark.parametrize(
    "problem",
    [
        so.MMDSelection(cloud(0, 5), 2, selected=cloud(1, 2), memory_limit=10**6),
        so.MMDSelection(cloud(0, 5), 2, kernel=function, formulation="published"),
        so.MMDSelection(np.eye(5), 2, selected=[3], kernel="precomputed"),
    ],
    ids=["two clouds", "a function", "a matrix"],
)
def test_copies(problem: so.MMDSelection) -> None:
    for again in (pickle.loads(pickle.dumps(problem)), copy.deepcopy(problem)):
        assert again == problem
        assert again.memory_limit == problem.memory_limit
        assert again.objective([0, 1]) == problem.objective([0, 1])
    assert dataclasses.replace(problem, k=1).k == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.k = 3  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        problem.candidates[0] = 0
    assert not problem.quadratic_form().matrix.flags.writeable
    assert not problem.quadratic_form().linear.flags.writeable


def test_repr() -> None:
    assert repr(so.MMDSelection([0.0, 1.0, 2.0], 1, [[4.0]], kernel="linear")) == (
        "MMDSelection(n=3, k=1, selected=1, kernel=Linear(), formulation='true', dtype=float64)"
    )


# -- selections ------------------------------------------------------------------------------------


def test_selections() -> None:
    problem = so.MMDSelection(np.eye(5), 2, selected=[3, 1], kernel="precomputed")
    np.testing.assert_array_equal(problem.check([4, 0]), [0, 4])
    with pytest.raises(so.InvalidSelection, match=r"index 3 is selected already; .*the other 3"):
        problem.check([0, 3])
    with pytest.raises(so.InvalidSelection, match=r"indices must be in \[0, 4\]; got 5"):
        problem.objective([0, 5])
    with pytest.raises(so.InvalidSelection, match="must be 2 distinct candidates; got 3"):
        problem.mmd_squared([0, 2, 4])
    generator = np.random.default_rng(0)
    drawn = {tuple(sorted(problem.draw(generator).tolist())) for _ in range(60)}
    assert drawn == {(0, 2), (0, 4), (2, 4)}


def test_the_contract() -> None:
    assert_solver_contract(so.solver("random"), families=["mmd"])


# -- what is refused -------------------------------------------------------------------------------


ASYMMETRIC = np.eye(3) + np.array([[0, 0.1, 0], [0.1, 0, 0.7], [0, 0.5, 0]])
WITH_NAN = [[1.0, 0.0], [math.nan, 1.0]]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ({"candidates": [1.0, math.nan, 2.0]}, ["candidates[1] is nan", "drop or replace"]),
        ({"selected": WITH_NAN}, ["selected[1, 0] is nan"]),
        ({"selected": [[1.0]]}, ["candidates has 2 features and selected has 1", "(1, 1)"]),
        ({"selected": [[1.0], [2.0, 3.0]]}, ["selected cannot be read"]),
        ({"candidates": np.full((4, 2), 1e200)}, ["candidates", "squared distances overflow"]),
        ({"candidates": np.zeros((3, 0))}, ["candidates must have at least one value"]),
        ({"k": 0}, ["got 0", "in [1, 5]"]),
        ({"k": 9}, ["got 9", "in [1, 5]"]),
        ({"k": 6}, ["k is 6, all of the 6 candidates", "nothing would be left", "k < 6"]),
        ({"k": 1.0}, ["got 1.0", "integer"]),
        ({"candidates": [1.0], "k": 1}, ["all of the 1 candidates"]),
        ({"kernel": "rbf"}, ["got 'rbf'", "'gaussian'", "'precomputed'"]),
        ({"formulation": "eq5"}, ["formulation is 'eq5'", "'published'"]),
        ({"memory_limit": 0}, ["got 0", ">= 1"]),
        ({"memory_limit": 1e9}, ["got 1000000000.0"]),
        ({"kernel": lambda X, Y: X @ Y.T - 9}, ["smallest eigenvalue", "QuadraticSelection"]),
        ({"kernel": lambda X, Y: X[:, :1] - Y[:, 0]}, ["the kernel matrix is not symmetric"]),
        ({"kernel": so.Polynomial(1, 1e-3, -5.0)}, ["not positive semidefinite", "-30"]),
    ],
)
def test_wrong_features(arguments: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(so.InvalidProblem) as caught:
        so.MMDSelection(**{"candidates": cloud(0, 6, d=2), "k": 2, **arguments})
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("copies", [True, False])
@pytest.mark.parametrize(
    ("matrix", "selected", "parts"),
    [
        (np.array(WITH_NAN), None, ["K[1, 0] is nan"]),
        (np.zeros((3, 2)), None, ["got shape (3, 2)", "square"]),
        (ASYMMETRIC, None, ["[1, 2] is 0.7", "[2, 1] is 0.5", "of 0.2", "(K + K.T) / 2"]),
        (ASYMMETRIC.astype(np.float32), None, ["[1, 2] is 0.7", "(K + K.T) / 2"]),
        (-np.eye(3), None, ["smallest eigenvalue is -1", "K + 1.01 * numpy.eye(n)"]),
        (np.array([[0.0, 1.0], [1.0, 0.0]]), None, ["smallest eigenvalue is -1"]),
        (1e300 * np.eye(3), None, ["above 1e+280"]),
        (np.eye(3), [0, 3], ["selected must be indices", "must be in [0, 2]; got 3"]),
        (np.eye(3), [0.5], ["selected must be indices", "float64"]),
        (np.eye(3), [1, 1], ["more than once"]),
        (np.eye(3), [0, 1, 2], ["must be 0 to 2 distinct candidates; got 3"]),
        (np.eye(3), [0, 1], ["k is 1, all of the 1 candidates"]),
    ],
)
def test_wrong_matrices(matrix: Any, selected: Any, copies: bool, parts: list[str]) -> None:
    with pytest.raises(so.InvalidProblem) as caught:
        so.MMDSelection(matrix, 1, selected=selected, kernel="precomputed", copy=copies)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "value", "parts"),
    [
        (
            (300, 2),
            1.5,
            ["[2, 300] is 1.5, beyond", "by 0.5", "K + a * numpy.eye", "at least 0.501,"],
        ),
        ((299, 299), -0.25, ["[299, 299] is -0.25", "K + a * numpy.eye", "at least 0.251,"]),
    ],
)
def test_minors_of_large_matrices(
    entry: Any, value: float, parts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_kernel_matrices, "_FACTORISED", 3)
    K = np.eye(301)
    K[entry] = K[entry[::-1]] = value
    with pytest.raises(so.InvalidProblem) as caught:
        so.MMDSelection(K, 1, kernel="precomputed")
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(("dtype", "noise"), [(np.float32, 1e-6), (np.float64, 1e-12)])
def test_rounding_is_forgiven(dtype: Any, noise: float) -> None:
    X = cloud(10, 30)
    K = (X @ X.T + noise * np.abs(X).max() * cloud(11, 30, d=30)).astype(dtype)
    problem = so.MMDSelection(K, 5, kernel="precomputed")
    matrix = problem.quadratic_form().matrix
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(matrix, (K + K.T) / 2)
    assert matrix.dtype == dtype
    assert problem.lower_bound() == 0
    assert min(problem.objective(c) for c in combinations(range(5), 5)) >= 0


@pytest.mark.parametrize("selected", [None, [2, 6]])
def test_what_is_added_to_the_diagonal_changes_no_preference(selected: Any) -> None:
    root = cloud(12, 9, d=9)
    K = root + root.T
    with pytest.raises(so.InvalidProblem) as caught:
        so.MMDSelection(K, 3, selected, kernel="precomputed")
    found = re.search(r"K \+ ([\d.e+-]+) \* numpy.eye", str(caught.value))
    assert found
    amount = float(found[1])
    mended = so.MMDSelection(K + amount * np.eye(9), 3, selected, kernel="precomputed")
    free = [i for i in range(9) if i not in (selected or [])]
    gaps = [
        mended.objective(chosen)
        - definition(K, [*chosen, *(selected or [])], [i for i in free if i not in chosen])
        for chosen in combinations(free, 3)
    ]
    assert max(gaps) - min(gaps) < 1e-12
    assert amount == pytest.approx(-np.linalg.eigvalsh(K)[0], rel=0.03)


@pytest.mark.parametrize("matrix", [np.zeros((4, 4)), np.ones((4, 4)), 1e-300 * np.eye(4)])
def test_semidefinite_at_the_edge(matrix: NDArray[Any]) -> None:
    assert so.MMDSelection(matrix, 2, kernel="precomputed").objective([0, 1]) < 1e-15


def test_too_large() -> None:
    with pytest.raises(so.TooLarge, match=r"100 x 100 kernel matrix in float64 .*memory_limit"):
        so.MMDSelection(cloud(0, 100), 2, memory_limit=50_000)
    with pytest.raises(so.TooLarge, match="kernel matrix of the candidates"):
        so.MMDSelection(np.eye(9), 2, [0], kernel="precomputed", memory_limit=100)
    so.MMDSelection(cloud(0, 100, dtype=np.float32), 2, memory_limit=50_000)
