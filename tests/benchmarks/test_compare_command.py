import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

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
    add(app, "compare")
    return CliRunner().invoke(app, ["compare", *map(str, arguments)], env={"COLUMNS": "120"})


@pytest.fixture
def folders(planted_results: Planted, keep_results: Keep, tmp_path: Path) -> tuple[Path, Path]:
    """Two folders of results; in the second one solver takes 1.2 times as long."""
    before = planted_results(families=("mmd", "quadratic"), solvers=("swap", "greedy"))
    rows = tuple(
        replace(row, seconds=tuple(1.2 * s for s in row.seconds)) if row.solver == "swap" else row
        for row in before.rows
    )
    after = replace(before, rows=rows)
    return keep_results(before, tmp_path / "a"), keep_results(after, tmp_path / "b")


def test_what_has_become_slower(folders: tuple[Path, Path]) -> None:
    result = call(*folders)
    assert result.exit_code == 0, result.output
    assert "REGRESSED: 72 pairs of runs; changes of time below 5 %" in flat(result.stdout)
    assert "swap all +20 +20 to +20 slower" in flat(result.stdout)
    assert "greedy all +0 +0 to +0 none seen" in flat(result.stdout)


def test_exit_codes(folders: tuple[Path, Path]) -> None:
    a, b = folders
    assert call(a, b, "--fail-on-regression").exit_code == 1
    assert call(b, a, "--fail-on-regression").exit_code == 0
    assert call(a, b, "--fail-on-regression", "--threshold", "30").exit_code == 0


def test_json_is_alone_on_standard_output(folders: tuple[Path, Path]) -> None:
    found = json.loads(call(*folders, "--json").stdout)
    assert found["regressed"] is True
    assert found["threshold"] == 0.05
    (swap,) = (c for c in found["times"] if c["solver"] == "swap" and c["family"] is None)
    assert swap["ratio"] == pytest.approx(1.2)


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_figure(folders: tuple[Path, Path], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"changes.{suffix}"
    assert call(*folders, "--plot", path).exit_code == 0
    start = path.read_bytes()[:200]
    assert start.startswith(b"\x89PNG" if suffix == "png" else b"<?xml")


def test_what_is_wrong_is_said_before_anything_is_drawn(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    a, b = folders
    for arguments, message in (
        ((a, tmp_path / "nowhere"), "nowhere"),
        ((a, b, "--threshold", "-1"), "--threshold must be a number in [0, inf); got -1.0"),
        ((a, b, "--plot", tmp_path / "x.doc"), "known are .svg, .png"),
        ((a, b, "--plot", tmp_path / "no" / "x.svg"), "there is no such folder"),
    ):
        result = call(*arguments)
        assert result.exit_code == 2, result.output
        assert message in flat(result.stderr)
        assert result.stdout == ""
