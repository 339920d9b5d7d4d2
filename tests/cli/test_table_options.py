"""Tables in text at the command line: what line 1 is, which columns count, and what is said."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from subsetopt.cli import app

PANDAS = "0\n0.68\n1.02\n0.02\n0.5\n"


def run(*words: Any) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def answer(*words: Any) -> Any:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def ids(tmp_path: Path) -> Path:
    path = tmp_path / "ids.csv"
    path.write_text("id,age,loss\nS1,30,0.5\nS2,40,0.25\n\x1b[2J,50,0.75\n")
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("solve", "mean-matching", "-k", 2),
        ("solve", "mmd", "-k", 2),
        ("sequence", "-k", 2),
        ("export", "mean-matching", "-k", 2, "--out", "model.lp"),
        ("export", "mmd", "-k", 2, "--out", "model.lp"),
    ],
)
def test_doubt_is_an_error_and_an_option_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[Any, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("v.csv").write_text(PANDAS)
    refused = run(*command, "v.csv")
    assert refused.exit_code == 2
    assert "line 1, '0', may be a header" in refused.stderr
    for option, rows in (("--header", "4 rows, column 0"), ("--no-header", "5 rows, 1 column")):
        result = run(*command, "v.csv", option)
        assert result.exit_code == 0, result.output
        assert rows in result.output


def test_what_was_read_is_in_the_answer(ids: Path) -> None:
    options = ("solve", "mean-matching", ids, "-k", 2, "--id", "id", "--columns", "loss")
    found = answer(*options)
    assert found["ids"] == [["S1", "S2", "\x1b[2J"][i] for i in found["indices"]]
    assert found["table"] == {
        "header": True,
        "rows": 3,
        "columns": ["loss"],
        "id": "id",
        "comments": 0,
    }
    panel = run(*options).stdout
    assert "3 rows, column loss (line 1 is a header), ids from id" in panel
    assert "ids" in panel
    assert "\x1b" not in panel
    refused = run("solve", "mean-matching", ids, "-k", 2)
    assert refused.exit_code == 2
    assert "--id id, else choose the columns to read: --columns age,loss" in refused.stderr


def test_an_array_says_nothing_of_tables(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.arange(8.0).reshape(4, 2))
    found = answer("solve", "mean-matching", tmp_path / "v.npy", "-k", 2, "--columns", 2)
    assert (found["table"], found["ids"]) == (None, None)
    assert found["objective"] == pytest.approx(0.0)  # of 1, 3, 5, 7 the mean 4 is 1 and 7's
    refused = run("solve", "mmd", tmp_path / "v.npy", "-k", 2, "--id", 1)
    assert refused.exit_code == 2
    assert "--id is for tables in text" in refused.stderr


def test_selected_points_have_the_same_columns(ids: Path, tmp_path: Path) -> None:
    selected = tmp_path / "selected.csv"
    selected.write_text("id,loss,age\nT1,0.5,30\n")
    options = ("solve", "mmd", ids, "-k", 2, "--selected", selected)
    found = answer(*options, "--columns", "age,loss", "--id", "id")
    assert found["selected_table"]["rows"] == 1
    assert found["selected_table"]["columns"] == ["age", "loss"]
    found = answer(*options, "--id", "id")  # by their names; they need no ids
    assert found["selected_table"]["columns"] == ["age", "loss"]
    selected.write_text("loss,age\n0.5,30\n")
    assert answer(*options, "--id", "id")["selected_table"]["columns"] == ["age", "loss"]
    lines = [line.partition(",")[2] for line in ids.read_text().splitlines()]
    ids.write_text("\n".join(lines) + "\n")
    refused = run(*options)
    assert refused.exit_code == 2
    assert "its columns are 'loss, age', those of the points 'age, loss'" in refused.stderr


def test_indices_that_begin_with_zero(tmp_path: Path) -> None:
    np.save(tmp_path / "K.npy", np.eye(6))
    options = ("solve", "mmd", tmp_path / "K.npy", "-k", 2, "--kernel", "precomputed")
    for name in ("chosen.txt", "chosen.csv"):
        (tmp_path / name).write_text("0\n2\n")
    found = answer(*options, "--selected", tmp_path / "chosen.txt")
    assert found["selected_table"]["rows"] == 2
    refused = run(*options, "--selected", tmp_path / "chosen.csv")
    assert refused.exit_code == 2
    assert "--no-header (2 rows)" in refused.stderr
    found = answer(*options, "--selected", tmp_path / "chosen.csv", "--header")
    assert found["selected_table"]["rows"] == 1


def test_a_matrix_and_its_linear_term(tmp_path: Path) -> None:
    (tmp_path / "Q.csv").write_text(",0,1,2\n0,0,1,2\n1,1,0,3\n2,2,3,0\n")
    (tmp_path / "c.csv").write_text("0\n5\n0\n0\n")  # one more line than the matrix has rows
    options = ("solve", "quadratic", tmp_path / "Q.csv", "-k", 2)
    found = answer(*options, "--linear", tmp_path / "c.csv")
    assert (found["value"], found["indices"], found["ids"]) == (6.0, [1, 2], ["1", "2"])
    assert found["table"]["columns"] == ["0", "1", "2"]
    assert found["linear_table"] == {
        "header": True,
        "rows": 3,
        "columns": ["0"],
        "id": None,
        "comments": 0,
    }
    panel = run(*options).stdout
    assert "3 rows, columns 0, 1, 2 (line 1 is a header), ids from 1" in panel


def test_labels_are_as_many_as_points(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3,4\n5,6\n7,9\n")
    for text in ("0\n0\n1\n1\n", "0\n0\n0\n1\n1\n"):  # without a header, and with one
        (tmp_path / "y.csv").write_text(text)
        found = answer("sequence", tmp_path / "x.csv", "-k", 2, "--labels", tmp_path / "y.csv")
        assert found["labels_table"]["rows"] == 4
        assert found["labels_table"]["header"] == (text.count("\n") == 5)
        assert found["table"]["columns"] == ["a", "b"]


def test_options_that_fit_no_file() -> None:
    refused = run("sequence", "digits", "-k", 2, "--columns", 1)
    assert refused.exit_code == 2
    assert "--columns and --id are for files, not for digits" in refused.stderr
