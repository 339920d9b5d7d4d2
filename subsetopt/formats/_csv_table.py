"""Numbers in text: one row per line, columns separated by one of the usual signs."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from subsetopt._csv_cells import is_number
from subsetopt.errors import InvalidFile

from ._commented_header import with_commented_header
from ._first_line import RowCount, Shape, shape_of
from ._table_options import TableOptions
from ._table_text import MISSING, TableText, shortened, split

ROW_NUMBERS = ("id", "index", "idx", "row", "row_id", "rowid", "unnamed: 0")
"""What columns are called that name the rows, in lower case."""
AS_IT_IS = "rows of a table with text are chosen by subsetopt select, which takes it as it is"
"""What to do where only numbers are read."""
_BLOCK = 2**26  # bytes that pyarrow parses at once; a line has to fit
_EXACT = 2**53
_SHOWN = 6  # columns that a sentence lists


@dataclass(frozen=True, eq=False, kw_only=True)
class CSVTable:
    """Numbers, and what was taken as header, columns and ids.

    Parameters
    ----------
    values : ndarray
        (n,) for one column, (n, d) for several; of text float64.
    columns : tuple of str
        The names of the columns of `values`; where there is no header their numbers from 1.
    ids : tuple of str or None
        A name for each row, if a column holds them.
    id : str or None
        The name of that column.
    header : bool
        Whether line 1 was taken as a header.
    comments : int
        Lines that were left out as comments.
    is_text : bool
        Whether the values were read from text, so that rules told header and rows apart.
    """

    values: NDArray[Any]
    columns: tuple[str, ...]
    ids: tuple[str, ...] | None = None
    id: str | None = None
    header: bool = False
    comments: int = 0
    is_text: bool = False

    def ids_of(self, indices: NDArray[np.int64] | None) -> list[str] | None:
        """Return the ids of some rows; None without ids or rows."""
        if self.ids is None or indices is None:
            return None
        return [self.ids[index] for index in indices.tolist()]

    def to_dict(self) -> dict[str, Any] | None:
        """Return plain data for JSON: what was taken as header, rows, columns and id of a text."""
        if not self.is_text:
            return None
        return {
            "header": self.header,
            "rows": len(self.values),
            "columns": list(self.columns),
            "id": self.id,
            "comments": self.comments,
        }

    def sentence(self) -> str:
        """Say what was taken as what; empty for what is no text."""
        if not self.is_text:
            return ""
        rows, count = len(self.values), len(self.columns)
        said = f"{rows:,} row{'s'[: rows != 1]}, "
        if self.header:
            shown = [_printable(name) for name in self.columns[:_SHOWN]]
            more = [f"and {count - _SHOWN} more"] if count > _SHOWN else []
            said += f"column{'s'[: count != 1]} {', '.join([*shown, *more])} (line 1 is a header)"
        else:
            said += f"{count} column{'s'[: count != 1]}, no header"
        if self.id is not None:
            said += f", ids from {_printable(self.id)}"
        if self.comments:
            said += f", {self.comments:,} comment{'s'[: self.comments != 1]} left out"
        return said


def table_of(
    content: bytes,
    name: str,
    options: TableOptions | None = None,
    rows: RowCount | None = None,
) -> CSVTable:
    """Read a table of numbers.

    Lines that start with ``#`` are comments, unless one names the columns. Blank lines are
    refused, except at the end: dropping one would shift the indices. What line 1 is,
    `subsetopt.formats._first_line` decides.

    Parameters
    ----------
    content : bytes
    name : str
        Of the file, for messages.
    options : TableOptions, optional
    rows : int, "square" or "all", optional
        How many rows there have to be: it decides about a doubtful line 1.

    Raises
    ------
    InvalidFile
        Naming `name`, the line and the offending text.
    InvalidOption
        If a column is asked for that is not there.
    """
    options = options or TableOptions()
    text = with_commented_header(TableText.of(content, name), options.header)
    shape = shape_of(text, options, rows)
    if shape.header and text.count == 1:
        raise InvalidFile(f"{name}: holds a header but no numbers")
    columns, ids = _read(text, shape)
    if ids is not None and not shape.sure and len(set(ids)) < len(ids):
        raise InvalidFile(
            f"{name}: column 1 has no name, as row numbers have, but its cells repeat; choose the "
            "columns to read (--columns), or say --id 1 (in Python id=0)"
        )
    names = tuple(shape.names[i] for i in shape.columns)
    if shape.header and options.columns is None and ids is None and len(names) > 1:
        _refuse_row_numbers(shape, columns, name)
    values = columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
    return CSVTable(
        values=values,
        columns=names,
        ids=ids,
        id=None if shape.id is None else shape.names[shape.id],
        header=shape.header,
        comments=len(text.comments),
        is_text=True,
    )


def _read(
    text: TableText, shape: Shape
) -> tuple[list[NDArray[np.float64]], tuple[str, ...] | None]:
    """Return the columns of numbers, and the ids where there are some."""
    import pyarrow as pa
    from pyarrow import csv

    body = text.rest if shape.header else text.body
    numbers = [str(i) for i in shape.columns]
    id_names = [] if shape.id is None else [str(shape.id)]
    types = dict.fromkeys(numbers, pa.float64()) | dict.fromkeys(id_names, pa.string())
    try:
        table = csv.read_csv(
            pa.BufferReader(body),
            csv.ReadOptions(
                column_names=[str(i) for i in range(len(shape.names))],
                block_size=min(len(body) + 1, _BLOCK),
            ),
            csv.ParseOptions(delimiter=text.separator, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=types,
                include_columns=[*numbers, *id_names],
                null_values=list(MISSING),
                decimal_point=text.decimal,
            ),
        )
    except pa.ArrowInvalid as error:
        _refuse_cells(text, shape, str(error))
    columns = [_values(table[number]) for number in numbers]
    ids = tuple(map(str.strip, table[id_names[0]].to_pylist())) if id_names else None
    return columns, ids


def _values(column: Any) -> NDArray[np.float64]:
    """Return a column of Arrow's in float64, NaN where it has no value.

    Its own way to NumPy imports pandas, in half a second.
    """
    parts = []
    for chunk in column.chunks:
        valid, numbers = chunk.buffers()
        here = slice(chunk.offset, chunk.offset + len(chunk))
        values = np.frombuffer(numbers or b"", np.float64)[here].copy()
        if chunk.null_count:
            bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")
            values[bits[here] == 0] = np.nan
        parts.append(values)
    return np.concatenate(parts) if parts else np.empty(0)


def _refuse_row_numbers(shape: Shape, columns: list[NDArray[np.float64]], file: str) -> None:
    """Refuse a column that is named as row numbers are, and holds distinct integers."""
    for index, column in zip(shape.columns, columns, strict=True):
        named = shape.names[index].casefold() in ROW_NUMBERS
        whole = named and (column == np.floor(column)).all()
        # Distinct integers beyond those that float64 holds may look alike.
        distinct = len(set(column)) == len(column) or abs(column).max() >= _EXACT
        if not (whole and distinct):
            continue
        others = [shape.called(other) for other in shape.columns if other != index]
        listed = ",".join(others[:_SHOWN]) + (",..." if len(others) > _SHOWN else "")
        raise InvalidFile(
            f"{file}: column {index + 1} ({shortened(shape.names[index])}) looks like row numbers; "
            f"if it names the rows, say --id {shape.called(index)}, else choose the columns to "
            f"read: --columns {listed}"
        )


def _printable(text: str) -> str:
    cut = shortened(text)
    return text if text.isprintable() and text in cut else cut


def _refuse_cells(text: TableText, shape: Shape, otherwise: str) -> NoReturn:
    """Raise InvalidFile about the first cell or line that is wrong.

    A column most of whose cells are texts is refused as a whole: it names the rows, or is to be
    left out. `otherwise` is what the reader said, for what is not found here.
    """
    width, start = len(shape.names), int(shape.header)
    wrong: dict[int, tuple[int, str]] = {}
    counts: Counter[int] = Counter()
    seen: dict[int, set[str]] = {}
    for line, content in enumerate(text):
        if line < start:
            continue
        cells = split(content, text.separator)
        if len(cells) != width:
            raise InvalidFile(
                f"{text.name}: line {text.number(line)} has {len(cells)} columns, but line "
                f"{text.number(start)} has {width}: {shortened(content)}"
            )
        for column in shape.columns:
            cell = cells[column].text
            if not is_number(cell, text.decimal) and cell not in MISSING:
                wrong.setdefault(column, (line, cell))
                counts[column] += bool(cell)
                seen.setdefault(column, set()).add(cell)
    rows = text.count - start
    texts = [column for column in wrong if 2 * counts[column] > rows and rows > 1]
    if texts:
        distinct = [column for column in texts if len(seen[column]) == counts[column]]
        _refuse_texts(text, shape, sorted(texts), wrong, distinct)
    if not wrong:
        raise InvalidFile(f"{text.name}: {otherwise}")
    line, cell = min(wrong.values(), key=lambda found: found[0])
    raise InvalidFile(f"{text.name}: line {text.number(line)}: {_complaint(cell)}")


def _refuse_texts(
    text: TableText,
    shape: Shape,
    texts: list[int],
    wrong: dict[int, tuple[int, str]],
    distinct: list[int],
) -> NoReturn:
    line, cell = wrong[texts[0]]
    called = f"column {texts[0] + 1}"
    if shape.header:
        called += f" ({shortened(shape.names[texts[0]])})"
    said = f"{text.name}: {called} holds texts, not numbers: {shortened(cell)} on line "
    said += f"{text.number(line)}"
    others = [column for column in shape.columns if column not in texts]
    if not others:
        raise InvalidFile(f"{said}; there is no column of numbers; {AS_IT_IS}")
    names = [shape.called(column) for column in others]
    more = ",..." if len(others) > _SHOWN else ""
    listed = ",".join(names[:_SHOWN]) + more
    if shape.id is None and texts == distinct and len(texts) == 1:
        said += f"; if it names the rows, say --id {shape.called(texts[0])}, else"
    else:
        said += ";"
    raise InvalidFile(f"{said} choose the columns to read: --columns {listed}; {AS_IT_IS}")


def _complaint(cell: str) -> str:
    if not cell:
        return "a field is empty; write nan for a missing value"
    if is_number(cell, ","):
        return f"{shortened(cell)} is not a number; write decimals with a point"
    return f"{shortened(cell)} is not a number"
