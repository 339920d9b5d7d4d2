"""``subsetopt solve quadratic`` on graphs: names of nodes, and what the value means."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from subsetopt.cli import app

GRAPH = "source,target,weight\nann,bob,2.5\nbob,\x1b[31mcem,1\ncem,ann,0.5\nann,d d,9\n"


def solve(text: str, *options: Any) -> Any:
    arguments = ["solve", "quadratic", "-", "--solver", "swap", *map(str, options)]
    return CliRunner().invoke(app, arguments, input=text)


def test_json_has_names_and_the_convention() -> None:
    result = solve(GRAPH, "-k", 2, "--json")
    document = json.loads(result.stdout)
    assert (document["value"], document["names"]) == (9.0, ["ann", "d d"])
    assert document["indices"] == [0, 4]
    assert (document["format"], document["sense"]) == ("edges", "maximise")
    assert document["convention"] == (
        "sum of the weights of the edges inside the selection, each edge once; 5 nodes, 4 edges; "
        "line 1 is a header: 'source, target, weight'"
    )


def test_people_see_names_and_no_signs_of_control() -> None:
    result = solve(GRAPH, "-k", 5)
    assert result.exit_code == 0
    assert "ann bob '\\x1b[31mcem' cem 'd d'" in result.stdout
    assert "\x1b" not in result.stdout
    assert "each edge once" in " ".join(result.stdout.replace("│", " ").split())  # folded or not


def test_a_file_without_names_has_none() -> None:
    document = json.loads(solve("5 2 1\n1 2 1\n", "--json").stdout)
    assert "names" not in document
    assert document["convention"].startswith("sum of the weights")


@pytest.mark.parametrize(
    ("text", "options", "value"),
    [
        ("a b\nb c\nb a\n", ["--duplicates", "sum"], 2.0),
        ("a b\nc d\n", ["--no-header"], 1.0),
        ("a b\nc d\n", ["--header"], 1.0),
        ("0,1,2\n1,2,5\n0,2,3\n", ["--format", "edges"], 5.0),
        ("0,1,2\n1,2,5\n0,2,3\n", ["--format", "edges", "--minimise"], 2.0),
        ("0,1,2\n1,2,5\n0,2,3\n", ["--format", "matrix", "--maximise"], 12.0),
    ],
)
def test_options(text: str, options: list[str], value: float) -> None:
    result = solve(text, "-k", 2, "--json", *options)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["value"] == value


def test_export_takes_graphs(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text(GRAPH)
    arguments = ["export", "quadratic", tmp_path / "g.csv", "-k", 2, "--out", tmp_path / "m.lp"]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert (result.exit_code, (tmp_path / "m.lp").exists()) == (0, True)


def test_the_median_of_random_subsets_is_no_negative_zero() -> None:
    assert "median 0 of" in solve("1 2\n3 4\n5 6\n7 8\n", "-k", 2).stdout
