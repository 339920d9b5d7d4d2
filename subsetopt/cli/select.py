"""``subsetopt select``: rows of a table that represent all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from subsetopt import report, tables
from subsetopt._clock import CLOCK
from subsetopt._options import option
from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.formats._constraint_words import COMMAND_LINE
from subsetopt.report._progress import clock
from subsetopt.tables._row_reading_options import RowReadingOptions

from . import exits
from .coreset import shown_steps
from .derived_options import json_flag, output_file, picture_file
from .display import show_written
from .standard_streams import output_to_error
from .table_files import deliver, require_apart, table_argument

if TYPE_CHECKING:
    from subsetopt.tables import RowSelection
    from subsetopt.tables._choosing_rows import RowChoice


@dataclass(frozen=True, kw_only=True)
class SelectOptions:
    """The table, how many rows are chosen, and what they are to resemble."""

    table: str = table_argument()
    k: int = option("Number of rows to choose.", flags=("--k", "-k"), metavar="K", ge=1)
    objective: str = option(
        "What is compared: mmd (whole distributions), means (of the columns alone) or both.",
        "mmd",
        choices=("mmd", "means", "both"),
    )
    target: str | None = option(
        "Table that the chosen rows are to resemble, with the columns that are compared.",
        None,
        metavar="TABLE",
        unset="all rows of TABLE",
    )
    time_limit: float | None = option(
        "Seconds of the search; Ctrl-C keeps the best so far. Above 10,000 rows a sample is "
        "searched; the passes over all rows before are not in the limit, and Ctrl-C ends them.",
        None,
        gt=0,
        unset="a fixed number of moves, a few seconds, so that equal seeds give equal rows",
    )
    seed: int = option("Seed of whatever is random.", 0, ge=0)


@dataclass(frozen=True, kw_only=True)
class ChosenRowsOptions:
    """What is done with the chosen rows."""

    out: Path | None = output_file(
        "File for the chosen rows with all their columns", ".csv", ".parquet"
    )
    plot: Path | None = picture_file(
        "File for a picture of chosen and other rows, or for a page with tables too",
        None,
        ".html",
    )
    as_json: bool = json_flag("Print one JSON object.")


def select(
    what: SelectOptions,
    read: RowReadingOptions,
    rules: ConstraintOptions,
    results: ChosenRowsOptions,
) -> None:
    """Choose rows of a table that represent all of them.

    Example: subsetopt select example:earthquakes --k 40 --out chosen.csv --plot chosen.html
    """
    require_apart(results, what.table, what.target)
    choice = tables._choosing_rows.RowChoice.of(
        what.table, what.k, read, rules, what.objective, what.target, COMMAND_LINE
    )
    chosen = _run(choice, what, results.as_json)
    about = {"seed": what.seed, "objective": what.objective}
    deliver(chosen, results, about, lambda: _show(chosen, results))
    if chosen.interrupted:
        raise typer.Exit(exits.INTERRUPTED)
    if chosen.solution is not None:
        raise typer.Exit(exits.of_solution(chosen.solution))


def _run(choice: "RowChoice", what: SelectOptions, hidden: bool) -> "RowSelection":
    if choice.is_large:
        with output_to_error(), shown_steps(hidden) as told:
            return choice.run(what.time_limit, what.seed, progress=told)
    with output_to_error(), clock(what.time_limit, CLOCK.shown, hidden=hidden) as begins:
        return choice.run(what.time_limit, what.seed, begins=begins)


def _show(chosen: "RowSelection", results: ChosenRowsOptions) -> None:
    report.console().print(chosen.report())
    rows = f"the chosen rows{tables._row_files.about_encoding(results.out, chosen.table)}"
    files = {rows: results.out, "the picture": results.plot}
    show_written(files, "--out FILE writes the chosen rows with all their columns")
