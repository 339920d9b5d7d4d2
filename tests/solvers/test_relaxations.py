"""The relaxations: bounds that hold, their order, and the closed form of the published one."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.models import LINEARISATIONS, LinearModel, QuadraticForm
from subsetopt.models.programs import SparseRows
from subsetopt.solvers import bounds
from subsetopt.solvers.backends import _backend
from subsetopt.solvers.relaxations import _lp_engines, _published_lp, _relaxation

pytest.importorskip("highspy")
LIMITS = Limits(threads=1)
ENGINES = [
    pytest.param(name, marks=[] if so.solver(name).availability() else pytest.mark.skip(name))
    for name in ("highs", "cbc", "scip")
]
KINDS = ("indefinite", "positive", "negative", "kernel", "steep diagonal", "zeros", "sparse")


def form_of(kind: str, seed: int, n: int, k: int) -> QuadraticForm:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 2))
    square = rng.normal(size=(n, n))
    square += square.T
    linear = rng.normal(size=n)
    if kind in ("positive", "steep diagonal"):
        square = np.abs(square)
    elif kind == "negative":
        square, linear = -np.abs(square), -np.abs(linear)
    elif kind == "kernel":
        square = np.exp(-((points[:, None] - points) ** 2).sum(axis=2))
        linear = -2 * k / n * square.sum(axis=1)
    elif kind == "zeros":
        square = np.zeros((n, n))
    elif kind == "sparse":
        square *= np.abs(square) > 1.5
    if kind == "steep diagonal":
        linear *= 5
    return QuadraticForm(square, linear, k, semidefinite=kind == "kernel")


def optimum(form: QuadraticForm) -> float:
    return min(form.value(np.array(rows)) for rows in combinations(range(form.n), form.k))


def published_value(form: QuadraticForm, m: Any) -> float:
    z = form.matrix + np.diag(form.linear)
    sums = np.add.outer(m, m)
    return float(np.where(z < 0, z * sums / 2, z * np.maximum(0, (sums - 1) / 2)).sum())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_bounds_hold_in_order(engine: str, kind: str) -> None:
    tolerance = 1e-3 if engine == "scip" else 1e-7
    for seed, (n, k) in enumerate([(7, 3), (6, 1), (6, 5), (2, 2), (8, 4)]):
        form = form_of(kind, seed, n, k)
        best, size = optimum(form), 1 + np.abs(form.matrix).sum() + np.abs(form.linear).sum()
        found = [
            _relaxation.linear_relaxation(form, name, engine, LIMITS) for name in LINEARISATIONS
        ]
        for relaxed in found:
            assert relaxed.bound <= best + 1e-12 * size
            assert relaxed.bound == pytest.approx(relaxed.value, abs=tolerance * size)
            assert relaxed.termination is so.Termination.OPTIMAL
            assert relaxed.m.sum() == pytest.approx(k, abs=1e-5)
        values = [relaxed.value for relaxed in found]
        assert values[0] <= values[1] + 1e-6 * size
        assert max(values) <= values[-1] + 1e-6 * size


@pytest.mark.parametrize("kind", KINDS)
def test_quadratic_bound_holds(kind: str) -> None:
    for seed, (n, k) in enumerate([(8, 3), (6, 1), (6, 5), (7, 7), (1, 1), (9, 4)]):
        form = form_of(kind, seed, n, k)
        relaxed = _relaxation.quadratic_relaxation(form, LIMITS)
        assert relaxed.bound <= optimum(form) + 1e-12
        assert relaxed.bound == pytest.approx(relaxed.value, abs=1e-5)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(1, 9),
    data=st.data(),
    kind=st.sampled_from(KINDS),
)
def test_any_duals_and_any_point_give_a_bound(seed: int, n: int, data: Any, kind: str) -> None:
    k = data.draw(st.integers(1, n))
    form, rng = form_of(kind, seed, n, k), np.random.default_rng(seed)
    best = optimum(form)
    for build in LINEARISATIONS.values():
        model = build(form).relaxed()
        duals = rng.normal(size=len(model.rows)) * rng.choice([0.1, 1.0, 1e6])
        assert _lp_engines.dual_bound(model, duals) <= best
    points = rng.normal(size=(n, n))
    convex = QuadraticForm(points @ points.T, form.linear, k, semidefinite=True)
    assert _relaxation.tangent_bound(convex, rng.random(n)) <= optimum(convex)


def test_dual_bounds_count_the_rounding_of_long_sums() -> None:
    n = 2**18
    objective, lower = np.full(n, -(2.0**-54)), np.zeros(n)  # each is lost beside 1.0
    objective[0] = lower[0] = 1.0
    nothing = SparseRows(np.zeros(2, np.int64), np.empty(0, np.int64), np.empty(0))
    side, whole = np.zeros(1), np.zeros(n, np.bool_)
    names = ("x",) * n
    model = LinearModel(
        "long", objective, lower, np.ones(n), whole, nothing, side - np.inf, side, names, ("r",), n
    )
    bound = _lp_engines.dual_bound(model, np.zeros(1))
    assert Fraction(bound) <= 1 - (n - 1) * Fraction(1, 2**54)


@pytest.mark.parametrize("kind", KINDS)
def test_closed_form_is_the_linear_programme(kind: str) -> None:
    held = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 12))
        form = form_of(kind, seed, n, int(rng.integers(1, n + 1)))
        closed = _relaxation.published_in_closed_form(form)
        if closed is None:
            continue
        held += 1
        relaxed = _relaxation.linear_relaxation(form, "published", "highs", LIMITS)
        assert closed.value == pytest.approx(relaxed.value, abs=1e-6)
        assert closed.bound <= closed.value
        assert closed.value == pytest.approx(published_value(form, closed.m), abs=1e-9)
        assert closed.m.sum() == pytest.approx(form.k)
        assert set(np.unique(closed.m)) <= {0.0, 0.5, 1.0}
    least = {"indefinite": 5, "kernel": 15, "positive": 5, "steep diagonal": 5, "sparse": 5}
    assert held >= least.get(kind, 20)


def test_closed_form_of_a_kernel_is_halves_of_the_lowest_diagonal() -> None:
    form = form_of("kernel", 3, 120, 10)
    closed = _relaxation.published_in_closed_form(form)
    assert closed is not None
    diagonal = form.matrix.diagonal() + form.linear
    lowest = np.sort(diagonal)[:20]
    assert lowest[-1] < 0
    assert closed.value == pytest.approx(lowest.sum() / 2)
    np.testing.assert_array_equal(np.flatnonzero(closed.m), np.sort(np.argsort(diagonal)[:20]))


def test_closed_form_without_negative_entries_is_empty() -> None:
    form = QuadraticForm(np.abs(form_of("positive", 0, 9, 3).matrix), np.ones(9), 3)
    closed = _relaxation.published_in_closed_form(form)
    assert closed is not None
    assert closed.value == 0.0


def test_closed_form_is_refused_where_one_diagonal_entry_outweighs_halves() -> None:
    matrix = np.full((6, 6), 0.01)
    linear = np.array([-10.0, -1.0, -1.0, -1.0, -1.0, -1.0])
    form = QuadraticForm(matrix, linear, 2)
    r = _published_lp.negative_parts(form)
    np.testing.assert_allclose(r, linear + 0.01)
    halves = float(np.sort(r)[:4].sum()) / 2
    relaxed = _relaxation.linear_relaxation(form, "published", "highs", LIMITS)
    assert relaxed.value < halves - 1
    closed = _relaxation.published_in_closed_form(form)
    assert closed is None or closed.value == pytest.approx(relaxed.value)


def test_closed_form_where_the_linear_term_cancels_a_large_diagonal() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        own = 1e10 * rng.random(8)
        matrix = np.zeros((8, 8))
        matrix[:4, :4] = np.triu(-rng.random((4, 4)), 1)
        matrix += matrix.T
        first_four = float(matrix.sum())  # which is the optimum, and what the relaxation attains
        np.fill_diagonal(matrix, -own)
        closed = _relaxation.published_in_closed_form(QuadraticForm(matrix, own, 4))
        assert closed is not None
        assert closed.bound <= first_four
        assert closed.value == pytest.approx(first_four, rel=1e-12)


def test_negative_parts_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    form = form_of("indefinite", 4, 11, 3)
    z = form.matrix + np.diag(form.linear)
    expected = np.minimum(z, 0).sum(axis=1)
    np.testing.assert_allclose(_published_lp.negative_parts(form), expected)
    monkeypatch.setattr(_published_lp, "_BLOCK", 25)
    np.testing.assert_allclose(_published_lp.negative_parts(form), expected)


@pytest.mark.parametrize("power", [-200, -40, 30, 300])
def test_bounds_scale_with_the_data(power: int) -> None:
    form = form_of("indefinite", 1, 7, 3)
    large = QuadraticForm(np.ldexp(form.matrix, power), np.ldexp(form.linear, power), 3)
    for method in ("qp", "rlt"):
        small = bounds.METHODS[method](form, LIMITS).value
        assert np.ldexp(bounds.METHODS[method](large, LIMITS).value, -power) == pytest.approx(small)


@pytest.mark.parametrize("method", ["qp", "rlt"])
def test_the_rounding_of_the_scaled_form_lowers_a_bound(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, whole = form_of("indefinite", 1, 7, 3), _backend.scaled_form
    bound = bounds.METHODS[method](form, LIMITS).value
    monkeypatch.setattr(_relaxation, "scaled_form", lambda of: replace(whole(of), rounding=1.0))
    assert bounds.METHODS[method](form, LIMITS).value == pytest.approx(bound - 1.0)


@pytest.mark.parametrize("method", ["qp", "rlt"])
def test_bounds_on_request(method: str) -> None:
    form = form_of("kernel", 8, 9, 4)
    problem = so.QuadraticSelection(form.matrix, form.linear, 4, constant=7.0)
    solution: Any = so.solve(problem, "random", bound=method)
    assert solution.bound <= optimum(form) + 7.0
    assert solution.bound >= optimum(form) + 7.0 - 1.5
    maximised = so.QuadraticSelection(form.matrix, form.linear, 4, sense="maximise")
    least = min(maximised.objective(list(s)) for s in combinations(range(9), 4))
    again: Any = so.solve(maximised, "random", bound=method)
    assert again.bound <= least


def test_rlt_is_exact_for_one_of_many() -> None:
    form = form_of("indefinite", 2, 9, 1)
    assert bounds.METHODS["rlt"](form, LIMITS).value == pytest.approx(optimum(form))


def test_too_large_is_refused_with_its_size() -> None:
    matrix = np.zeros((2100, 2100), dtype=np.float32)
    form = QuadraticForm(matrix, np.zeros(2100), 5)
    for method in ("qp", "rlt"):
        with pytest.raises(so.TooLarge, match="2100"):
            bounds.METHODS[method](form, LIMITS)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_time_limit_leaves_a_bound_or_none(engine: str) -> None:
    form = form_of("indefinite", 5, 60, 20)
    limits = Limits(time_limit=1e-3, threads=1)
    relaxed = _relaxation.linear_relaxation(form, "rlt", engine, limits)
    full = _relaxation.linear_relaxation(form_of("indefinite", 5, 12, 4), "rlt", engine, LIMITS)
    assert full.termination is so.Termination.OPTIMAL
    assert relaxed.termination is not so.Termination.OPTIMAL
    feasible = form.value(np.arange(20))
    assert relaxed.bound <= feasible
    assert relaxed.m.shape == (60,)
