"""Quadratic selection, the form that quadratic problems lower to, and the limits on memory."""

import copy
import dataclasses
import math
import pickle
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.models import QUADRATIC_FAMILIES, QuadraticForm
from subsetopt.problems import _memory
from subsetopt.testing import CASES

few = settings(deadline=None, derandomize=True, max_examples=60)
QUADRATIC = {name: p for name, p in CASES.items() if p.family in QUADRATIC_FAMILIES}


def square(seed: int, n: int, dtype: Any = np.float64) -> NDArray[Any]:
    matrix = np.random.default_rng(seed).normal(size=(n, n))
    return (matrix + matrix.T).astype(dtype)


def indicator(n: int, chosen: Any) -> NDArray[np.float64]:
    return np.isin(np.arange(n), chosen).astype(np.float64)


# -- the problem -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sense", ["minimise", "maximise"])
@given(seed=st.integers(0, 1000), n=st.integers(1, 9), constant=st.floats(-5, 5), data=st.data())
@few
def test_objective(sense: Any, seed: int, n: int, constant: float, data: Any) -> None:
    generator = np.random.default_rng(seed)
    Q, c = generator.normal(size=(n, n)), generator.normal(size=n)  # no symmetry is asked for
    k = data.draw(st.integers(1, n))
    problem = so.QuadraticSelection(Q, c, k, constant, sense)
    chosen = problem.draw(generator)
    m = indicator(n, chosen)
    stated = m @ Q @ m + c @ m + constant
    assert problem.stated(problem.objective(chosen)) == pytest.approx(stated, abs=1e-12)
    sign = -1 if sense == "maximise" else 1
    assert problem.objective(chosen) == pytest.approx(sign * stated, abs=1e-12)
    assert float(problem.exact_objective(chosen)) == pytest.approx(sign * stated, abs=1e-12)
    form = problem.quadratic_form()
    lifted = form.lift(form.value(form.rows(chosen)))
    assert lifted == pytest.approx(problem.objective(chosen), abs=1e-12)
    assert form.lower(lifted) == pytest.approx(form.value(chosen), abs=1e-12)


@given(Q=hnp.arrays(np.int64, (5, 5), elements=st.integers(-(2**40), 2**40)), k=st.integers(1, 5))
@few
def test_exact_on_integers(Q: NDArray[Any], k: int) -> None:
    problem = so.QuadraticSelection(Q + Q.T, Q[0], k, constant=0.1)
    for chosen in combinations(range(5), k):
        total = sum(int(Q[i, j] + Q[j, i]) for i in chosen for j in chosen)
        wanted = total + sum(int(Q[0, i]) for i in chosen) + Fraction(0.1)
        assert problem.exact_objective(chosen) == wanted
        assert problem.objective(chosen) == pytest.approx(float(wanted), rel=1e-12, abs=1e-2)


def test_only_the_symmetric_part_counts() -> None:
    upper = np.triu(square(0, 6))
    problem = so.QuadraticSelection(upper, None, 3)
    np.testing.assert_array_equal(problem.Q, (upper + upper.T) / 2)
    assert problem.Q.dtype == np.float64
    single = so.QuadraticSelection(upper.astype(np.float32), None, 3)
    assert single.Q.dtype == np.float64
    np.testing.assert_array_equal(single.Q, single.Q.T)


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64),
     (np.int8, np.float64), (bool, np.float64), (">f4", np.float32)],
)  # fmt: skip
@pytest.mark.parametrize("copies", [True, False])
def test_dtypes(dtype: Any, wanted: Any, copies: bool) -> None:
    Q = np.ones((3, 3), dtype)
    problem = so.QuadraticSelection(Q, None, 2, copy=copies)
    assert problem.Q.dtype == wanted
    assert problem.quadratic_form().matrix.dtype == wanted
    shared = not copies and np.dtype(dtype) == wanted
    assert np.shares_memory(problem.Q, Q) == shared
    assert not problem.Q.flags.writeable
    assert Q.flags.writeable


