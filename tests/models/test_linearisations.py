"""The models of a quadratic form, by enumeration, by loops as printed, and through files."""

from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.formats.model_files import write_model
from subsetopt.models import (
    LINEARISATIONS,
    LinearModel,
    QuadraticForm,
    compact_model,
    factored_model,
    iqp_model,
    linearisations,
    mccormick_model,
    published_model,
    rlt_model,
)
from subsetopt.models.quadratic_models import factored_error


def random_form(seed: int, n: int, k: int, zeros: bool = False) -> QuadraticForm:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n))
    if zeros:
        matrix[rng.random((n, n)) < 0.5] = 0.0
    return QuadraticForm(matrix + matrix.T, rng.normal(size=n), k)


FORM = random_form(0, 5, 2)


def selectors(form: QuadraticForm) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    rows = [np.array(chosen) for chosen in combinations(range(form.n), form.k)]
    return [np.isin(np.arange(form.n), chosen).astype(float) for chosen in rows]


def dense(model: LinearModel) -> np.ndarray[Any, np.dtype[np.float64]]:
    matrix = np.zeros((len(model.rows), model.variables))
    for i in range(len(model.rows)):
        columns, coefficients = model.rows.row(i)
        np.add.at(matrix[i], columns, coefficients)
    return matrix


def feasible(model: LinearModel, x: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    rows = model.rows.dot(x)
    within = (rows >= model.row_lower - 1e-12) & (rows <= model.row_upper + 1e-12)
    return bool(within.all())


def folded(form: QuadraticForm) -> np.ndarray[Any, np.dtype[np.float64]]:
    return form.matrix + np.diag(form.linear)


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("zeros", [False, True])
def test_quadratic_model_is_the_form_on_selections(fold: bool, zeros: bool) -> None:
    form = random_form(1, 6, 3, zeros)
    model = iqp_model(form, folded=fold)
    for m in selectors(form):
        assert model.value(m) == pytest.approx(form.value(np.flatnonzero(m)), abs=1e-12)
    assert (model.coefficients != 0).all()
    half = np.full(6, 0.5)
    expected = half @ (folded(form) if fold else form.matrix) @ half
    expected += 0.0 if fold else form.linear @ half
    assert model.value(half) == pytest.approx(expected, abs=1e-12)


def test_published_rows_are_those_printed() -> None:
    z, n = folded(FORM), FORM.n
    model = published_model(FORM)
    position = {name: i for i, name in enumerate(model.variable_names)}
    expected = set()
    for i, j in product(range(n), repeat=2):
        row = np.zeros(model.variables)
        sign = -1.0 if z[i, j] < 0 else 1.0
        row[i] += sign
        row[j] += sign
        row[position[f"w{min(i, j)}_{max(i, j)}"]] = -2 * sign
        expected.add((tuple(row.tolist()), 0.0 if z[i, j] < 0 else 1.0))
    rows = zip(map(tuple, dense(model)[1:].tolist()), model.row_upper[1:].tolist(), strict=True)
    assert set(rows) == expected
    assert model.integer.all()
    assert model.row_lower[0] == model.row_upper[0] == FORM.k
    cost = dict(zip(model.variable_names, model.objective, strict=True))
    assert sum(cost.values()) == pytest.approx(z.sum())
    assert not any(cost[f"m{i}"] for i in range(n))


@pytest.mark.parametrize("seed", range(4))
def test_published_is_the_form_with_whole_w_and_less_with_continuous(seed: int) -> None:
    form = random_form(seed, 4, 2)
    z = folded(form)
    model = published_model(form)
    less = False
    for m in selectors(form):
        tails = [np.array(w) for w in product((0.0, 1.0), repeat=model.variables - 4)]
        whole = min(
            float(model.objective[4:] @ w) for w in tails if feasible(model, np.concatenate([m, w]))
        )
        assert whole == pytest.approx(form.value(np.flatnonzero(m)), abs=1e-12)
        sums = np.add.outer(m, m)
        continuous = np.where(z < 0, z * sums / 2, z * np.maximum(0, (sums - 1) / 2)).sum()
        assert continuous <= whole + 1e-12
        less |= continuous < whole - 1e-3
    assert less


@pytest.mark.parametrize("build", [mccormick_model, compact_model, rlt_model])
@pytest.mark.parametrize("zeros", [False, True])
def test_products_are_feasible_and_best(build: Any, zeros: bool) -> None:
    form = random_form(3, 5, 3, zeros)
    model = build(form)
    pairs = [tuple(map(int, name[1:].split("_"))) for name in model.variable_names[5:]]
    assert (model.integer == (np.arange(model.variables) < 5)).all()
    for m in selectors(form):
        w = np.array([m[i] * m[j] for i, j in pairs])
        x = np.concatenate([m, w])
        assert feasible(model, x)
        assert model.objective @ x == pytest.approx(form.value(np.flatnonzero(m)), abs=1e-12)
        for e, cost in enumerate(model.objective[5:]):
            better = x.copy()
            better[5 + e] += -0.25 if cost > 0 else 0.25
            inside = 0 <= better[5 + e] <= 1
            assert not (inside and feasible(model, better)) or cost == 0


def test_rlt_has_the_cardinality_row_times_each_selector() -> None:
    model = rlt_model(FORM)
    rows = dense(model)[[name.startswith("rlt") for name in model.row_names]]
    for i, row in enumerate(rows):
        named = {name for name, entry in zip(model.variable_names, row, strict=True) if entry == 1}
        assert named == {f"w{min(i, j)}_{max(i, j)}" for j in range(5) if j != i}
        assert row[i] == 1.0 - FORM.k
    assert len(rows) == 5


@pytest.mark.parametrize("semidefinite", [True, False])
def test_the_factored_model_has_the_values_of_the_form(semidefinite: bool) -> None:
    form = random_form(3, 5, 3)
    if semidefinite:
        matrix = form.matrix[:, :2] @ form.matrix[:2]
        form = QuadraticForm(matrix, form.linear, 3, semidefinite=True)
    model = factored_model(form)
    error = factored_error(form, model)
    assert model.linear.variables == 5 + (2 if semidefinite else 4)
    assert 0 < error < 1e-9
    for m in selectors(form):
        chosen = np.flatnonzero(m)
        x = model.linear.completed(chosen)
        assert feasible(model.linear, x)
        assert abs(model.value(x) - form.value(chosen)) <= error


def test_mccormick_leaves_out_pairs_without_cost() -> None:
    form = random_form(5, 7, 3, zeros=True)
    pairs = np.count_nonzero(np.triu(form.matrix, 1))
    assert mccormick_model(form).variables == 7 + pairs < 7 + 21
    assert rlt_model(form).variables == 7 + 21


@pytest.mark.parametrize("name", LINEARISATIONS)
def test_one_candidate(name: str) -> None:
    form = QuadraticForm(np.array([[2.0]]), np.array([-5.0]), 1)
    model = LINEARISATIONS[name](form)
    assert feasible(model, np.ones(model.variables))
    assert model.objective.sum() == -3.0


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linearisations, "PAIRS_LIMIT", 9)
    builders: list[Any] = [*LINEARISATIONS.values(), iqp_model, factored_model]
    for build in builders:
        with pytest.raises(so.TooLarge, match="n = 5") as refused:
            build(FORM)
        assert refused.value.bytes > 0 < refused.value.seconds


