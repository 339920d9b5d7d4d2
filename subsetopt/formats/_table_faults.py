"""What is wrong with a table that cannot be read as numbers: the line, the cell and the fix."""

from collections import Counter
from typing import NoReturn

from subsetopt._csv_cells import is_number
from subsetopt.errors import InvalidFile

from ._cells import MISSING, shortened, split
from ._first_line import Shape
from ._table_text import TableText

_SHOWN = 6  # columns that a message lists


def refuse_cells(text: TableText, shape: Shape, otherwise: str) -> NoReturn:
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
        raise InvalidFile(f"{said}; there is no column of numbers")
    names = [shape.called(column) for column in others]
    more = ",..." if len(others) > _SHOWN else ""
    listed = ",".join(names[:_SHOWN]) + more
    if shape.id is None and texts == distinct and len(texts) == 1:
        said += f"; if it names the rows, say --id {shape.called(texts[0])}, else"
    else:
        said += ";"
    raise InvalidFile(f"{said} choose the columns to read: --columns {listed}")


def _complaint(cell: str) -> str:
    if not cell:
        return "a field is empty; write nan for a missing value"
    if is_number(cell, ","):
        return f"{shortened(cell)} is not a number; write decimals with a point"
    return f"{shortened(cell)} is not a number"
