"""``subsetopt known``: the registry, and answers held against it."""

import csv
import json
import lzma
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import subsetopt as so
from subsetopt import benchmarks
from subsetopt._machine import Machine
from subsetopt.benchmarks import _best_known, _checking
from subsetopt.benchmarks._best_known import BestKnown, registry
from subsetopt.benchmarks.cases._instance_files import stem
from subsetopt.benchmarks.results import (
    CaseInfo,
    MeasurementOptions,
    Plan,
    Results,
    Row,
    Session,
)
from subsetopt.cli import app

TRIANGLE = "5 3\n" + "\n".join(
    f"{i} {j} {1 + 10 * (i < 3 and j < 3)}" for i in range(5) for j in range(i + 1, 5)
)
"""The best three are 0, 1, 2: the sum of distances is 33."""
BQP = "2\n2 2\n1 1 5\n1 2 -1\n2 1\n1 1 7\n"
"""m'Qm of the first: 5 of item 0 alone, 3 of both, 0 of item 1."""


def entry(instance: str, k: int | None, value: float, **changes: Any) -> BestKnown:
    plain: dict[str, Any] = {"published": f"{value:g}", "source": "A & B", "year": "2001"}
    rest: dict[str, Any] = {"sense": "maximise", "proven": False}
    return BestKnown(instance=instance, k=k, value=value, **{**plain, **rest, **changes})


