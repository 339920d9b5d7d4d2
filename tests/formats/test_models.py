"""Models written and read back by the solvers that can read them."""

import itertools
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.formats import write_model
from subsetopt.models import LinearModel, QuadraticModel, SparseRows

SUFFIXES = (".mps", ".lp")
Rows = dict[str, tuple[float, float, dict[str, float]]]
INF = np.inf


def scalars(n: int = 12, k: int = 4, **options: Any) -> so.MeanMatching:
    return so.MeanMatching(np.random.default_rng(0).random(n), k, **options)


def vectors(n: int = 10, d: int = 3, k: int = 4) -> so.MeanMatching:
    return so.MeanMatching(np.random.default_rng(1).random((n, d)), k)


def optimum(problem: so.MeanMatching) -> float:
    return min(map(problem.objective, itertools.combinations(range(problem.n), problem.k)))


def everything() -> LinearModel:
    """Every kind of row, bound and column; its optimum is finite."""
    return LinearModel(
        name="odd name, ünusual",
        objective=np.array([1.5, -2.0, 0.1, 0.0, 0.0, 1 / 3, 0.0]),
        lower=np.array([-INF, -3.25, 0.0, -INF, 2.0, 0.0, 4.5]),
        upper=np.array([INF, 7.0, INF, -1.0, 9.0, INF, 4.5]),
        integer=np.array([0, 1, 0, 0, 1, 1, 0], dtype=bool),
        rows=SparseRows.of(
            [
                (np.array([0, 1, 2]), np.array([1 / 3, 2.0, -1e-5])),
                (np.array([3, 5]), np.array([1.0, 0.0])),
                (np.array([0, 4]), np.array([1.0, 0.7])),
                (np.array([0, 1]), np.array([1.0, 1.0])),
                (np.array([3, 2]), np.array([1e-3, 1 / 7])),
            ]
        ),
        row_lower=np.array([-1.0, -INF, 0.3, -INF, 0.1]),
        row_upper=np.array([2.5, 5.0, INF, INF, 0.1]),
        variable_names=("x", "y", "z", "w", "i", "g", "fixed"),
        row_names=("range", "le", "ge", "nothing", "OBJ"),
        selectors=0,
    )


def crossed() -> QuadraticModel:
    """Squares and products, one of them given twice and both ways round; convex."""
    first, second = np.array([0, 1, 2, 0, 2, 1]), np.array([0, 0, 2, 1, 1, 1])
    return QuadraticModel(everything(), first, second, np.array([1.0, 0.25, 3.0, 0.5, -1 / 3, 2.0]))


MODELS: dict[str, Callable[[], Any]] = {
    "scalars": lambda: scalars().linear_model(),
    "at_most": lambda: scalars(cardinality="at_most").linear_model(),
    "relaxed": lambda: scalars().linear_model().relaxed(),
    "vectors": lambda: vectors().quadratic_model(),
    "everything": everything,
    "crossed": crossed,
}


def highs_read(path: Path) -> Any:
    highspy = pytest.importorskip("highspy")
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    assert model.readModel(str(path)) == highspy.HighsStatus.kOk
    return model


def scip_read(path: Path) -> Any:
    model = pytest.importorskip("pyscipopt").Model()
    model.hideOutput()
    model.readProblem(str(path))
    return model


def matrix(linear: LinearModel) -> Rows:
    """Row limits and dense rows by name, ranges split as the LP format splits them."""
    rows: Rows = {}
    for i, name in enumerate(linear.row_names):
        columns, coefficients = linear.rows.row(i)
        dense = dict(zip((linear.variable_names[j] for j in columns), coefficients, strict=True))
        row = {key: value for key, value in dense.items() if value}
        rows[name] = (linear.row_lower[i], linear.row_upper[i], row)
    return rows


def split_ranges(rows: Rows) -> Rows:
    halves: Rows = {}
    for name, (lower, upper, row) in rows.items():
        if lower == upper or lower == -INF or upper == INF:
            halves[name] = (lower, upper, row)
        else:
            halves[f"{name}.lower"] = (lower, INF, row)
            halves[f"{name}.upper"] = (-INF, upper, row)
    return halves


