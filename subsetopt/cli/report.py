"""``subsetopt report``: what a comparison has shown."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from subsetopt._options import option
from subsetopt.errors import InvalidOption

from .derived_options import command, json_flag
from .standard_streams import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from subsetopt.benchmarks import ComparisonReport
    from subsetopt.training.analysis import Analysis
    from subsetopt.training.run_result import Result

    Comparing = Callable[[list[Result]], Analysis]


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("report")(command(report))


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
        "Compare training runs with runs of the baseline that cost as much, at a larger budget; "
        "`train --equal-cost` makes them.",
        False,
    ),
) -> None:
    """Show results: tables here, and a page with figures that needs nothing else."""
    from subsetopt.benchmarks import ComparisonReport, load_results

    if as_markdown and as_json:
        raise InvalidOption("--markdown and --json exclude each other; name one")
    comparing = _comparison(at_cost, at_seconds, equal_cost)
    if (folder / "runs").is_dir():
        _report_training(folder, out, no_page, as_markdown, as_json, comparing or _at_the_end)
        return
    if comparing is not None:
        raise InvalidOption(
            f"--at-cost, --at-seconds and --equal-cost are for training, which {folder} is not"
        )
    found = ComparisonReport(load_results(folder))
    page = None if no_page else _written(found, folder, out or folder / "report")
    if as_json:
        import json

        say(json.dumps(found.to_dict(), indent=2, allow_nan=False))
    elif as_markdown:
        _print_markdown(found, page)
    else:
        _print_tables(found, page)


def _comparison(cost: float | None, seconds: float | None, equal_cost: bool) -> "Comparing | None":
    """Return how runs of training are compared; None as usual, at their ends."""
    from functools import partial

    if (cost is not None) + (seconds is not None) + equal_cost > 1:
        raise InvalidOption("--at-cost, --at-seconds and --equal-cost exclude each other; name one")
    if cost is None and seconds is None and not equal_cost:
        return None
    from subsetopt.training.analysis import at_cost, at_equal_cost, at_seconds

    if cost is not None:
        return partial(at_cost, cost=cost)
    return at_equal_cost if seconds is None else partial(at_seconds, seconds=seconds)


def _at_the_end(results: "Iterable[Result]") -> "Analysis":
    from subsetopt.training.analysis import analyse

    return analyse(results)


def _report_training(
    folder: Path,
    out: Path | None,
    no_page: bool,
    as_markdown: bool,
    as_json: bool,
    comparing: "Comparing",
) -> None:
    """Report training runs: tables here, and a folder with Markdown, JSON and figures."""
    from subsetopt.training import load
    from subsetopt.training.reporting import write_report

    from .training_output import show

    analysis = comparing(load(folder))
    written = None if no_page else write_report(analysis, out or folder / "report")
    show(analysis, as_markdown=as_markdown, as_json=as_json)
    if written is not None and not as_json:
        say(f"tables and figures: {written}", err=True)


def _written(found: "ComparisonReport", folder: Path, out: Path) -> Path:
    """Write the page; how far it is, is shown on standard error."""
    from subsetopt.benchmarks.reporting._comparison_document import write_report
    from subsetopt.report._progress import shown

    with shown("report", unit="figures") as steps:
        return write_report(found, folder, out, progress=steps.update)


def _print_markdown(found: "ComparisonReport", page: Path | None) -> None:
    from subsetopt.benchmarks.reporting._comparison_document import document

    say(document(found).to_markdown(None if page is None else "{}.png"), nl=False)


def _print_tables(found: "ComparisonReport", page: Path | None) -> None:
    from subsetopt.benchmarks.reporting._comparison_document import document
    from subsetopt.report import console

    console().print(document(found))
    if page is not None:
        say(f"\n The page: {page}")