def test_the_form_shares_what_it_can() -> None:
    problem = so.QuadraticSelection(square(1, 5), np.arange(5.0), 2, constant=0.5)
    form = problem.quadratic_form()
    assert form.matrix is problem.Q
    assert form.linear is problem.c
    assert (form.scale, form.constant, form.semidefinite) == (1.0, 0.5, False)
    maximised = dataclasses.replace(problem, sense="maximise")
    turned = maximised.quadratic_form()
    np.testing.assert_array_equal(maximised.Q, problem.Q)
    np.testing.assert_array_equal(turned.matrix, -problem.Q)
    np.testing.assert_array_equal(turned.linear, -problem.c)
    assert turned.constant == -0.5
    assert not turned.matrix.flags.writeable


def test_maximum_diversity() -> None:
    X = np.array([0.0, 1.0, 5.0, 6.0, 10.0])
    distances = np.abs(np.subtract.outer(X, X)) / 2
    problem = so.QuadraticSelection(distances, None, 3, sense="maximise")
    best = min(combinations(range(5), 3), key=problem.objective)
    assert problem.stated(problem.objective(best)) == 20.0
    assert {0, 4} <= set(best)


def test_no_negative_zero() -> None:
    problem = so.QuadraticSelection(np.zeros((2, 2)), None, 1, sense="maximise")
    assert math.copysign(1, problem.objective([0])) == 1
    assert problem.lower_bound() is None


def test_draws_are_uniform() -> None:
    problem = so.QuadraticSelection(np.zeros((4, 4)), None, 2)
    generator = np.random.default_rng(0)
    drawn = [tuple(sorted(problem.draw(generator).tolist())) for _ in range(600)]
    counts = [drawn.count(pair) for pair in combinations(range(4), 2)]
    assert sum(counts) == 600
    assert min(counts) > 60


def test_identity() -> None:
    Q = square(2, 4)
    problem = so.QuadraticSelection(Q, None, 2)
    same = so.QuadraticSelection(Q.copy(), np.zeros(4), 2)
    assert problem == same
    assert hash(problem) == hash(same)
    others = [
        so.QuadraticSelection(Q, None, 3),
        so.QuadraticSelection(Q, np.ones(4), 2),
        so.QuadraticSelection(Q, None, 2, constant=1.0),
        so.QuadraticSelection(Q, None, 2, sense="maximise"),
        so.QuadraticSelection(Q.astype(np.float32), None, 2),
    ]
    assert len({problem, *others}) == 6
    assert problem != Q.tolist()
    for again in (pickle.loads(pickle.dumps(problem)), copy.deepcopy(problem)):
        assert again == problem
        assert not again.Q.flags.writeable
    assert repr(problem) == "QuadraticSelection(n=4, k=2, sense='minimise', dtype=float64)"


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"Q": [[1.0, math.nan], [0.0, 1.0]]}, ["Q[0, 1] is nan", "drop or replace"]),
    ({"Q": np.zeros((2, 3))}, ["got shape (2, 3)", "square"]),
    ({"Q": np.zeros(3)}, ["got shape (3,)"]),
    ({"Q": np.zeros((0, 0))}, ["Q must have at least one value"]),
    ({"Q": 1j * np.eye(3)}, ["got dtype complex128"]),
    ({"Q": 1e307 * np.eye(3)}, ["Q holds a magnitude of 1e+307", "power of two"]),
    ({"c": np.zeros(2)}, ["c has shape (2,)", "(3, 3) needs 3"]),
    ({"c": [0.0, math.inf, 0.0]}, ["c[1] is inf"]),
    ({"c": [0.0, 1e307, 0.0]}, ["c holds a magnitude of 1e+307"]),
    ({"constant": math.nan}, ["constant is nan"]),
    ({"constant": [1.0]}, ["got shape (1,)", "a number"]),
    ({"constant": 1e308}, ["constant holds a magnitude"]),
    ({"k": None}, ["got None", "in [1, 3]"]),
    ({"k": 4}, ["got 4", "in [1, 3]"]),
    ({"k": True}, ["got True"]),
    ({"sense": "min"}, ["sense is 'min'", "'maximise'"]),
]


