"""``subsetopt split``: representative splits of the rows of a table."""

from dataclasses import dataclass
from pathlib import Path

import typer

import subsetopt
from subsetopt import report, tables
from subsetopt.report._progress import shown
from subsetopt.tables._row_reading_options import RowReadingOptions
from subsetopt.tables._split_request import SplitRequest

from . import exits
from .derived_options import json_flag, output_file, picture_file
from .display import show_written
from .standard_streams import output_to_error
from .table_files import deliver, require_apart, table_argument


@dataclass(frozen=True, kw_only=True)
class SplitTableOptions:
    """The table, and what is done with its parts."""

    table: str = table_argument()
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
    require_apart(files, files.table)
    with output_to_error(), shown("split", unit="%", hidden=files.as_json) as steps:
        made = tables._splitting_rows.split_table(rows.read(files.table), rows, parts, steps.update)

    def show() -> None:
        report.console().print(made.report())
        parts_file = f"the parts{tables._row_files.about_encoding(files.out, made.table)}"
        written = {parts_file: files.out, "the picture": files.plot}
        show_written(written, "--out FILE writes all rows with a column of their parts")

    deliver(made, files, {"seed": parts.seed}, show)
    if made.partition.termination is subsetopt.Termination.INTERRUPTED:
        raise typer.Exit(exits.INTERRUPTED)