def highs_matrix(lp: Any) -> Rows:
    columns: dict[int, dict[str, float]] = {row: {} for row in range(lp.num_row_)}
    starts, index, value = lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_
    for j, name in enumerate(lp.col_names_):  # HiGHS keeps its matrix by columns
        for e in range(starts[j], starts[j + 1]):
            columns[index[e]][name] = value[e]
    return {
        name: (lp.row_lower_[i], lp.row_upper_[i], columns[i])
        for i, name in enumerate(lp.row_names_)
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", MODELS)
def test_highs_reads_back_every_bit(tmp_path: Path, name: str, suffix: str) -> None:
    model = MODELS[name]()
    path = tmp_path / f"model{suffix}"
    write_model(model, path)
    lp = highs_read(path).getLp()
    linear = getattr(model, "linear", model)
    # The LP format declares no columns: those that occur nowhere but in the bounds come last.
    place = [lp.col_names_.index(variable) for variable in linear.variable_names]
    assert len(lp.col_names_) == linear.variables
    assert np.array_equal(np.array(lp.col_cost_)[place], linear.objective)
    assert np.array_equal(np.array(lp.col_lower_)[place], linear.lower)
    assert np.array_equal(np.array(lp.col_upper_)[place], linear.upper)
    integer = np.array(
        [int(kind) for kind in lp.integrality_] or [0] * linear.variables, dtype=bool
    )
    assert np.array_equal(integer[place], linear.integer)
    expected = {row: limits for row, limits in matrix(linear).items() if row != "nothing"}
    if suffix == ".lp":
        expected = split_ranges(expected)
    assert highs_matrix(lp) == expected
    assert lp.sense_ == pytest.importorskip("highspy").ObjSense.kMinimize
    assert lp.offset_ == 0


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["vectors", "crossed"])
def test_highs_reads_the_quadratic_form(tmp_path: Path, name: str, suffix: str) -> None:
    model = MODELS[name]()
    path = tmp_path / f"model{suffix}"
    write_model(model, path)
    read = highs_read(path).getModel()
    names, hessian = read.lp_.col_names_, read.hessian_
    generator = np.random.default_rng(0)
    for _ in range(5):
        x = generator.normal(size=model.linear.variables)
        at = dict(zip(model.linear.variable_names, x, strict=True))
        total = sum(cost * at[n] for n, cost in zip(names, read.lp_.col_cost_, strict=True))
        for j in range(hessian.dim_):
            for e in range(hessian.start_[j], hessian.start_[j + 1]):
                i = hessian.index_[e]
                share = 0.5 if i == j else 1.0  # the lower triangle stands for both
                total += share * hessian.value_[e] * at[names[i]] * at[names[j]]
        assert total == pytest.approx(model.value(x), rel=1e-12)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_highs_solves_what_was_written(tmp_path: Path, suffix: str) -> None:
    problem = scalars()
    path = tmp_path / f"model{suffix}"
    write_model(problem.linear_model(), path)
    model = highs_read(path)
    model.run()
    assert model.getInfo().objective_function_value == pytest.approx(optimum(problem), abs=1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("problem", [scalars(), vectors()], ids=["scalars", "vectors"])
def test_scip_solves_what_was_written(
    tmp_path: Path, problem: so.MeanMatching, suffix: str
) -> None:
    path = tmp_path / f"model{suffix}"
    scalar = problem.family == "mean-matching"
    write_model(problem.linear_model() if scalar else problem.quadratic_model(), path)
    model = scip_read(path)
    model.optimize()
    assert model.getStatus() == "optimal"
    assert model.getObjVal() == pytest.approx(optimum(problem), abs=1e-5)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_scip_counts_products_and_squares_as_we_do(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    model = crossed()
    write_model(model, path)
    read = scip_read(path)
    read.optimize()
    assert read.getStatus() == "optimal"
    at = {variable.name: read.getVal(variable) for variable in read.getVars()}
    x = np.array([at.get(name, 0.0) for name in model.linear.variable_names])
    assert read.getObjVal() == pytest.approx(model.value(x), abs=1e-5)
    assert abs(model.value(x) - model.linear.objective @ x) > 0.01  # the products do count


def test_or_tools_solves_the_mps_file(tmp_path: Path) -> None:
    model_builder = pytest.importorskip("ortools.linear_solver.python.model_builder")
    problem = scalars()
    path = tmp_path / "model.mps"
    write_model(problem.linear_model(), path)
    model = model_builder.Model()
    assert model.import_from_mps_file(str(path))
    solver = model_builder.Solver("scip")
    assert solver.solve(model) == model_builder.SolveStatus.OPTIMAL
    assert solver.objective_value == pytest.approx(optimum(problem), abs=1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_lines_are_short(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    write_model(scalars(n=500, k=50).linear_model(), path)
    assert max(map(len, path.read_text().splitlines())) < 255


@pytest.mark.parametrize("name", ["model", "model.txt", "model.mps.gz"])
def test_an_unknown_suffix_names_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(so.InvalidOption, match=r"\.mps, \.lp"):
        write_model(scalars().linear_model(), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".mps", ".LP"])
@pytest.mark.parametrize(
    "change",
    [
        {"variable_names": ("x", "x", "z", "w", "i", "g", "f")},
        {"variable_names": ("x", "a b", "z", "w", "i", "g", "f")},
        {"variable_names": ("x", "e12", "z", "w", "i", "g", "f")},
        {"row_names": ("Free", "le", "ge", "no", "eq")},
        {"objective": np.array([np.nan, 0, 0, 0, 0, 0, 0])},
        {"lower": np.array([0, 0, 0, 0, 10, 0, 4.5])},
        {"row_upper": np.array([-2.0, 5.0, INF, INF, 0.1])},
        {"row_lower": np.array([np.nan, 5.0, INF, INF, 0.1])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_cannot_be_stated_is_refused_and_nothing_written(
    tmp_path: Path, change: dict[str, Any], suffix: str
) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_text("old")
    with pytest.raises(so.InvalidProblem):
        write_model(replace(everything(), **change), path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        write_model(scalars().linear_model(), tmp_path / "nowhere" / "model.lp")


def test_a_folder_and_a_device_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder.lp").mkdir()
    with pytest.raises(IsADirectoryError):
        write_model(scalars().linear_model(), tmp_path / "folder.lp")
    os.mkfifo(tmp_path / "pipe.lp")
    with pytest.raises(so.InvalidOption, match="not a regular file"):
        write_model(scalars().linear_model(), tmp_path / "pipe.lp")


def test_a_link_stays_a_link_and_the_mode_is_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / "real.lp").write_text("old")
    (tmp_path / "link.lp").symlink_to(tmp_path / "real.lp")
    write_model(scalars().linear_model(), tmp_path / "link.lp")
    assert (tmp_path / "link.lp").is_symlink()
    assert (tmp_path / "real.lp").read_text().endswith("End\n")
    (tmp_path / "plain").write_text("")
    modes = {(tmp_path / name).stat().st_mode for name in ("plain", "real.lp")}
    assert len(modes) == 1


def test_an_interruption_leaves_the_old_file(tmp_path: Path) -> None:
    from subsetopt._files import replacing

    path = tmp_path / "model.lp"
    path.write_text("old")

    def interrupted() -> None:
        with replacing(path) as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
