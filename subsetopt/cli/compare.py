"""``subsetopt compare``: two comparisons held against each other."""

from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from subsetopt._options import option

from . import exits
from .derived_options import command, json_flag, picture_file
from .standard_streams import say

if TYPE_CHECKING:
    from subsetopt.benchmarks import Comparison


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("compare")(command(compare))


def compare(
    a: Path = option("Folder of results: before.", argument=True, metavar="A"),
    b: Path = option("Folder of results: after.", argument=True),
    threshold: float = option("Changes of time below this many % are ignored.", 5.0, ge=0, lt=inf),
    seed: int = option("Seed of the resampling.", 0),
    plot: Path | None = picture_file("File for a picture of the changes of time"),
    as_json: bool = json_flag(),
    fail_on_regression: bool = option("Exit with 1 if anything regressed.", False),
) -> None:
    """Say what has become slower, worse or broken between two folders of results."""
    from subsetopt.benchmarks import compare as compared
    from subsetopt.benchmarks import load_results

    found = compared(load_results(a), load_results(b), threshold=threshold / 100, seed=seed)
    if plot is not None:
        _draw(found, plot)
    _show(found, as_json)
    if fail_on_regression and found.regressed:
        raise typer.Exit(exits.NO_ANSWER)


def _draw(found: "Comparison", path: Path) -> None:
    from subsetopt.benchmarks.reporting._comparison_figures import comparison

    comparison(found).save(path)


def _show(found: "Comparison", as_json: bool) -> None:
    if as_json:
        import json

        say(json.dumps(found.to_dict(), indent=2, allow_nan=False))
        return
    from subsetopt.benchmarks.reporting._change_table import change_document
    from subsetopt.report import console

    console().print(change_document(found))
