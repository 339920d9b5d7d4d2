"""Messages about columns that are not compared, and about unusual labels."""

import re
from collections.abc import Iterable

from subsetopt._csv_cells import is_number
from subsetopt.report._number_format import percent

from ._table_columns import TableColumn

_WHY = {
    "empty": "no value",
    "constant": "one value in all rows",
    "repeated": "called id, but does not tell all rows apart; --categories compares it",
    "id": "names the rows",
}
_MANY = 0.5  # share of numbers among the texts of a column that is said
_SHOWN = 20  # characters of a text
_DATE = re.compile(
    r"(?:\d{4}|\d{1,2})[-/.](?:\d{1,2}|[A-Za-z]{3})[-/.](?:\d{4}|\d{1,2})(?:[ T].*)?"
)


def why_left_out(column: TableColumn) -> str:
    """Say why a column is no feature; of texts also how many are numbers, if most are. O(n)."""
    if column.kind != "text":
        return _WHY[column.kind]
    if column.labels is None:
        return "neither numbers nor text"
    said = f"{len(column.levels):,} different texts"
    texts = [text for text in column.labels.tolist() if text]
    odd = [text for text in texts if not (is_number(text) or is_number(text, ","))]
    numbers = 1 - len(odd) / len(texts)
    if not odd:
        return f"{said}: numbers that are written in several ways"
    if numbers >= _MANY:
        shown = odd[0] if len(odd[0]) <= _SHOWN else odd[0][: _SHOWN - 1] + "…"
        said += f"; {percent(numbers)} are numbers, but not {shown!r}"
    return said


def reasons(columns: Iterable[TableColumn], most: int = 4) -> str:
    """Say it of the first few columns."""
    left = [column for column in columns if not column.is_feature]
    said = [f"{column.name!r} ({why_left_out(column)})" for column in left[:most]]
    more = [f"{len(left) - most} more"] if len(left) > most else []
    return ", ".join(said + more)


def doubtful_labels(column: TableColumn) -> str:
    """Say what of labels or texts may not be meant as such; empty where nothing is. O(n)."""
    if column.kind not in ("category", "text") or column.numbers is not None:
        return ""
    levels = column.levels
    if levels and all(map(_DATE.fullmatch, levels)):
        return (
            "look like dates, but not all are of one form that can be read in one way only; "
            "write them as 2024-12-31"
        )
    first: dict[str, str] = {}
    if column.kind == "category":
        for level in levels:
            other = first.setdefault(level.casefold(), level)
            if other != level:
                return f"{other!r} and {level!r} are two labels; write them alike to make them one"
    return ""
