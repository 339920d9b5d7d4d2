"""``subsetopt split``: the rows of a table in parts that resemble each other."""

from dataclasses import dataclass
from pathlib import Path

import typer

from subsetopt._options import option
from subsetopt.tables._row_reading_options import RowReadingOptions
from subsetopt.tables._split_request import SplitRequest

from . import exits
from .derived_options import json_flag, output_file, picture_file
from .select import require_apart
from .standard_streams import output_to_error, say_json


@dataclass(frozen=True, kw_only=True)
class SplitTableOptions:
    """The table, and what is done with its parts."""

    table: str = option(
        "Rows: text with commas, semicolons or tabs (.csv, .tsv, .txt, also packed), .parquet, "
        ".xlsx, .xls or .ods, - for standard input, or example:earthquakes, which comes with the "
        "package.",
        argument=True,
        metavar="TABLE",
    )
    out: Path | None = output_file(
        "File for all rows with a column that names their part", ".csv", ".parquet"
    )
    plot: Path | None = picture_file(
        "File for a picture of the parts, or for a page with tables too", None, ".html"
    )
    as_json: bool = json_flag("Print one JSON object.")


def split(files: SplitTableOptions, parts: SplitRequest, rows: RowReadingOptions) -> None:
    """Divide the rows of a table into parts that resemble each other and the whole.

    Example: subsetopt split example:earthquakes --parts 70,15,15 --by network --out parts.csv
    """
    from subsetopt import report
    from subsetopt.report._progress import shown
    from subsetopt.solution import Termination
    from subsetopt.tables._splitting_rows import split_table

    from .display import show_written

    require_apart(files.out, files.plot, files.table)
    with output_to_error(), shown("split", unit="%", hidden=files.as_json) as steps:
        made = split_table(rows.read(files.table), rows, parts, steps.update)
    if files.out is not None:
        made.save(files.out)
    if files.plot is not None:
        made.plot(files.plot)
    if files.as_json:
        say_json({**made.to_dict(), "seed": parts.seed})
    else:
        report.console().print(made.report())
        written = {"the parts": files.out, "the picture": files.plot}
        show_written(written, "--out FILE writes all rows with a column of their parts")
    if made.partition.termination is Termination.INTERRUPTED:
        raise typer.Exit(exits.INTERRUPTED)
