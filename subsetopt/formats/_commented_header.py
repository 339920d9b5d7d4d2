"""Names of columns behind a ``#``, as numpy and genomic tools write them above a table."""

from dataclasses import replace
from itertools import islice
from typing import Literal

from subsetopt.errors import InvalidFile

from ._table_text import TableText, kind, shortened, split

Reading = Literal["header", "comment", "doubt"]


def with_commented_header(text: TableText, header: bool | None = None) -> TableText:
    """Return a text whose last comment above line 1 is its header, if it names the columns.

    Between blanks it never is: sentences have blanks too. O(columns).

    Parameters
    ----------
    text : TableText
    header : bool, optional
        What the caller says about a header; False leaves comments as they are.

    Raises
    ------
    InvalidFile
        If the comment may name the columns and the line below it too.
    """
    place = sum(line == at for at, line in enumerate(text.comments)) - 1
    line = text.above.lstrip("#").strip()
    reading = _reading(text, line)
    if header is False or reading == "comment":
        return text
    if reading == "doubt":
        raise InvalidFile(
            f"{text.name}: line {place + 1}, {shortened(text.above)}, may be a comment or the "
            f"header above the first row: it has as many cells as line {place + 2}. Remove its # "
            "if it names the columns, else remove the line, or state --no-header (in Python "
            "header=False) if no line does"
        )
    body = f"{line}\n".encode() + text.body
    return replace(text, body=body, comments=text.comments[:place] + text.comments[place + 1 :])


def _reading(text: TableText, line: str) -> Reading:
    """Tell what a comment is by its cells and those of the next two lines."""
    names = [cell.text for cell in split(line, text.separator)]
    below = [[cell.text for cell in split(row, text.separator)] for row in islice(text, 2)]
    fits = text.separator != " " and len(names) == len(below[0]) > 1
    if not fits or len(set(names)) < len(names) or not _all_names(names, text):
        return "comment"
    if not _all_names(below[0], text):
        return "header"
    return "doubt" if all(_all_names(row, text) for row in below[1:]) else "comment"


def _all_names(cells: list[str], text: TableText) -> bool:
    return all(kind(cell, text.decimal) == "name" for cell in cells)
