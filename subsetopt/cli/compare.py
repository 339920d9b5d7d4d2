"""``subsetopt compare``: two comparisons held against each other."""

from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from subsetopt.errors import InvalidOption

from . import exits
from .streams import say

if TYPE_CHECKING:
    from subsetopt.benchmarks.analysis.comparison import Comparison


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("compare")(compare)


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Folder of results: before.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Folder of results: after.")],
    threshold: Annotated[
        float, typer.Option(help="Changes of time below this many per cent are passed over.")
    ] = 5.0,
    seed: Annotated[int, typer.Option(help="Seed of the resampling.")] = 0,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the changes of time: a .svg, .png or .pdf file.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of tables.")
    ] = False,
    fail_on_regression: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit with 1 if anything regressed.")
    ] = False,
) -> None:
    """Say what has become slower, worse or broken between two folders of results."""
    from subsetopt.benchmarks.analysis.comparison import compare as compared
    from subsetopt.benchmarks.results.folder import load

    if not 0 <= threshold < inf:
        raise InvalidOption(f"--threshold is {threshold:g}; per cent are needed, 0 or more")
    if plot is not None:
        _require_drawable(plot)
    found = compared(load(a), load(b), threshold=threshold / 100, seed=seed)
    if plot is not None:
        _draw(found, plot)
    _show(found, as_json)
    if fail_on_regression and found.regressed:
        raise typer.Exit(exits.NO_ANSWER)


def _require_drawable(path: Path) -> None:
    from subsetopt._files import require_writable, suffix_of
    from subsetopt.report.figure_files import SUFFIXES
    from subsetopt.report.figure_style import MATPLOTLIB

    suffix_of(path, SUFFIXES)
    require_writable(path)
    MATPLOTLIB.load()


def _draw(found: "Comparison", path: Path) -> None:
    from subsetopt.benchmarks.reporting.comparison_figures import comparison

    comparison(found).save(path)


def _show(found: "Comparison", as_json: bool) -> None:
    if as_json:
        import json

        say(json.dumps(found.to_dict(), indent=2, allow_nan=False))
        return
    from subsetopt.benchmarks.reporting.change_table import change_document
    from subsetopt.report import console

    console().print(change_document(found))
