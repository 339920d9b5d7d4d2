"""Numbers in text: one row per line, columns separated by one of the usual signs."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile

_SEPARATORS = (";", "\t", ",")


def table_values(content: bytes, name: str) -> NDArray[np.float64]:
    """Read a table of numbers, (n,) for one column and (n, d) for several.

    Lines that start with ``#`` are comments. The first line is a header if none of its fields is
    a number. Blank lines are refused, except at the end: dropping one would shift the indices.

    Raises
    ------
    InvalidFile
        Naming `name`, the line and the offending text.
    """
    lines = list(_lines(_text(content, name), name))
    if not lines:
        raise InvalidFile(f"{name}: the file is empty")
    header = _fields(lines[0][1])
    if not any(_is_number(field) for field in header):
        _refuse_unnamed_index(header, name)
        lines = lines[1:]
    if not lines:
        raise InvalidFile(f"{name}: holds a header but no number")
    rows = _rows(lines, name)
    values = np.array(rows, dtype=np.float64)
    return values[:, 0] if values.shape[1] == 1 else values


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFile(
            f"{name}: byte {error.start} is not UTF-8 text; a binary file needs the suffix "
            ".npy or .npz, a text in another encoding has to be converted"
        ) from error


def _lines(text: str, name: str) -> Iterator[tuple[int, str]]:
    """Yield numbered lines without comments and without what is blank at the end."""
    for number, line in enumerate(text.rstrip().splitlines(), start=1):
        if line.startswith("#"):
            continue
        if not line.strip():
            raise InvalidFile(
                f"{name}: line {number} is blank; remove it, or write nan for a missing value"
            )
        yield number, line


def _rows(lines: list[tuple[int, str]], name: str) -> list[list[float]]:
    fields = _splitter(lines[0][1])
    first = lines[0][0]
    width = len(fields(lines[0][1]))
    rows = []
    for number, line in lines:
        parts = fields(line)
        if len(parts) != width:
            raise InvalidFile(
                f"{name}: line {number} has {len(parts)} columns, but line {first} has {width}: "
                f"{_shortened(line)}"
            )
        try:
            rows.append([float(part) for part in parts])
        except ValueError:
            wrong = next(part for part in parts if not _is_number(part))
            raise InvalidFile(f"{name}: line {number}: {_complaint(wrong)}") from None
    return rows


def _splitter(line: str) -> Callable[[str], list[str]]:
    """Return a function that splits lines the way that this one wants to be split."""
    separator = next((sign for sign in _SEPARATORS if sign in line), None)
    return lambda text: [part.strip(' \t"') for part in text.strip(" ").split(separator)]


def _fields(line: str) -> list[str]:
    return _splitter(line)(line)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _complaint(field: str) -> str:
    if not field:
        return "a field is empty; write nan for a missing value"
    if _is_number(field.replace(",", ".", 1)):
        return f"{_shortened(field)} is not a number; write decimals with a point"
    return f"{_shortened(field)} is not a number"


def _refuse_unnamed_index(header: list[str], name: str) -> None:
    # pandas and R write their row numbers as a first column without a name, easily taken for data.
    if len(header) > 1 and not header[0]:
        raise InvalidFile(
            f"{name}: the first column has no name and looks like row numbers; write the file "
            "without them (pandas: index=False), or name the column"
        )


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
