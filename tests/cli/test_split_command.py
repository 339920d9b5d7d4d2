"""``subsetopt split``: what it prints and writes, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from subsetopt.cli import app
from subsetopt.tables import split_rows


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = [f"K{i};{'ab'[i % 2]};{x:.3f};{y:.3f}".replace(".", ",")
             for i, (x, y) in enumerate(rng.normal(size=(40, 2)))]  # fmt: skip
    (tmp_path / "rows.csv").write_text("\n".join(["key;kind;x;y", *lines]))
    return tmp_path / "rows.csv"


def run(*arguments: Any) -> Any:
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, ["split", *map(str, arguments)])


def test_it_is_the_split_of_python(rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "parts.csv"
    result = run(rows, "--parts", "50,25,25", "--by", "kind", "--seed", 3, "--names", "a,b,c",
                 "--out", out, "--json")  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    given = json.loads(result.stdout)
    expected = split_rows(rows, [50, 25, 25], by="kind", seed=3, names=["a", "b", "c"])
    assert given["part"] == expected.parts.tolist()
    assert given["ids"] == [f"K{i}" for i in range(40)]
    assert [(part["name"], part["rows"]) for part in given["parts"]] == [
        ("a", 20), ("b", 10), ("c", 10)]  # fmt: skip
    assert [line.rsplit(";", 1)[1] for line in out.read_text().splitlines()] == [
        "part", *expected.part_names]  # fmt: skip


def test_it_shows_parts_and_columns(rows: Path, tmp_path: Path) -> None:
    result = run(rows, "--folds", 4, "--plot", tmp_path / "parts.svg")
    assert result.exit_code == 0, result.output
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert "rows.csv: 40 rows in 4 parts, 10 / 10 / 10 / 10" in result.stdout
    assert (tmp_path / "parts.svg").is_file()
    said = "".join(result.stdout.split())
    assert "parts.svgholdsthepicture" in said
    assert "--outFILEwritesallrows" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--parts", "70,a"], "--parts must be numbers separated by commas"),
        (["--parts", "70,0,30"], "--parts must be numbers > 0; got 70.0, 0.0, 30.0"),
        (["--folds", "1"], "--folds must be"),
        (["--folds", "2", "--out", "rows.csv"], "--out must name another file than"),
        (["--parts", "1,1", "--out", "parts.txt"], "known are .csv, .parquet"),
    ],
)
def test_it_refuses(
    rows: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rows.parent)
    result = run(rows, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
