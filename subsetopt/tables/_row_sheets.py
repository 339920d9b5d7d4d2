"""Tables in spreadsheets: their cells as text, and their rows without empty ones at the end."""

from pathlib import Path
from typing import Any

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidFile

from ._row_header import is_header

CALAMINE = OptionalDependency("python-calamine", "python_calamine", extra="excel")


def sheet_table(path: str, header: bool | None, sheet: str | None) -> dict[str, Any]:
    """Read a sheet, the first if it is None; return the fields of a `RowTable`, cells as text."""
    import pyarrow as pa

    if not Path(path).is_file():
        raise InvalidFile(f"{path}: there is no such file")
    cells, sheet = _cells(path, sheet)
    texts = [[_cell_text(cell) for cell in row] for row in cells]
    filled = [i for i, row in enumerate(texts) if any(cell.strip() for cell in row)]
    if not filled:
        raise InvalidFile(f"{path}: the sheet {sheet!r} is empty")
    gap = next((i for i, place in enumerate(filled) if i != place), None)
    if gap is not None:
        raise InvalidFile(
            f"{path}: row {gap + 1} has only empty cells; remove it, or write nan for a missing "
            "value"
        )
    empty = len(texts) - len(filled)
    texts = texts[: len(filled)]
    has_header = is_header(texts[0], lambda: texts[1:], path, "row 1") if header is None else header
    titles = [cell.strip() if has_header else str(i) for i, cell in enumerate(texts[0], start=1)]
    texts = texts[1:] if has_header else texts
    columns = {
        title or str(i): [row[i - 1] for row in texts] for i, title in enumerate(titles, start=1)
    }
    if len(columns) < len(titles):
        raise InvalidFile(f"{path}: two columns have the same name; rename one")
    table = pa.table({title: pa.array(cells, pa.string()) for title, cells in columns.items()})
    return {"data": table, "separator": "", "first_line": 1 + has_header, "empty_lines": empty}


def _cells(path: str, sheet: str | None) -> tuple[list[list[Any]], str]:
    """Return the rows of a sheet, and its name."""
    workbook = CALAMINE.load().CalamineWorkbook
    try:
        book = workbook.from_path(path)
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise InvalidFile(
                f"{path}: there is no sheet {sheet!r}; there are {', '.join(map(repr, names))}"
            )
        name = str(sheet or names[0])
        return book.get_sheet_by_name(name).to_python(skip_empty_area=True), name
    except InvalidFile:
        raise
    except Exception as error:  # the reader has its own for each kind of file
        raise InvalidFile(f"{path} cannot be read as a spreadsheet: {error}") from None


def _cell_text(cell: Any) -> str:
    """Return a cell of a spreadsheet as text: integers without decimals, dates by ISO 8601."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, bool):
        return str(int(cell))
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)
