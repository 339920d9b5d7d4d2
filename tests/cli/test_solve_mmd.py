"""``subsetopt solve mmd`` on tables whose columns have different units."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import subsetopt as so
from subsetopt.cli import app

RNG = np.random.default_rng(3)
TABLE = np.column_stack([RNG.normal(3e4, 1e4, 200), RNG.exponential(size=200), RNG.random(200)])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    text = "income,years,share\n" + "\n".join(",".join(map(repr, row)) for row in TABLE.tolist())
    (tmp_path / "people.csv").write_text(text)
    return tmp_path / "people.csv"


def run(*arguments: Any) -> Any:
    command = ["solve", "mmd", *map(str, arguments), "--solver", "herding"]
    return CliRunner().invoke(app, command, env={"COLUMNS": "80"})


def answer(*arguments: Any) -> Any:
    result = run(*arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_columns_are_scaled_unless_told_otherwise(table: Path) -> None:
    for method in ("std", "robust", "none"):
        problem = so.MMDSelection(TABLE, 20, scale_columns=method)
        expected = so.solve(problem, "herding").indices
        found = answer(table, "-k", 20, "--scale-columns", method)
        np.testing.assert_array_equal(found["indices"], expected)
        assert found["scale_columns"] == method
    assert answer(table, "-k", 20)["scale_columns"] == "std"


def test_each_column_is_compared_with_random_rows(table: Path) -> None:
    found = answer(table, "-k", 20)
    expected = so.marginals(TABLE, found["indices"], names=["income", "years", "share"])
    assert found["columns"] == [row.to_dict() for row in expected]
    result = run(table, "-k", 20)
    lines = [line for line in result.stdout.splitlines() if line.strip()]
    assert max(map(len, lines)) <= 80
    assert any("3, scaled by their standard deviations" in line for line in lines)
    heads = [line.split()[0] for line in lines[-4:-1]]
    assert heads == ["income", "years", "share"]


def test_a_single_column_and_very_many(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", TABLE[:, 0])
    np.save(tmp_path / "many.npy", np.random.default_rng(0).normal(size=(30, 101)))
    assert len(answer(tmp_path / "one.npy", "-k", 5)["columns"]) == 1
    assert answer(tmp_path / "many.npy", "-k", 5)["columns"] is None
    shown = run(tmp_path / "many.npy", "-k", 5).stdout.replace("│", "")
    assert "so many are not compared" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scale-columns", "max"], "std, robust or none; got 'max'"),
        (["--scale-columns", "std", "--kernel", "precomputed"], "no columns to scale"),
    ],
)
def test_bad_scalings(table: Path, options: list[str], message: str) -> None:
    result = run(table, "-k", 20, *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_target_is_matched_and_compared_with(table: Path, tmp_path: Path) -> None:
    domain, weights = TABLE[:10] * 1.5, np.arange(1.0, 11.0)
    lines = ["income,years,share", *(",".join(map(repr, row)) for row in domain.tolist())]
    (tmp_path / "domain.csv").write_text("\n".join(lines) + "\n")
    np.save(tmp_path / "weights.npy", weights)
    more = ("--target", tmp_path / "domain.csv", "--target-weights", tmp_path / "weights.npy")
    found = answer(table, "-k", 20, *more)
    problem = so.MMDSelection(TABLE, 20, target=domain, target_weights=weights, scale_columns="std")
    assert found["objective"] == so.solve(problem, "herding").objective
    assert "root_mmd_to_whole" not in found
    chosen = found["indices"]
    names = ["income", "years", "share"]
    expected = so.marginals(TABLE, chosen, names=names, target=domain, weights=weights)
    assert found["columns"] == [row.to_dict() for row in expected]
    assert "target" in run(table, "-k", 20, *more).stdout
    other = run(table, "-k", 20, "--target", tmp_path / "weights.npy")
    assert other.exit_code == 2
    assert "candidates has 3 features and target has 1" in other.stderr.replace("\n", " ")


def test_rows_are_weighted_and_an_embedding_is_read(table: Path, tmp_path: Path) -> None:
    weights = np.linspace(0, 1, len(TABLE))
    np.save(tmp_path / "weights.npy", weights)
    found = answer(table, "-k", 20, "--weights", tmp_path / "weights.npy")
    problem = so.MMDSelection(TABLE, 20, weights=weights, scale_columns="std")
    assert found["objective"] == so.solve(problem, "herding").objective
    kernel = so.Gaussian(scale=1.0)(TABLE, TABLE)
    np.save(tmp_path / "K.npy", kernel)
    np.save(tmp_path / "mean.npy", kernel[:, :5].mean(axis=1))
    matrix = (tmp_path / "K.npy", "-k", 20, "--kernel", "precomputed")
    embedded = answer(*matrix, "--target", tmp_path / "mean.npy")
    embedding = so.MeanEmbedding(kernel[:, :5].mean(axis=1))
    aimed = so.MMDSelection(kernel, 20, kernel="precomputed", target=embedding)
    assert embedded["objective"] == so.solve(aimed, "herding").objective


@pytest.mark.parametrize(
    ("other", "says"),
    [(3.0, "any choice is as good"), (None, "with one value, so that they do not count: flat")],
)
def test_columns_with_one_value_are_named(tmp_path: Path, other: float | None, says: str) -> None:
    rows = [f"{i if other is None else other},1" for i in range(12)]
    (tmp_path / "flat.csv").write_text("\n".join(["x,flat", *rows]))
    result = run(tmp_path / "flat.csv", "-k", 3)
    assert says in " ".join(result.stdout.replace("│", "").split())
