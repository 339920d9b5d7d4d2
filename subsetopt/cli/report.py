"""``subsetopt report``: the report of a benchmark."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from subsetopt import benchmarks, training
from subsetopt._options import option
from subsetopt.errors import InvalidOption
from subsetopt.report import console
from subsetopt.report._progress import shown

from .derived_options import json_flag
from .standard_streams import say, say_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from subsetopt.training.analysis import Analysis
    from subsetopt.training.run_result import Result

    Comparing = Callable[[list[Result]], Analysis]


def report(
    folder: Path = option("Folder of results of `bench` or `train`.", argument=True),
    out: Path | None = option(
        "Folder for the page, its figures and the tables.", None, unset="FOLDER/report"
    ),
    as_markdown: bool = option("Print Markdown instead of tables.", False, flags=("--markdown",)),
    as_json: bool = json_flag(),
    no_page: bool = option("Only print; write nothing.", False),
    at_cost: float | None = option(
        "Compare training runs when they had cost this many epochs of full training, selection "
        "passes included.",
        None,
    ),
    at_seconds: float | None = option(
        "Compare training runs when they had trained for this many seconds.", None, metavar="S"
    ),
    equal_cost: bool = option(
        "Compare training runs with runs of the baseline that cost as much; `train --equal-cost` "
        "makes them.",
        False,
    ),
    equal_seconds: bool = option(
        "Compare training runs with runs of the baseline that took as long; `train "
        "--equal-seconds` makes them.",
        False,
    ),
) -> None:
    """Show results: tables here, and a page with figures that needs nothing else."""
    from subsetopt.benchmarks.reporting._comparison_document import document, write_report

    if as_markdown and as_json:
        raise InvalidOption("--markdown and --json exclude each other; name one")
    comparing = _comparison(at_cost, at_seconds, equal_cost, equal_seconds)
    page = None if no_page else out or folder / "report"
    if (folder / "runs").is_dir():
        _report_training(folder, page, as_markdown, as_json, comparing or training.analyse)
        return
    if comparing is not None:
        raise InvalidOption(
            f"--at-cost, --at-seconds, --equal-cost and --equal-seconds are for training, which "
            f"{folder} is not"
        )
    results = benchmarks.ComparisonReport(benchmarks.load_results(folder))
    if page is not None:
        with shown("report", unit="figures") as steps:
            page = write_report(results, folder, page, progress=steps.update)
    if as_json:
        say_json(results.to_dict(), indent=2)
    elif as_markdown:
        say(document(results).to_markdown(None if page is None else "{}.png"), nl=False)
    else:
        console().print(document(results))
        if page is not None:
            say(f"\n The page: {page}")


def _comparison(
    cost: float | None, seconds: float | None, equal_cost: bool, equal_seconds: bool
) -> "Comparing | None":
    """Return how runs of training are compared; None as usual, at their ends."""
    given = (cost is not None, seconds is not None, equal_cost, equal_seconds)
    if sum(given) > 1:
        raise InvalidOption(
            "--at-cost, --at-seconds, --equal-cost and --equal-seconds exclude each other; name one"
        )
    if not any(given):
        return None
    if cost is not None:
        return partial(training.at_cost, cost=cost)
    if seconds is not None:
        return partial(training.at_seconds, seconds=seconds)
    return training.at_equal_cost if equal_cost else training.at_equal_seconds


def _report_training(
    folder: Path, page: Path | None, as_markdown: bool, as_json: bool, comparing: "Comparing"
) -> None:
    """Report training runs: tables here, and a folder with Markdown, JSON and figures."""
    from subsetopt.training.reporting import write_report

    from .training_output import show

    analysis = comparing(training.load(folder))
    written = None if page is None else write_report(analysis, page)
    show(analysis, as_markdown=as_markdown, as_json=as_json)
    if written is not None and not as_json:
        say(f"tables and figures: {written}", err=True)
