"""CSV output whose cells no spreadsheet takes for a formula.

Names of cases, members, models or columns come from outside. A cell that begins with ``=``, ``+``,
``-`` or ``@`` is run as a formula when the file is opened in a spreadsheet, quoted or not; the same
holds behind a semicolon, a tab or a newline, where that separates cells. An apostrophe in front
makes it text. Numbers stay as they are. Everything that writes CSV goes through this module.
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

NUMBER = r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?)"
"""What a number looks like, in either case of its letters."""
_NUMBER = re.compile(NUMBER, re.IGNORECASE | re.ASCII)
_FORMULA = r"(^|[;\t\r\n])([=+\-@＝＋－＠])"
_BLANK = r"^([\t\r\n])"
_FIXES = ((_FORMULA, r"\1'\2"), (_BLANK, r"'\1"))


def is_number(text: str, decimal: str = ".") -> bool:
    """Whether a text is a number, or one of the infinities; ``1_000`` and ``0x10`` are none."""
    if decimal == ",":
        text = text.replace(".", "_").replace(",", ".")
    return _NUMBER.fullmatch(text) is not None


def safe_cell(cell: Any) -> Any:
    """Return a cell such that no spreadsheet runs it; what is no text is returned as it is."""
    if not isinstance(cell, str) or is_number(cell):
        return cell
    for pattern, fixed in _FIXES:
        cell = re.sub(pattern, fixed, cell)
    return cell


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV, each line ended by a newline; None is an empty cell."""
    return "".join(map(_line, rows))


def csv_as_it_stands(rows: Iterable[Iterable[Any]], separator: str = ",") -> str:
    """Return rows of somebody's own table as CSV: no cell is changed, as none is new to them."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _line(row: Iterable[Any]) -> str:
    text, end = io.StringIO(newline=""), "\r\n"
    csv.writer(text, lineterminator=end).writerow(map(safe_cell, row))  # quotes what has \r or \n
    return text.getvalue().removesuffix(end) + "\n"


def frame_text(frame: "DataFrame") -> str:
    """Return a table of pandas as CSV, without its index; missing values are empty cells."""
    rows = frame.astype(object).where(frame.notna(), None)
    return csv_text([frame.columns, *rows.itertuples(index=False, name=None)])


def safe_table(table: Any) -> Any:
    """Return a table of pyarrow whose columns of text are safe."""
    import pyarrow as pa
    from pyarrow import compute as pc

    for index, field in enumerate(table.schema):
        if not pa.types.is_string(field.type):
            continue
        column = safe = table.column(index)
        for pattern, fixed in _FIXES:
            safe = pc.replace_substring_regex(safe, pattern, fixed)
        numbers = pc.match_substring_regex(column, f"^(?:{NUMBER})$", ignore_case=True)
        table = table.set_column(index, field, pc.if_else(numbers, column, safe))
    return table
