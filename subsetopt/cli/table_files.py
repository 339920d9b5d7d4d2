"""Reading and writing of tables, shared by the commands on rows."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from subsetopt._options import option
from subsetopt.errors import InvalidOption

from .standard_streams import say_json


def table_argument() -> Any:
    """Return the option of the table that a command is about."""
    return option(
        "Rows with their columns: text with commas, semicolons or tabs (.csv, .tsv, .txt, also "
        "packed: .csv.gz), .parquet, .xlsx, .xls or .ods, - for standard input, or "
        "example:earthquakes, which comes with the package.",
        argument=True,
        metavar="TABLE",
    )


def require_apart(results: Any, *tables: str | None) -> None:
    """Raise InvalidOption where a file would be written over one that is read."""
    for flag, path in (("--out", results.out), ("--plot", results.plot)):
        for read in filter(None, tables):
            if path is not None and path.exists() and _is_same(path, read):
                raise InvalidOption(f"{flag} must name another file than {read}, which is read")


def _is_same(path: Path, other: str) -> bool:
    return Path(other).exists() and path.samefile(other)


def deliver(made: Any, results: Any, about: Mapping[str, object], show: Callable[[], None]) -> None:
    """Write the files of a result, then print its JSON with what else there is, or show it.

    `results` are options with `out`, `plot` and `as_json`.
    """
    if results.out is not None:
        made.save(results.out)
    if results.plot is not None:
        made.plot(results.plot)
    if results.as_json:
        say_json({**made.to_dict(), **about})
    else:
        show()
