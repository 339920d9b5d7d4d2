"""``subsetopt coreset``: what it prints and writes, what it refuses, and Ctrl-C."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

import subsetopt as so
from subsetopt.cli import app
from subsetopt.coresets import _pool

X = np.random.default_rng(0).normal(size=(700, 3)) * [1.0, 2.0, 30.0]
NAMES = [f"row {i}" for i in range(len(X))]


@pytest.fixture
def points(tmp_path: Path) -> Path:
    columns = {"name": NAMES, "a": X[:, 0], "b": X[:, 1], "c": X[:, 2]}
    pa.parquet.write_table(pa.table(columns), tmp_path / "points.parquet")
    return tmp_path / "points.parquet"


def run(*arguments: Any, **more: Any) -> Any:
    return CliRunner().invoke(app, ["coreset", *map(str, arguments)], **more)


def answer(*arguments: Any) -> Any:
    result = run(*arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return json.loads(result.stdout)


def assert_error(result: Any, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert all(word in result.stderr for word in words), result.stderr


def test_it_is_the_coreset_of_python(points: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "target.npy", X[:200, :2] + 1.0)
    given = answer(
        points, "--k", 12, "--id", "name", "--columns", "b,a", "--target", tmp_path / "target.npy",
        "--kernel", "laplace", "--scale", 2, "--scale-columns", "robust", "--pool", 300,
        "--weights", "--memory", "1GiB", "--seed", 3, "--threads", 1,
    )  # fmt: skip
    expected = so.coreset(
        points, 12, id="name", columns=["b", "a"], target=X[:200, :2] + 1.0, kernel=so.Laplace(2),
        scale_columns="robust", pool=300, weights=True, seed=3,
    )  # fmt: skip
    assert given["indices"] == expected.indices.tolist()
    assert given["ids"] == [NAMES[i] for i in expected.indices]
    assert given["weights"] == pytest.approx(expected.weights)
    for key in ("mmd", "mmd_error", "random_mmd", "weighted_mmd", "n", "pool"):
        assert given[key] == pytest.approx(getattr(expected, key), rel=1e-6)
    assert [column["name"] for column in given["columns"]] == ["b", "a"]
    assert (given["seed"], given["scale_columns"]) == (3, "robust")


def test_the_terminal_names_the_file_and_of_how_many_rows_a_distance_is(
    points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pool, "WITNESSES", 100)
    numbers = pa.table({"row": np.arange(len(X)), "a": X[:, 0]})
    pa.parquet.write_table(numbers, tmp_path / "numbers.parquet")
    given = (tmp_path / "numbers.parquet", "-k", 30, "--id", "row", "--pool", 300)
    shown = " ".join(run(*given).stdout.split())
    assert "--out FILE writes all" in shown
    assert "indices, ids" in shown
    assert "KS distance: of the distribution functions of a sample of 100 rows" in shown
    monkeypatch.chdir(tmp_path)
    shown = " ".join(run(*given, "--out", "c.csv").stdout.split())
    assert "--out FILE" not in shown
    assert "c.csv has all" in shown
    assert "c.csv holds the chosen" in shown


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_the_chosen_are_written(points: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"chosen{suffix}"
    result = run(points, "-k", 9, "--id", "name", "--weights", "--out", out)
    assert result.exit_code == 0, result.output
    if suffix == ".json":
        whole = json.loads(out.read_text())
        read = {"index": whole["indices"], "id": whole["ids"], "weight": whole["weights"]}
    elif suffix == ".parquet":
        read = pa.parquet.read_table(out).to_pydict()
    else:
        with out.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        read = {key: [row[key] for row in rows] for key in rows[0]}
        read["index"] = [int(one) for one in read["index"]]
    assert list(read) == ["index", "id", "weight"]
    assert read["id"] == [NAMES[i] for i in read["index"]]
    assert sum(map(float, read["weight"])) == pytest.approx(1.0)
    expected = so.coreset(points, 9, id="name", weights=True, scale_columns="std")
    assert read["index"] == expected.indices.tolist()


def test_what_people_see_fits_80_columns(points: Path, tmp_path: Path) -> None:
    result = run(
        points, "-k", 40, "--id", "name", "--weights", "--plot", tmp_path / "far.svg",
        env={"COLUMNS": "80"},
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, "")
    assert max(map(len, result.stdout.splitlines())) <= 80
    said = " ".join(result.stdout.replace("│", " ").split())
    for words in (
        "coreset: 40 of 700 rows",
        "MMD 0.0",
        ", exact",
        "times as far",
        "weights up to",
        "seconds survey",
        "KS distance",
        "mean of",
    ):
        assert words in said
    assert all(f" {name} " in said for name in "abc")
    assert (tmp_path / "far.svg").read_text().lstrip().startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--k", 351], 2, "k must be at most half the 700 rows"),
        (["--k", 0], 2, "--k must be"),
        (["--k", 5, "--kernel", "precomputed"], 2, "needs features"),
        (
            ["--k", 5, "--kernel", "gauss"],
            2,
            "'polynomial', 'linear'; got 'gauss' (did you mean 'gaussian'?)\n",
        ),
        (["--k", 5, "--columns", "a,z"], 2, "there is no column 'z'"),
        (["--k", 300, "--memory", "1kB"], 1, "more memory"),
        (["--k", 5, "--pool", 9], 2, "pool must be"),
        (["--k", 5, "--out", "chosen.txt"], 2, "known are .csv, .parquet, .json"),
        (["--k", 5, "--scheduler", "tcp://10.0.0.1:8786"], 2, "--scheduler"),
        (["--k", 5, "--target", "nothing.npy"], 2, "nothing.npy does not exist"),
    ],
)
def test_what_is_refused(points: Path, arguments: list[Any], code: int, words: str) -> None:
    assert_error(run(points, *arguments), code, words)


def test_ctrl_c_leaves_nothing_half_written(
    points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from subsetopt.solution import Termination

    out = tmp_path / "chosen.csv"
    out.write_text("as it was")

    def interrupted(*arguments: Any, **options: Any) -> Any:
        solution = so.solve(*arguments, **options)
        object.__setattr__(solution, "termination", Termination.INTERRUPTED)
        return solution

    monkeypatch.setattr(_pool, "solve", interrupted)
    assert_error(run(points, "-k", 5, "--out", out), 130, "interrupted")
    assert out.read_text() == "as it was"


def test_ctrl_c_keeps_the_best_exchange_so_far(
    points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from subsetopt.solution import Termination

    limits: list[Any] = []

    def interrupted(problem: Any, solver: Any, **options: Any) -> Any:
        solution = so.solve(problem, solver, **options)
        if solver != "herding":
            limits.append(options["time_limit"])
            object.__setattr__(solution, "termination", Termination.INTERRUPTED)
        return solution

    monkeypatch.setattr(_pool, "solve", interrupted)
    out, given = tmp_path / "chosen.csv", (points, "-k", 5, "--columns", "a,b,c")
    result = run(*given, "--time-limit", 3, "--out", out)
    assert result.exit_code == 130
    assert "the best so far" in result.stdout
    assert len(out.read_text().splitlines()) == 6
    assert limits == [3.0]
    # What is read is kept instead, so that the same command ends with the whole answer.
    saved = tmp_path / "saved"
    assert_error(run(*given, "--checkpoint", saved), 130, "interrupted")
    assert saved.is_file()


def test_progress_begins_anew_with_each_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    from subsetopt.report._progress import Steps

    clock = iter(range(0, 1000, 10))
    steps = Steps("rows read", now=lambda: float(next(clock)))
    steps.update(100, None, label="rows read")
    steps.update(900, None, label="rows read")
    steps.update(0, 900, label="rows compared")
    steps.update(300, 900, label="rows compared")
    line = steps.line(float(next(clock)))
    assert line == "rows compared: 300 of 900, 20 s gone, about 40 s left"


def test_the_engine_and_its_scheduler_are_passed_on(
    points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    chosen = so.coreset  # before there is another in its place

    def choose(*arguments: Any, **options: Any) -> Any:
        given.update(options)
        return chosen(points, 9, id="name", scale_columns="std")

    monkeypatch.setattr("subsetopt.coresets.coreset", choose)
    answer(points, "-k", 9, "--engine", "dask", "--scheduler", "tcp://10.0.0.1:8786")
    assert (given["engine"], given["scheduler"]) == ("dask", "tcp://10.0.0.1:8786")
    answer(points, "-k", 9)
    assert (given["engine"], given["scheduler"]) == ("local", None)


def test_constraints_are_those_of_solve(tmp_path: Path) -> None:
    kind = np.where(np.arange(len(X)) < 10, "rare", "common")
    table = pa.table({"name": NAMES, "kind": kind, "a": X[:, 0], "b": X[:, 1]})
    pa.parquet.write_table(table, tmp_path / "points.parquet")
    shared = (tmp_path / "points.parquet", "--k", 20, "--id", "name", "--pool", 100)
    flags = ("--at-least", "kind=4", "--include", "row 77", "--exclude", "row 1")
    given = answer(*shared, *flags)
    few = so.coreset(
        tmp_path / "points.parquet",
        20,
        id="name",
        scale_columns="std",
        pool=100,
        constraints={"at_least": {"kind": 4}, "include": ["row 77"], "exclude": ["row 1"]},
    )
    assert given["indices"] == few.indices.tolist()
    assert given["groups"]["kind"]["rare"] >= 4
    assert "row 77" in given["ids"]
    shown = run(*shared, "--exactly", "kind=proportional")
    assert "common 20, rare 0" in shown.stdout
    assert_error(run(*shared, "--at-most", "kid=3"), 2, "there is no column 'kid'")
    assert_error(run(*shared, "--at-least", "kind=x"), 2, "--at-least must end with an integer")
    assert_error(run(*shared, "--include", "row x"), 2, "--include names 1 rows by their ids")
