"""``subsetopt export`` and the list of solvers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import subsetopt as so
from subsetopt import _dependencies, models
from subsetopt.cli import app
from subsetopt.formats import write_model
from subsetopt.problems import MMDSelection

VALUES = np.random.default_rng(0).random((6, 2))


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.parametrize("suffix", [".mps", ".lp"])
@pytest.mark.parametrize("dimensions", [1, 2])
def test_export_writes_the_problem_s_model(tmp_path: Path, suffix: str, dimensions: int) -> None:
    values = VALUES if dimensions == 2 else VALUES[:, 0]
    np.save(tmp_path / "values.npy", values)
    out = tmp_path / f"model{suffix}"
    options = [
        "--k",
        2,
        "--cardinality",
        "at_most",
        "--target",
        "0.5,0.25" if dimensions == 2 else "0.5",
    ]
    result = run("export", "mean-matching", tmp_path / "values.npy", *options, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "linear" in result.stdout or "quadratic" in result.stdout
    target = [0.5, 0.25] if dimensions == 2 else 0.5
    problem = so.MeanMatching(values, 2, target=target, cardinality="at_most")
    model = problem.quadratic_model() if dimensions == 2 else problem.linear_model()
    write_model(model, tmp_path / f"expected{suffix}")
    assert out.read_bytes() == (tmp_path / f"expected{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("name", "words"), [("model.txt", ".mps, .lp"), ("no/model.lp", "no such folder")]
)
def test_a_bad_destination(tmp_path: Path, name: str, words: Any) -> None:
    np.save(tmp_path / "values.npy", VALUES)
    result = run(
        "export", "mean-matching", tmp_path / "values.npy", "-k", 2, "--out", tmp_path / name
    )
    assert result.exit_code == 2
    assert words in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["values.npy"]


DIVERSITY = "4 2\n0 1 1.5\n0 2 2\n0 3 3\n1 2 4\n1 3 5\n2 3 7\n"
MODELS: dict[str, Any] = {
    "iqp": models.iqp_model,
    "iqp-folded": lambda form: models.iqp_model(form, folded=True),
    **models.LINEARISATIONS,
}


@pytest.mark.parametrize("model", MODELS)
def test_export_of_quadratic_problems(tmp_path: Path, model: str) -> None:
    (tmp_path / "d.txt").write_text(DIVERSITY)
    np.save(tmp_path / "points.npy", VALUES)
    diversity = so.read_problem(tmp_path / "d.txt")
    for problem, arguments, said in (
        (diversity, ["quadratic", tmp_path / "d.txt"], "value = -objective"),
        (
            MMDSelection(VALUES, 2, scale_columns="std"),
            ["mmd", tmp_path / "points.npy", "-k", 2],
            "(value of the model)",
        ),
    ):
        out, expected = tmp_path / "model.mps", tmp_path / "expected.mps"
        result = run("export", *arguments, "--model", model, "--out", out)
        assert result.exit_code == 0, result.stderr
        assert ("linear" if model in models.LINEARISATIONS else "quadratic") in result.stdout
        assert said in result.stdout
        write_model(MODELS[model](problem.quadratic_form()), expected)
        assert out.read_bytes() == expected.read_bytes()


def test_bad_models_and_destinations_are_told_before_the_work(tmp_path: Path) -> None:
    for options, words in (
        (["--model", "qubo", "--out", tmp_path / "m.lp"], "'iqp-folded', 'published', 'mccormick'"),
        (["--out", tmp_path / "m.nl"], ".mps, .lp"),
        (["--out", tmp_path / "no/m.lp"], "no such folder"),
        ([], "--out"),
    ):
        result = run("export", "quadratic", tmp_path / "none.txt", *options)
        assert result.exit_code == 2
        assert words in result.stderr
    assert not list(tmp_path.iterdir())


def test_solvers_as_json() -> None:
    result = run("solvers", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["version"] == so.__version__
    assert [row["name"] for row in document["solvers"]] == [
        row.name for row in so.available_solvers()
    ]
    for row in document["solvers"]:
        assert row["available"] or row["reason"]
        assert row["kind"]
        assert row["handles"]


def test_solvers_for_people_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dependencies, "_findable", lambda module: module != "pyscipopt")
    result = run("solvers")
    assert result.exit_code == 0, result.stderr
    for row in so.available_solvers():
        assert row.name in result.stdout
    assert "not installed" in " ".join(result.stdout.split())
    assert "\x1b" not in result.stdout


def test_version() -> None:
    assert run("--version").stdout == f"subsetopt {so.__version__}\n"
