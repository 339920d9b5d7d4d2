"""``subsetopt compare``: changes between two benchmark results."""

from math import inf
from pathlib import Path

import typer

from subsetopt import benchmarks, report
from subsetopt._options import option

from . import exits
from .derived_options import json_flag, picture_file
from .standard_streams import say_json


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
    from subsetopt.benchmarks.reporting._change_table import change_document
    from subsetopt.benchmarks.reporting._comparison_figures import comparison

    before, after = benchmarks.load_results(a), benchmarks.load_results(b)
    changes = benchmarks.compare(before, after, threshold=threshold / 100, seed=seed)
    if plot is not None:
        comparison(changes).save(plot)
    if as_json:
        say_json(changes.to_dict(), indent=2)
    else:
        report.console().print(change_document(changes))
    if fail_on_regression and changes.regressed:
        raise typer.Exit(exits.NO_ANSWER)
