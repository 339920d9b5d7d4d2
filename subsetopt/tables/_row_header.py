"""Whether line 1 of a table names the columns or holds the first row."""

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

from subsetopt._csv_cells import is_number
from subsetopt.errors import InvalidFile
from subsetopt.formats._table_text import shortened

_INTEGER = re.compile(r"[+-]?[0-9]+")
_YEARS = range(1900, 2101)
_YEARS_AS_TEXT = frozenset(map(str, _YEARS))


def is_header(
    first: list[str], rows: Callable[[], Iterable[list[str]]], name: str, where: str = "line 1"
) -> bool:
    """Tell what line 1 is: names have no number among them, and do not stand right below too.

    Parameters
    ----------
    first : list of str
        The cells of line 1.
    rows : callable
        Gives those of the lines below, O(n) of them where line 1 holds integers and they none.
    name, where : str
        Of the file and of line 1, for messages.

    Raises
    ------
    InvalidFile
        If integers on line 1 may be names, such as years.
    """
    names = [cell.strip() for cell in first]
    filled = [cell for cell in names if cell]
    if not filled or len(names) - len(filled) > 1:
        return False
    numbers = [i for i, cell in enumerate(names) if is_number(cell) or is_number(cell, ",")]
    if numbers:
        _refuse_integers(names, numbers, rows, name, where)
        return False
    below = next(iter(rows()), [])
    return not any(
        cell and cell == other.strip() for cell, other in zip(names, below, strict=False)
    )


def _refuse_integers(
    names: list[str],
    numbers: list[int],
    rows: Callable[[], Iterable[list[str]]],
    name: str,
    where: str,
) -> None:
    """Raise InvalidFile if the numbers on line 1 may be what columns are called."""
    cells = [names[i] for i in numbers]
    if len(cells) < 2 or not all(map(_INTEGER.fullmatch, cells)):
        return
    texts = [i for i, cell in enumerate(names) if cell and i not in numbers]
    values = [int(cell) for cell in cells]
    years = all(value in _YEARS for value in values)
    if values == list(range(len(values))):
        why, likes = "its integers count the columns", frozenset[str]()
    elif years and all(b - a == 1 for a, b in pairwise(values)):
        why, likes = "its integers are years, and nothing below them is", _YEARS_AS_TEXT
    else:
        why, likes = "it holds integers, and nothing below them is one", None
    if not any(_is_like(row, names, texts, numbers, likes) for row in rows()):
        raise InvalidFile(
            f"{name}: {where}, {shortened(','.join(names))}, may name the columns or be the first "
            f"row: {why}. State which: --header or --no-header (in Python header=True or "
            "header=False)"
        )


def _is_like(
    row: list[str],
    names: list[str],
    texts: list[int],
    numbers: list[int],
    likes: frozenset[str] | None,
) -> bool:
    """Whether a row has a text of line 1 in its place, or a number of its kind in one of theirs.

    `likes` are the numbers of that kind; None is all integers.
    """
    cells = [cell.strip() for cell in row]
    if len(cells) < len(names):
        return False
    if any(cells[i] == names[i] for i in texts):
        return True
    if likes is None:
        return any(_INTEGER.fullmatch(cells[i]) for i in numbers)
    return any(cells[i] in likes for i in numbers)
