import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from subsetopt._dependencies import OptionalDependency
from subsetopt.benchmarks.reporting import _comparison_document
from subsetopt.benchmarks.results import Results
from subsetopt.cli.commands import add
from subsetopt.cli.exits import ExitCodes

Planted = Callable[..., Results]
Keep = Callable[[Results, Path], Path]


def flat(text: str) -> str:
    """Return the text without the folding of lines."""
    return " ".join(text.split())


def call(*arguments: str | Path) -> Result:
    app = typer.Typer(cls=ExitCodes, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    add(app, "report")
    return CliRunner().invoke(app, ["report", *map(str, arguments)], env={"COLUMNS": "120"})


@pytest.fixture
def folder(planted_results: Planted, keep_results: Keep, tmp_path: Path) -> Path:
    results = planted_results(sizes=(128,), families=("mmd",), repeats=1, solvers=("swap", "scip"))
    return keep_results(results, tmp_path / "results")


def test_tables_and_where_the_page_is(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    result = call(folder)
    assert result.exit_code == 0, result.output
    assert "mmd: k of n points that are closest" in result.stdout
    assert f"The page: {folder / 'report' / 'index.html'}" in result.stdout
    assert {path.name for path in folder.iterdir()} - before == {
        "report",
        "rows.csv",
        "rows.parquet",
    }
    made = {path.name for path in (folder / "report").iterdir()}
    assert {"index.html", "heat-map.svg", "heat-map.png", "time-mmd.svg", "time-mmd.png"} <= made
    assert call(folder).exit_code == 0  # again, over what is there


def test_into_another_folder_leaves_the_results_alone(folder: Path, tmp_path: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    result = call(folder, "--out", tmp_path / "a b" / "pages", "--json")
    assert result.exit_code == 0, result.output
    assert {path.name for path in folder.iterdir()} == before
    made = tmp_path / "a b" / "pages"
    text = (made / "index.html").read_text()
    for link in ("../../results/rows.jsonl", "rows.parquet", "rows.csv"):
        assert f'<a href="{link}">' in text
        assert (made / link).exists()


def test_json_is_alone_on_standard_output(folder: Path) -> None:
    result = call(folder, "--json", "--no-page")
    found = json.loads(result.stdout)
    assert found["suite"] == "planted"
    assert [part["family"]["name"] for part in found["families"]] == ["mmd"]
    assert not (folder / "report").exists()


def test_markdown_is_alone_on_standard_output(folder: Path) -> None:
    result = call(folder, "--markdown", "--no-page")
    assert result.stdout.startswith("# Comparison of solvers: planted\n")
    assert "![" not in result.stdout
    result = call(folder, "--markdown")
    assert "![Objective against time: mmd](time-mmd.png)" in result.stdout
    assert "The page" not in result.stdout
    assert (folder / "report" / "time-mmd.png").exists()


def test_results_that_are_not_complete(
    planted_results: Planted, keep_results: Keep, tmp_path: Path
) -> None:
    results = planted_results(sizes=(128,), families=("mmd",), repeats=1)
    for name, count in (("some", 3), ("none", 0)):
        path = keep_results(replace(results, rows=results.rows[:count]), tmp_path / name)
        result = call(path)
        assert result.exit_code == 0, result.output
        assert "Not complete: these are the measurements made until now." in result.stdout
        assert "not complete" in (path / "report" / "index.html").read_text()


def test_what_is_wrong_is_said(folder: Path, tmp_path: Path) -> None:
    for arguments, message in (
        ((tmp_path / "nowhere",), "nowhere"),
        ((tmp_path,), str(tmp_path)),
        ((folder, "--json", "--markdown"), "exclude each other"),
        ((folder, "--out", folder / "plan.json"), "plan.json"),
    ):
        result = call(*arguments)
        assert result.exit_code == 2, result.output
        assert message in flat(result.stderr)
        assert result.stdout == ""


def test_without_a_package_the_tables_are_there_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = OptionalDependency("matplotlib", "no_such_thing", extra="bench")
    monkeypatch.setattr(_comparison_document, "MATPLOTLIB", missing)
    result = call(folder)
    assert result.exit_code == 3
    assert "matplotlib is not installed" in result.stderr
    assert not (folder / "report").exists()
    assert call(folder, "--no-page").exit_code == 0
