"""Whether line 1 of a table is a header, and which columns are ids and numbers."""

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from subsetopt.errors import InvalidFile

from ._table_options import TableOptions, index_of, indices_of, position, require_sensible
from ._table_text import CellText, TableText, kind, shortened, split

ROW_NAMES = "row names"
"""What a first column is called that has no place in the header, as R writes it."""
RowCount = int | Literal["square", "all"]
"""How many rows there have to be: as many as columns, or all lines that could be one."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the lines of a table are.

    Parameters
    ----------
    header : bool
    names : tuple of str
        Of all columns; their numbers from 1 where there are none.
    columns : tuple of int
        The indices of those that are read as numbers.
    id : int or None
        The index of the one that names the rows.
    sure : bool
        Whether the caller named that one.
    """

    header: bool
    names: tuple[str, ...]
    columns: tuple[int, ...]
    id: int | None
    sure: bool

    def called(self, index: int) -> str:
        """Return a column as the options take it: by its name where that is plain."""
        name = self.names[index]
        plain = self.header and name.isidentifier() and self.names.count(name) == 1
        return name if plain else str(index + 1)


def shape_of(text: TableText, options: TableOptions, rows: RowCount | None = None) -> Shape:
    """Tell header, ids and numbers apart.

    Parameters
    ----------
    text : TableText
    options : TableOptions
    rows : int, "square" or "all", optional
        How many rows there have to be: it decides about a doubtful line 1.

    Raises
    ------
    InvalidFile
        If line 1 may be a header as well as a row, or has another width than line 2.
    InvalidOption
        If a column is asked for that is not there.
    """
    first = text.cells(0)
    width = len(text.cells(1)) if text.count > 1 else len(first)
    header = options.header
    if header is None and options.names:
        header = True
    if header is None:
        header = _FirstLine(text, first, width, _judged(options, len(first)), rows).is_header()
    names = _names(text, first, width, header, options)
    id_index = None if options.id is None else index_of(options.id, names, header, text.name)
    if id_index is None and header and width > 1 and names[0] in ("", ROW_NAMES):
        id_index = 0
    if options.columns is None:
        columns = tuple(i for i in range(width) if i != id_index)
        _require_names(text, [names[i] for i in columns], columns)
    else:
        columns = tuple(indices_of(options.columns, names, header=header, name=text.name))
    require_sensible(columns, id_index, text.name)
    named = tuple(name or str(i) for i, name in enumerate(names, start=1))
    sure = options.id is not None
    return Shape(header=header, names=named, columns=columns, id=id_index, sure=sure)


def _judged(options: TableOptions, width: int) -> list[int]:
    """Return the indices of the cells that line 1 is judged by: those to be read as numbers."""
    asked = [position(name, width) for name in options.columns or ()]
    without = position(options.id, width)
    rest = [index for index in range(width) if index != without]
    return [index for index in asked if index is not None] or rest


def _names(
    text: TableText, first: list[CellText], width: int, header: bool, options: TableOptions
) -> tuple[str, ...]:
    if (
        header
        and len(first) == width - 1
        and (names_rows(text) if options.id is None else position(options.id, 1) == 0)
    ):
        return (ROW_NAMES, *(cell.text for cell in first))
    if len(first) != width:
        _refuse_widths(text, first, width, header)
    return tuple(cell.text if header else str(i) for i, cell in enumerate(first, start=1))


def names_rows(text: TableText) -> bool:
    """Whether column 1, for which the header has no name, surely holds the names of rows."""
    lines = iter(text)
    next(lines)
    found = [split(line, text.separator)[0] for line in lines]
    texts = [cell.text for cell in found]
    if len(set(texts)) < len(texts):
        return False
    if all(cell.quoted for cell in found) or not any(kind(name) == "number" for name in texts):
        return True
    # With commas, `1,5` under `loss` would be a decimal as well.
    counted = texts == [str(i) for i in range(1, len(texts) + 1)]
    return counted and len(texts) > 1 and text.separator in " \t"


def _refuse_widths(text: TableText, first: list[CellText], width: int, header: bool) -> NoReturn:
    second = next(line for i, line in enumerate(text) if i == 1)
    said = (
        f"{text.name}: line {text.number(1)} has {_columns(width)}, but line {text.number(0)} has "
        f"{len(first)}: {shortened(second)}"
    )
    if second.rstrip().endswith(text.separator) and len(first) == width - 1:
        raise InvalidFile(f"{said}; remove the {text.separator!r} at the ends of lines")
    if header and len(first) == width - 1:
        said += "; if column 1 holds the names of rows, say --id 1 (in Python id=0)"
        if width == 2 and text.separator == ",":
            said += "; if these are decimals, write them with a point"
    elif header:
        said += "; write one name for each column"
    raise InvalidFile(said)


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _require_names(text: TableText, names: list[str], columns: tuple[int, ...]) -> None:
    for name, index in zip(names, columns, strict=True):
        if not name:
            raise InvalidFile(
                f"{text.name}: column {index + 1} has no name on line {text.number(0)}, as row "
                "numbers have; name it, or choose the columns to read (--columns)"
            )


