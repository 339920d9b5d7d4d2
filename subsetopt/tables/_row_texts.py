"""Tables in text: what separates cells, what the columns are called, and cells as they stand."""

import codecs
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from subsetopt.errors import InvalidFile
from subsetopt.formats._commented_header import with_commented_header
from subsetopt.formats._csv_table import ROW_NUMBERS
from subsetopt.formats._first_line import names_rows
from subsetopt.formats._sources import content_of
from subsetopt.formats._table_text import TableText, shortened, split

from ._row_header import is_header
from ._row_lines import NEWLINE, RowLines

UTF8_WITH_MARK = "utf-8-sig"
"""UTF-8 behind a mark of byte order, by which Excel knows it."""


def text_table(path: str, header: bool | None, encoding: str) -> dict[str, Any]:
    """Read a text file; return the fields of a `RowTable`, every cell as the text that it is.

    Newlines within quotes belong to their cells.
    """
    raw, name, _ = content_of(path)
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16"  # as Excel writes "Unicode text"
    has_mark = raw.startswith(codecs.BOM_UTF8) or encoding == UTF8_WITH_MARK
    if not is_utf8(encoding):
        raw = _decoded(raw, encoding, name)
    lines = RowLines.of(raw, path, name)
    text, commented = _parsed(lines, name, header)
    header, names = _titles(text, name, True if commented else header)
    if header and text.count == 1:
        raise InvalidFile(f"{name}: holds a header but no rows")
    table = _cells_of(text, names, header)
    if NEWLINE in lines.content:
        table = _with_newlines(table)
    return {
        "data": table,
        "separator": text.separator,
        "first_line": text.number(int(header)),
        "empty_lines": lines.empty,
        "encoding": UTF8_WITH_MARK if has_mark else encoding,
    }


def _parsed(lines: RowLines, name: str, header: bool | None) -> tuple[TableText, bool]:
    """Return the text, and whether its header stands behind a mark of a comment."""
    try:
        plain = TableText.of(lines.content, name, lines.separator)
        text = with_commented_header(plain, header)
    except InvalidFile as error:
        if "not UTF-8" not in str(error):
            raise
        raise InvalidFile(
            f"{name}: {str(error).partition(': ')[2].partition(';')[0]}; say what it is, for most "
            "tables of Excel --encoding cp1252"
        ) from None
    return text, text is not plain


def _titles(text: TableText, name: str, header: bool | None) -> tuple[bool, list[str]]:
    """Return whether line 1 names the columns, and their names."""
    first = [cell.text for cell in text.cells(0)]
    next_cells = [cell.text for cell in text.cells(1)] if text.count > 1 else []
    if header is None:
        header = is_header(first, lambda: _rows_of(text), name, f"line {text.number(0)}")
    if header and next_cells and len(first) == len(next_cells) - 1:
        _require_row_names(text)
        first = ["", *first]
    names = first if header else [str(i) for i, _ in enumerate(first, start=1)]
    names = [cell or f"column {i}" for i, cell in enumerate(names, start=1)]
    if len(set(names)) < len(names):
        twice = next(cell for cell in names if names.count(cell) > 1)
        raise InvalidFile(f"{name}: two columns are called {twice!r}; rename one")
    return header, names


def _cells_of(text: TableText, names: list[str], header: bool) -> Any:
    """Return the cells of the rows as texts."""
    import pyarrow as pa
    from pyarrow import csv

    try:
        return csv.read_csv(
            pa.BufferReader(text.rest if header else text.body),
            csv.ReadOptions(column_names=names, block_size=2**26),
            csv.ParseOptions(delimiter=text.separator, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        complaint = _complaint(str(error), text, int(header))
        raise InvalidFile(f"{text.name}: {complaint}") from None


def is_utf8(encoding: str) -> bool:
    """Whether it is UTF-8, with a mark or without."""
    return encoding.lower().replace("_", "-") in ("utf-8", "utf8", UTF8_WITH_MARK)


def _decoded(raw: bytes, encoding: str, name: str) -> bytes:
    try:
        return raw.decode(encoding).encode()
    except LookupError:
        raise InvalidFile(f"{name}: there is no encoding {encoding!r}; try cp1252") from None
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{name}: is not {encoding}: {error.reason}") from None


def _with_newlines(table: Any) -> Any:
    import pyarrow.compute as pc

    columns = [pc.replace_substring(column, NEWLINE.decode(), "\n") for column in table.columns]
    return type(table).from_arrays(columns, names=table.column_names)


def _rows_of(text: TableText) -> Iterator[list[str]]:
    """Yield the cells of all lines but the first."""
    return ([cell.text for cell in split(line, text.separator)] for line in islice(text, 1, None))


def _require_row_names(text: TableText) -> None:
    """Raise InvalidFile unless column 1, without a name on line 1, is that of R's row names.

    One cell too many may also come of a sign at the ends of lines, or of commas in decimals.
    """
    rows = list(text)[1:]
    sign = text.separator
    said = (
        f"{text.name}: line {text.number(1)} has {len(text.cells(1))} cells, but line "
        f"{text.number(0)} has {len(text.cells(0))}: {shortened(rows[0])}"
    )
    if all(row.rstrip(" ").endswith(sign) for row in rows):
        raise InvalidFile(f"{said}; remove the {sign!r} at the ends of lines")
    named = text.cells(0)[0].text.casefold() in ROW_NUMBERS
    if named or not names_rows(text) or (sign == "," and not all(map(_is_quoted, rows))):
        decimals = "; write decimals with a point, or in quotes" if sign == "," else ""
        raise InvalidFile(
            f"{said}{decimals}; if column 1 holds the names of rows, name it on line "
            f"{text.number(0)}"
        )


def _is_quoted(row: str) -> bool:
    return row.startswith('"')


def _complaint(said: str, text: TableText, header: int) -> str:
    """Say which line has another number of cells, which the parser counts from its own start."""
    found = re.search(r"Expected (\d+) columns, got (\d+)", said)
    if found is None:
        return said.splitlines()[0]
    wide = int(found[1])
    for line, content in enumerate(text):
        cells = split(content, text.separator)
        if line >= header and len(cells) != wide:
            return (
                f"line {text.number(line)} has {len(cells)} cells, but line {text.number(0)} has "
                f"{wide}: {shortened(content)}; quote cells that hold {text.separator!r}"
            )
    return said.splitlines()[0]