@pytest.mark.parametrize("copies", [True, False])
@pytest.mark.parametrize(("arguments", "parts"), WRONG)
def test_wrong(arguments: dict[str, Any], copies: bool, parts: list[str]) -> None:
    with pytest.raises(so.InvalidProblem) as caught:
        so.QuadraticSelection(**{"Q": np.eye(3), "k": 2, "copy": copies, **arguments})
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ([0], "must be 2 distinct candidates; got 1"),
        ([0, 3], "indices must be in .*; got 3"),
        ([1, 1], "more than once"),
    ],
)
def test_wrong_selections(selection: list[int], message: str) -> None:
    problem = so.QuadraticSelection(np.eye(3), None, 2)
    for method in (problem.check, problem.objective, problem.exact_objective):
        with pytest.raises(so.InvalidSelection, match=message):
            method(selection)


# -- the form --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUADRATIC)
def test_every_form_states_its_problem(name: str) -> None:
    problem: Any = QUADRATIC[name]
    form = problem.quadratic_form()
    assert form.matrix.dtype in (np.float32, np.float64)
    assert form.matrix.flags.c_contiguous
    assert not form.matrix.flags.writeable
    assert form.linear.dtype == np.float64
    assert form.matrix.shape == (form.n, form.n)
    assert form.linear.shape == (form.n,)
    assert form.scale > 0
    np.testing.assert_array_equal(form.matrix, form.matrix.T)
    largest = max(float(np.abs(part).max()) for part in (form.matrix, form.linear))
    size = form.scale * largest * form.k**2
    generator = np.random.default_rng(0)
    for _ in range(5):
        chosen = problem.check(problem.draw(generator))
        rows = form.rows(chosen)
        assert len(rows) == form.k
        np.testing.assert_array_equal(form.indices(rows), chosen)
        m = indicator(form.n, rows)
        inner = m @ form.matrix.astype(np.float64) @ m + form.linear @ m
        assert form.scale * form.value(rows) == pytest.approx(form.scale * inner, abs=1e-12 * size)
        assert form.lift(form.value(rows)) == pytest.approx(
            problem.objective(chosen), abs=1e-12 * (size + abs(form.constant))
        )
    if form.semidefinite:
        lowest = np.linalg.eigvalsh(form.matrix.astype(np.float64) / np.abs(form.matrix).max())[0]
        assert lowest > (-1e-5 if form.matrix.dtype == np.float32 else -1e-12)


@pytest.mark.parametrize("cardinality", ["exactly", "at_most"])
def test_inner_products_of_vectors(cardinality: Any) -> None:
    values = np.random.default_rng(3).normal(size=(6, 2)) + 5
    problem = so.MeanMatching(values, 3, target=[4.0, 5.5], cardinality=cardinality)
    form = problem.quadratic_form()
    assert form.semidefinite
    assert form.n == (6 if cardinality == "exactly" else 9)
    for size in range(problem.smallest_count, 4):
        for chosen in combinations(range(6), size):
            rows = form.rows(np.array(chosen, dtype=np.int64))
            wanted = float(((problem.target - values[list(chosen)].sum(axis=0) / 3) ** 2).sum())
            assert form.lift(form.value(rows)) == pytest.approx(wanted, abs=1e-12)
            assert form.indices(rows).tolist() == list(chosen)


def test_scalars_have_no_form() -> None:
    with pytest.raises(so.UnsupportedProblem, match=r"reshape\(-1, 1\)"):
        so.MeanMatching([1.0, 2.0], 1).quadratic_form()


def test_a_form_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "memory_limit", lambda: 1000)
    problem = so.MeanMatching(np.ones((12, 2)), 3)
    with pytest.raises(so.TooLarge, match="12 x 12 matrix of inner products would take"):
        problem.quadratic_form()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_folded(dtype: Any) -> None:
    matrix, linear = square(4, 5, dtype), np.arange(5.0)
    form = QuadraticForm(matrix, linear, 2)
    folded = form.folded()
    assert folded.dtype == np.float64
    np.testing.assert_array_equal(folded, matrix.astype(np.float64) + np.diag(linear))
    np.testing.assert_array_equal(form.matrix, square(4, 5, dtype))
    m = indicator(5, [1, 4])
    assert m @ folded @ m == pytest.approx(form.value(np.array([1, 4])), abs=1e-12)


def test_lift_and_lower() -> None:
    form = QuadraticForm(np.eye(2), np.zeros(2), 1, scale=0.25, constant=3.0)
    assert form.lift(8.0) == 5.0
    assert form.lower(5.0) == 8.0
    assert form.n == 2