KNOWN = (entry("MDG-x", 3, 33.0), entry("MDG-x", 2, 20.0), entry("bqp2.1", None, 5.0, year=""))


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the registry hold two small instances, whose files lie in the data folder."""
    rows: Mapping[Any, BestKnown] = {(row.instance, row.k): row for row in KNOWN}
    monkeypatch.setattr(_checking, "registry", lambda: rows)
    monkeypatch.setattr(_best_known, "registry", lambda: rows)
    monkeypatch.delenv("SUBSETOPT_DATA", raising=False)
    place = tmp_path / "data"
    (place / "mdplib").mkdir(parents=True)
    (place / "bqp").mkdir()
    (place / "mdplib" / "MDG-x.txt.xz").write_bytes(lzma.compress(TRIANGLE.encode()))
    (place / "bqp" / "bqp2.txt").write_text(BQP)
    return place


def run(*arguments: Any, **keywords: Any) -> Any:
    return CliRunner().invoke(app, ["known", *(str(a) for a in arguments)], **keywords)


def written(path: Path, indices: list[int]) -> Path:
    path.write_text(json.dumps(indices))
    return path


# -- list -----------------------------------------------------------------------------------------


def test_the_list_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_checking, "registry", registry)
    document = json.loads(run("list", "MDG-a*", "--json").stdout)
    assert {row["instance"] for row in document["instances"]} == {
        "MDG-a_1_n500_m50",
        "MDG-a_2_n500_m50",
    }
    assert document["instances"][1]["k"] == 200
    assert len(json.loads(run("list", "--json").stdout)["instances"]) == len(registry())


def test_the_list_for_people() -> None:
    first, second = run("list").stdout.splitlines()[4:6]
    cells = re.split(" {2,}", first.strip())
    assert cells == ["MDG-x", "2", "20", "maximise", "no", "A & B", "2001"]
    assert "any" in second
    assert "bqp2.1" not in run("list", "MDG*").stdout


def test_a_pattern_that_matches_nothing() -> None:
    result = run("list", "MDG-y")
    assert result.exit_code == 2
    assert "an instance must be one of 2, such as MDG-x" in result.stderr


# -- one answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".txt", ".json", "-array.json"])
def test_every_file_that_solve_writes(tmp_path: Path, data: Path, suffix: str) -> None:
    file, out = data / "mdplib" / "MDG-x.txt.xz", tmp_path / f"answer{suffix}"
    problem = so.read_problem(file)
    solution = so.solve(problem, "tabu")
    if suffix == ".json":
        out.write_text(solution.to_json())
    elif suffix == "-array.json":
        out.write_text(json.dumps([2, 0, 1]))
    else:
        assert solution.indices is not None
        so.formats.write_indices(solution.indices, out)
    result = run("check", out, "--instance", file)
    assert result.exit_code == 0, result.stderr
    assert "MDG-x: reaches the best known value, 33 (A & B, 2001)" in result.stdout
    assert "value 33 with k = 3" in result.stdout


def test_standard_input_and_the_data_folder(data: Path) -> None:
    options = ["--name", "MDG-x", "--json"]
    result = run("check", "-", *options, "--data", data, input="0\n1\n2\n")
    assert result.exit_code == 0, result.stderr
    named = run("check", "-", *options, input="[0, 1, 2]", env={"SUBSETOPT_DATA": str(data)})
    assert json.loads(named.stdout) == json.loads(result.stdout)
    document = json.loads(result.stdout)
    assert (document["value"], document["objective"], document["k"]) == (33.0, -33.0, 3)
    assert (document["standing"], document["gap"]) == ("reached", 0.0)
    assert document["registry_line"] is None


def test_a_worse_answer(tmp_path: Path, data: Path) -> None:
    result = run("check", written(tmp_path / "a", [0, 1, 3]), "--name", "MDG-x", "--data", data)
    assert result.exit_code == 1
    assert "60.6 % worse than the best known value, 33" in result.stdout
    assert "registry" not in result.stdout


def test_k_is_the_number_of_indices_where_that_is_registered(tmp_path: Path, data: Path) -> None:
    pair = written(tmp_path / "a", [0, 1])
    result = run("check", pair, "--name", "MDG-x", "--data", data, "--json")
    assert json.loads(result.stdout)["best_known"] == 20.0
    wrong = run("check", pair, "--name", "MDG-x", "--data", data, "--k", 3)
    assert wrong.exit_code == 2
    assert "must be 3 distinct candidates; got 2" in wrong.stderr


@pytest.mark.parametrize(
    ("chosen", "options", "code", "words"),
    [
        ([0], [], 0, "reaches"),
        ([0, 1], [], 1, "40 % worse"),
        ([0], ["--k", "2"], 2, "must be 2 distinct candidates; got 1"),
    ],
)
def test_instances_of_one_file_that_leave_k_open(
    tmp_path: Path, data: Path, chosen: list[int], options: list[str], code: int, words: str
) -> None:
    answer = written(tmp_path / "a", chosen)
    for place in (["--data", data], ["--instance", data / "bqp" / "bqp2.txt"]):
        result = run("check", answer, "--name", "bqp2.1", *place, *options)
        assert result.exit_code == code
        assert words in result.output


@pytest.mark.parametrize("source", ["array", "solution", "named"])
def test_a_new_best_gives_the_line_for_the_registry(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    weaker = {("MDG-x", 3): replace(KNOWN[0], value=30.0, published="30")}
    for module in (_checking, _best_known):
        monkeypatch.setattr(module, "registry", lambda: weaker)
    answer = written(tmp_path / "a", [0, 1, 2])
    if source != "array":
        answer.write_text(so.solve(so.read_problem(data / "mdplib/MDG-x.txt.xz"), "swap").to_json())
    by = {"array": "unknown", "solution": f"subsetopt {so.__version__}, swap", "named": "C, D"}
    options = ["--by", "C, D"] if source == "named" else []
    result = run("check", answer, "--name", "MDG-x", "--data", data, *options)
    assert result.exit_code == 0
    assert "NEW BEST 33.0, 10 % better than 30" in result.stdout
    (line,) = csv.reader([result.stdout.splitlines()[-1]])
    assert line[:-1] == ["MDG-x", "3", "maximise", "33", "no", "33", by[source]]
    fields = dict(zip(BestKnown.__dataclass_fields__, line, strict=True))
    assert _best_known._row(fields).value == 33.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[0, 1, 1]", "indices must be distinct; got 1 more than once"),
        ("[0, 1, 5]", "indices must be in [0, 4]; got 5"),
        ("[0, 1, 2, 3]", "must be 3 distinct candidates; got 4"),
        ("[0, 1.5, 2]", "must hold an array of integers"),
        ('{"indices": null}', "holds no answer"),
        ('{"indices": 5}', "must hold an array of integers"),
        ("[0, 1", "not JSON"),
        ("0\n1.5\n2\n", "integers, one per line; got 1.5 as number 2"),
        ("0 1 2\n1 2 3\n", "shape (2, 3)"),
        ("", "empty"),
    ],
)
def test_bad_answers(tmp_path: Path, data: Path, text: str, words: str) -> None:
    answer = tmp_path / "a"
    answer.write_text(text)
    result = run("check", answer, "--name", "MDG-x", "--data", data)
    assert result.exit_code == 2, result.stdout
    assert words in result.stderr


def test_bad_instances(tmp_path: Path, data: Path) -> None:
    answer = written(tmp_path / "a", [0, 1, 2])
    np.save(tmp_path / "matrix.npy", np.eye(5))
    for options, words in (
        ([], "which instance is it"),
        (["--name", "MDG-z", "--data", data], "such as MDG-x"),
        (["--instance", tmp_path / "other.txt"], "for any letters; got 'other'"),
        (["--name", "MDG-x"], "where is MDG-x?"),
        (["--name", "MDG-x", "--data", tmp_path], "no "),
        (["--name", "MDG-x", "--data", data, "--k", 4], "but for k = 3, 2"),
        (["--name", "bqp2.1", "--instance", data / "mdplib/MDG-x.txt.xz"], "called as MDG-x is"),
        (["--name", "MDG-x", "--instance", tmp_path / "matrix.npy"], "to maximise; the file"),
    ):
        result = run("check", answer, *options)
        assert result.exit_code == 2
        assert words in result.stderr
    missing = run("check", tmp_path / "none", "--name", "MDG-x", "--data", data)
    assert missing.exit_code == 2
    assert "none" in missing.stderr


def test_names_from_files() -> None:
    assert stem("a/MDG-a_1_n500_m50.txt.xz") == "MDG-a_1_n500_m50"
    assert stem("k.tar.xz:k/kcluster40_025_10_1.dat") == "kcluster40_025_10_1"
    assert stem("QPLIB_0633.opb") == "QPLIB_0633"


# -- a folder -------------------------------------------------------------------------------------


def results(*rows: Row) -> Results:
    known = KNOWN[0]
    cases = tuple(
        CaseInfo(name=name, family="quadratic", source="s", n=5, k=3, sense="maximise", known=best)
        for name, best in (("MDG-x-k3", known), ("drawn-k3", None))
    )
    machine = Machine("cpu", 2, "Linux", "3.11", "2.0", "0.9")
    session = Session(machine=machine, packages={}, commit="", started="", jobs=1)
    plan = Plan(suite="quadratic", settings=MeasurementOptions(), contenders=(), cases=cases)
    return Results(plan=plan, sessions=(session,), rows=rows)


def row(
    solver: str, indices: tuple[int, ...] | None, objective: float | None, **changes: Any
) -> Row:
    fixed = {"case": "MDG-x-k3", "family": "quadratic", "source": "s", "n": 5, "k": 3}
    return Row(**{**fixed, "solver": solver, "indices": indices, "objective": objective, **changes})


def checked_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Row], *options: Any
) -> Any:
    monkeypatch.setattr(benchmarks, "load_results", lambda path: results(*rows))
    return run("check", tmp_path, *options)


GOOD, WORSE = row("tabu", (0, 1, 2), -33.0), row("random", (0, 1, 3), -13.0)


def test_the_best_answer_of_a_folder_counts(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [row("cbc", None, None, failure="killed"), row("swap", (0, 1), -1.0, case="drawn-k3")]
    rows = [WORSE, GOOD, *others]
    result = checked_folder(tmp_path, monkeypatch, rows, "--data", data)
    assert result.exit_code == 0, result.stderr
    (line,) = [line for line in result.stdout.splitlines() if "MDG-x" in line]
    assert line.split()[:2] == ["2", "1"]
    assert "reaches" in line
    assert "tabu" in line
    document = json.loads(
        checked_folder(tmp_path, monkeypatch, rows, "--data", data, "--json").stdout
    )
    assert [answer["answer"]["standing"] for answer in document["answers"]] == ["worse", "reached"]
    assert [answer["solver"] for answer in document["best"]] == ["tabu"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (row("liar", (0, 1, 3), -33.0), "states the objective -33.0; it is -13.0"),
        (row("liar", (0, 1, 1), -33.0), "indices must be distinct; got 1 more than once"),
        (row("liar", (0, 1), -11.0), "indices must be 3 distinct candidates; got 2"),
        (row("liar", (0, 1, 2), None), "states the objective None; it is -33.0"),
    ],
)
def test_what_rows_state_is_not_trusted(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, wrong: Row, words: str
) -> None:
    result = checked_folder(tmp_path, monkeypatch, [GOOD, wrong], "--data", data)
    assert result.exit_code == 2
    assert f"MDG-x-k3, liar, repeat 0: {words}" in result.stdout


def test_a_folder_of_worse_answers(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = checked_folder(tmp_path, monkeypatch, [WORSE], "--data", data)
    assert result.exit_code == 1
    assert "60.6 % worse" in result.stdout


def test_a_new_best_in_a_folder(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weaker = {("MDG-x", 3): replace(KNOWN[0], value=30.0)}
    for module in (_checking, _best_known):
        monkeypatch.setattr(module, "registry", lambda: weaker)
    result = checked_folder(tmp_path, monkeypatch, [GOOD, WORSE], "--data", data)
    assert result.exit_code == 0
    (line,) = csv.reader([result.stdout.splitlines()[-1]])
    assert line[:-1] == ["MDG-x", "3", "maximise", "33", "no", "33", "subsetopt 0.9, tabu"]


def test_folders_that_cannot_be_checked(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rows, options, words in (
        ([row("a", (0,), 1.0, case="drawn-k3")], ["--data", data], "holds no answer"),
        ([GOOD], [], "where is MDG-x?"),
        ([GOOD], ["--name", "MDG-x"], "--name is for a single answer"),
    ):
        result = checked_folder(tmp_path, monkeypatch, rows, *options)
        assert result.exit_code == 2
        assert words in result.stderr
