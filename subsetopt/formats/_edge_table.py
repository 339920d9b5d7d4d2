"""Tables of edges: which line is a header, which columns are nodes and weights."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidOption

from ._table_text import kind
from ._tokens import is_finite, quoted

SEPARATORS = ("\t", ";", ",")
COMMENTS = ("#", "%", "//")
_SOURCES = {"source", "src", "from", "fromnodeid", "from_node", "tail", "node1", "node_1", "u", "i"}
_TARGETS = {"target", "dst", "to", "tonodeid", "to_node", "head", "node2", "node_2", "v", "j"}
_WEIGHTS = {"weight", "weights", "w", "value", "score", "similarity", "distance"}
_OPTION = "say which: header true or false (--header or --no-header on the command line)"


@dataclass(frozen=True, eq=False)
class EdgeTable:
    """The nodes and weights of each edge, as they stand in a text.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    pairs : list of (str, str)
    weights : ndarray of float64 (edges,)
    lines : list of int
        The line of each edge, from 1.
    header : list of str or None
        The fields of the header, where there is one.
    weighted : bool
    """

    name: str
    pairs: list[tuple[str, str]]
    weights: NDArray[np.float64]
    lines: list[int]
    header: list[str] | None
    weighted: bool

    def wrong(self, edge: int, message: str) -> NoReturn:
        """Raise InvalidFile about an edge."""
        raise InvalidFile(f"{self.name}: line {self.lines[edge]}: {message}")


def edge_table(
    content: bytes, name: str, header: bool | None, counts: tuple[int, int] | None = None
) -> EdgeTable:
    """Read a table of edges: two nodes, and a weight or none.

    Parameters
    ----------
    content : bytes
    name : str
    header : bool or None
        Whether the first line is a header; None decides by what it holds.
    counts : (int, int), optional
        The fields of a first line that is neither header nor edge, and is skipped.

    Raises
    ------
    InvalidFile
    """
    lines, rows = split(content, name)
    if counts is not None:
        lines, rows, header = lines[1:], rows[1:], False
    if not rows:
        raise InvalidFile(f"{name}: the file holds no edge")
    if len(rows[0]) < 2:
        raise InvalidFile(f"{name}: line {lines[0]} has one column; edges have two nodes")
    found = is_header(rows, name, lines[0]) if header is None else header
    names = rows[0] if found else None
    if found:
        lines, rows = lines[1:], rows[1:]
    if not rows:
        raise InvalidFile(f"{name}: holds a header but no edge")
    columns = _columns(names, len(rows[0]), name)
    _require_width(rows, lines, name, len(names) if names else len(rows[0]))
    pairs = [(row[columns[0]], row[columns[1]]) for row in rows]
    weights = np.ones(len(rows))
    if len(columns) == 3:
        texts = [row[columns[2]] for row in rows]
        weights = _weights(texts, lines, name)
    return EdgeTable(name, pairs, weights, lines, names, len(columns) == 3)


def split(content: bytes, name: str, most: int | None = None) -> tuple[list[int], list[list[str]]]:
    """Return the numbers and the fields of the lines that are neither blank nor a comment.

    Columns are separated by the first of tab, semicolon and comma that the first of these lines
    holds, else by blanks; fields may be in double quotes.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFile(
            f"{name}: byte {error.start} is not UTF-8 text; convert the file to UTF-8"
        ) from error
    numbers, kept = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith(COMMENTS):
            numbers.append(number)
            kept.append(line.strip(" "))
            if len(kept) == most:
                break
    if not kept:
        return [], []
    separator = next((sign for sign in SEPARATORS if sign in kept[0].strip()), None)
    if separator is None and '"' not in text:
        return numbers, [line.split() for line in kept]
    return numbers, _fields(kept, numbers, separator, name)


def _fields(
    kept: list[str], numbers: list[int], separator: str | None, name: str
) -> list[list[str]]:
    reader = csv.reader(
        kept, delimiter=separator or " ", skipinitialspace=True, strict=separator is not None
    )
    rows: list[list[str]] = []
    try:
        for row in reader:
            if reader.line_num != len(rows) + 1:
                break
            rows.append([field.strip() for field in row])
    except csv.Error as error:
        where = numbers[min(len(rows), len(numbers) - 1)]
        raise InvalidFile(f"{name}: line {where}: {error}") from error
    if len(rows) != len(kept):
        raise InvalidFile(f"{name}: line {numbers[len(rows)]}: a quoted field spans lines")
    return rows