@pytest.mark.parametrize("suffix", [".mps", ".lp"])
@pytest.mark.parametrize("name", LINEARISATIONS)
def test_files_read_back(name: str, suffix: str, tmp_path: Path) -> None:
    highspy = pytest.importorskip("highspy")
    model = LINEARISATIONS[name](FORM)
    path = tmp_path / f"model{suffix}"
    write_model(model, path)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    assert solver.readModel(str(path)) == highspy.HighsStatus.kOk
    solver.run()
    best = min(FORM.value(np.flatnonzero(m)) for m in selectors(FORM))
    assert solver.getInfo().objective_function_value == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("suffix", [".mps", ".lp"])
def test_convex_quadratic_file_reads_back(suffix: str, tmp_path: Path) -> None:
    highspy = pytest.importorskip("highspy")
    points = np.random.default_rng(2).normal(size=(5, 5))
    form = QuadraticForm(points @ points.T, FORM.linear, 2, semidefinite=True)
    path = tmp_path / f"model{suffix}"
    write_model(iqp_model(form), path)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    assert solver.readModel(str(path)) == highspy.HighsStatus.kOk
    assert solver.getLp().num_col_ == 5
    entries = np.zeros((5, 5))
    hessian = solver.getModel().hessian_
    for column in range(5):
        part = slice(hessian.start_[column], hessian.start_[column + 1])
        entries[hessian.index_[part], column] = hessian.value_[part]
    np.testing.assert_allclose(np.tril(entries), np.tril(2 * form.matrix), rtol=1e-12)