@dataclass(frozen=True, eq=False)
class _FirstLine:
    """Line 1, judged by the cells that would be numbers if it were a row."""

    text: TableText
    cells: list[CellText]
    width: int
    judged: list[int]
    rows: RowCount | None

    def is_header(self) -> bool:
        kinds = {i: kind(self.cells[i].text, self.text.decimal) for i in self.judged}
        found = set(kinds.values())
        if len(self.cells) != self.width:
            return "name" in found and "number" not in found
        if self.text.count == 1:
            return bool(found) and found <= {"name", "odd"}
        if kinds.get(0) == "empty" and len(kinds) > 1:
            return self._is_header_without_first([i for i in kinds if i != 0])
        if found <= {"name", "odd", "missing", "empty"} and "name" in found:
            return True
        if found == {"missing"}:
            return self._doubt("it could be a missing value or a name")
        if found <= {"odd", "missing", "empty"}:
            return self._doubt("it is neither a number nor a plain name")
        if found & {"name", "odd"}:
            return self._is_mixed_header([i for i in kinds if kinds[i] in ("name", "odd")])
        return self._is_header_of_numbers()

    def _is_header_without_first(self, others: list[int]) -> bool:
        kinds = {kind(self.cells[i].text, self.text.decimal) for i in others}
        if kinds <= {"name", "odd"} or self._counts_from_zero(others) or self._only_quoted(others):
            return True
        return self._doubt("its first cell is empty: of row numbers, or of a missing value")

    def _is_mixed_header(self, texts: list[int]) -> bool:
        """Judge a line of texts and numbers: a row if the columns of the texts are texts below."""
        second = self.text.cells(1)
        if all(kind(second[i].text, self.text.decimal) in ("name", "odd") for i in texts):
            return False
        return self._doubt(f"{shortened(self.cells[texts[0]].text)} is among numbers")

    def _is_header_of_numbers(self) -> bool:
        quoted = [self.cells[i].quoted for i in self.judged]
        if all(quoted) and self._only_quoted(self.judged):
            return True
        if any(quoted) and b'"' not in self.text.rest:
            return self._doubt("some of its cells are quoted, and none below")
        if self._counts_from_zero(self.judged):
            return self._doubt("pandas writes this header above columns without names")
        if len(self.judged) > 1 and self._only_integers():
            return self._doubt("it is written in integers, and nothing below it is")
        return False

    def _counts_from_zero(self, indices: list[int]) -> bool:
        return [self.cells[i].text for i in indices] == [str(i) for i in range(len(indices))]

    def _only_quoted(self, indices: list[int]) -> bool:
        """Whether these cells are quoted on line 1 and on no other."""
        if not all(self.cells[i].quoted for i in indices):
            return False
        if b'"' not in self.text.rest:
            return True
        below = (split(line, self.text.separator) for i, line in enumerate(self.text) if i)
        return not any(row[i].quoted for row in below for i in indices if i < len(row))

    def _only_integers(self) -> bool:
        """Whether line 1 is written in integers, and nothing below it is."""
        if not all(_INTEGER.fullmatch(self.cells[i].text) for i in self.judged):
            return False
        sign = re.escape(self.text.separator)
        pattern = rf'(?:^|{sign})[ "]*[+-]?[0-9]+[ "]*(?=\n|{sign}|$)'.encode()
        if len(self.judged) == self.width:
            return re.search(pattern, self.text.rest, re.MULTILINE) is None
        below = (split(line, self.text.separator) for i, line in enumerate(self.text) if i)
        return not any(
            _INTEGER.fullmatch(row[i].text) for row in below for i in self.judged if i < len(row)
        )

    def _doubt(self, reason: str) -> bool:
        """Decide by how many rows there have to be, or refuse."""
        lines = self.text.count
        needed = {"square": len(self.judged), "all": lines}.get(str(self.rows), self.rows)
        if needed in (lines, lines - 1):
            return needed == lines - 1
        shown = self.text.separator.join(cell.text for cell in self.cells)
        raise InvalidFile(
            f"{self.text.name}: line {self.text.number(0)}, {shortened(shown)}, may be a header or "
            f"the first row: {reason}. Say which: --header ({_rows(lines - 1)}) or --no-header "
            f"({_rows(lines)}); in Python header=True or header=False"
        )


_INTEGER = re.compile(r"[+-]?[0-9]+")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