def named_columns(first: list[str]) -> list[int] | None:
    """Return the columns of source, target and perhaps weight by their names in a header."""
    lowered = [field.lower() for field in first]
    found = []
    for known in (_SOURCES, _TARGETS, _WEIGHTS):
        places = [i for i, field in enumerate(lowered) if field in known]
        if len(places) == 1:
            found.append(places[0])
        elif known is not _WEIGHTS:
            return None
    return found


def is_header(rows: list[list[str]], name: str, line: int) -> bool:
    """Decide whether the first row of a table of edges is a header.

    It is one if it names the columns, if its weight is a name and its nodes are names that occur
    nowhere else, or if its nodes are not numbers where all others are. It is none if its nodes are
    integers, or occur as nodes again.

    Raises
    ------
    InvalidFile
        Where neither holds: dropping an edge and adding one are both silent errors.
    """
    first, rest = rows[0], rows[1:]
    columns = named_columns(first)
    source, target, *weight = columns or range(min(len(first), 3))
    nodes = {row[i] for row in rest for i in (source, target) if i < len(row)}
    again = {first[source], first[target]} & nodes
    if columns:
        if again:
            shown = quoted(sorted(again)[0].encode())
            _doubt(name, line, f"looks like a header, but {shown} is a node later")
        return True
    if weight and not is_finite(first[2].encode()):
        if not rest or not all(len(row) < 3 or is_finite(row[2].encode()) for row in rest):
            return False
        nodes_first = again or is_whole(first[source]) or is_whole(first[target])
        if nodes_first or kind(first[2]) != "name":  # an edge whose weight is missing, perhaps
            _doubt(name, line, f"has nodes, but {quoted(first[2].encode())} is not a finite weight")
        return True
    numbers = [is_whole(first[i]) for i in (source, target)]
    if rest and not any(numbers) and all(map(is_whole, nodes)):
        return True
    if all(numbers):
        if first == [str(i) for i in range(len(first))] and not again and rest:
            _doubt(name, line, "may be column numbers or an edge")
        return False
    if not again and rest:
        _doubt(name, line, "may be a header or an edge: neither of its nodes occurs again")
    return False


def is_whole(text: str) -> bool:
    """Whether a text is an integer as it is usually written."""
    return text.removeprefix("-").isdecimal() and text.isascii()


def _doubt(name: str, line: int, why: str) -> NoReturn:
    raise InvalidOption(f"{name}: line {line} {why}; {_OPTION}")


def _columns(names: list[str] | None, width: int, name: str) -> list[int]:
    found = named_columns(names) if names else None
    if found:
        return found
    if width not in (2, 3):
        raise InvalidFile(
            f"{name}: has {width} columns; edges are two nodes and a weight or none, or a header "
            "names the columns source, target and weight"
        )
    return list(range(width))


def _require_width(rows: list[list[str]], lines: list[int], name: str, width: int) -> None:
    odd = next((i for i, row in enumerate(rows) if len(row) != width), None)
    if odd is not None:
        raise InvalidFile(
            f"{name}: line {lines[odd]} has {len(rows[odd])} columns, but the first line has "
            f"{width}"
        )


def _weights(texts: Iterable[str], lines: list[int], name: str) -> NDArray[np.float64]:
    weights = np.ones(len(lines))
    for edge, text in enumerate(texts):
        if not is_finite(text.encode()):
            raise InvalidFile(f"{name}: line {lines[edge]}: {_complaint(text)}")
        weights[edge] = float(text)
    return weights


def _complaint(text: str) -> str:
    shown = quoted(text.encode())
    if text.startswith("{"):
        return (
            f"{shown} is not a weight; write the file with networkx.write_weighted_edgelist, or "
            "with write_edgelist(..., data=False)"
        )
    if is_finite(text.replace(",", ".", 1).encode()):
        return f"{shown} is not a number; write decimals with a point"
    return f"{shown} is not a finite number"
