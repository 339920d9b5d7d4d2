"""Format detection of instance files by content; doubtful ones are refused."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile

from ._array_files import NPY_MAGIC, ZIP_MAGIC
from ._edge_table import COMMENTS, SEPARATORS, is_whole, named_columns, split
from ._graph_files import MAGIC
from ._tokens import is_finite

FORMATS = (
    "mdplib",
    "kcluster",
    "bqp",
    "opb",
    "biqmac",
    "rudy",
    "edges",
    "matrix-market",
    "matrix",
)
"""The names that `read_problem` knows."""
BOM = b"\xef\xbb\xbf"
_OPB = re.compile(
    rb"(?i)(\*|(minimize|maximize|min|max|soft)\s*:|[+-]?\s*\d+\s+x\d|[+-]?\s*x\d+\s*[-+=<>x])"
)
_START = 2**16  # bytes that are looked at for what no text has
_COMMENTS = tuple(sign.encode() for sign in COMMENTS)
_FILLED = re.compile(rb"^[ \t\r\v\f]*(?!%s)\S" % b"|".join(_COMMENTS), re.MULTILINE)
_DOUBTFUL = np.zeros(256, dtype=bool)
_DOUBTFUL[list(b" \t\n\r\v\f" + b"".join(_COMMENTS))] = True
_SEPARATORS = tuple(sign.encode() for sign in SEPARATORS if sign != "\t")


def recognised(content: bytes, name: str) -> str:
    """Return the format that a file shows, by its first lines, their number and their ends.

    Raises
    ------
    InvalidFile
        If it shows none, or could be of two.
    """
    if not content.strip():
        raise InvalidFile(f"{name}: the file is empty")
    if content.startswith((NPY_MAGIC, ZIP_MAGIC)):
        return "matrix"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidFile(f"{name}: this is UTF-16 text; convert the file to UTF-8")
    if b"\0" in content[:_START]:
        raise InvalidFile(f"{name}: these are binary data; known formats: {', '.join(FORMATS)}")
    if content.startswith(MAGIC):
        return "matrix-market"
    if _OPB.match(content[:_START].lstrip()):
        return "opb"
    found = _by_columns(content, name)
    if found is None:
        raise InvalidFile(
            f"{name}: line 1 begins no known format; known are {', '.join(FORMATS)} (to name one: "
            "--format on the command line)"
        )
    return found


def _by_columns(content: bytes, name: str) -> str | None:
    """Tell the format by the first two lines, and by what else they leave open."""
    begin = [*islice(_lines(content), 2)]
    if not begin:
        raise InvalidFile(f"{name}: the file holds comments only")
    first, *second = begin
    count = _filled(content)
    columns = tuple(len(line.split()) for line in begin)
    numbers = [is_finite(word) for word in first.split()]
    names = not any(numbers) or (len(set(columns)) == 1 and not all(numbers))
    if names or any(sign in first for sign in _SEPARATORS):
        return _of_table(content, name, count)
    if len(set(columns)) == 1 and count == columns[0]:
        return _of_square(content, name, counted=True)
    header = [int(word) if word.isdigit() else None for word in first.split()]
    if not second:
        return {2: "mdplib", 3: "kcluster"}.get(len(header)) if None not in header else None
    if columns == (2, 3):
        return _of_two(content, header, count - 1)
    if columns == (3, 3):
        return _of_three(content, header, count - 1)
    if columns == (2, 2):
        return _of_pairs(content, name, header, count - 1)
    if columns == (1, 2):
        return "bqp"
    if columns[0] == 1 and header == [columns[1]]:
        return "biqmac"
    return "edges" if set(columns) == {2, 3} else None  # whose reader says what is wrong


def _filled(content: bytes) -> int:
    """Return how many lines `_lines` yields, at once where none begins as a blank or a comment."""
    signs = np.frombuffer(b"\n" + content, dtype=np.uint8)
    begins = signs[1:][signs[:-1] == ord("\n")]
    return len(_FILLED.findall(content)) if _DOUBTFUL[begins].any() else len(begins)


def _lines(content: bytes) -> Iterator[bytes]:
    """Yield the lines that are neither blank nor a comment; there may be none."""
    return (
        line
        for line in BytesIO(content)
        if line.strip() and not line.lstrip().startswith(_COMMENTS)
    )


# -- with a header of counts -----------------------------------------------------------------------


def _of_two(content: bytes, header: list[int | None], count: int) -> str:
    """Tell ``n m`` of mdplib, which has all pairs, from ``n m`` before m entries."""
    n, m = header
    if n is None or m is None:
        return "mdplib"
    whole = count == n * (n - 1) // 2
    if whole and count == m:  # n = 3: the base of the indices decides
        whole = 0 in _ends(content, 2, 3)
    if whole or (count != m and 0 in (_ends(content, 2, 3) or {0})):
        return "mdplib"  # or cut short, as are the others if m lines are not there
    words = _words(content)
    return (
        "biqmac" if any(i == j for i, j in zip(words[2::3], words[3::3], strict=False)) else "rudy"
    )


def _of_three(content: bytes, header: list[int | None], count: int) -> str:
    """Tell ``n k edges`` from a first edge ``i j weight``."""
    n, k, edges = header
    if n is None or k is None or edges is None:
        return "edges"
    if count == edges:
        return "kcluster"
    ends = _ends(content, 3, 3)
    within = not ends or (min(ends) >= 1 and max(ends) <= n)
    return "kcluster" if 1 <= k <= n and within else "edges"


def _of_pairs(content: bytes, name: str, header: list[int | None], count: int) -> str:
    """Tell ``n m`` from a first edge ``i j``."""
    n, m = header
    if n is None or m != count:
        return "edges"
    ends = _ends(content, 2, 2)
    if not ends or not (min(ends) >= 0 and max(ends) <= n):
        return "edges"
    words = _words(content)
    pairs = [frozenset(pair) for pair in zip(words[::2], words[1::2], strict=False)]
    if len(set(pairs)) < len(pairs):
        return "rudy"
    raise InvalidFile(
        f"{name}: line 1 may announce {n} nodes and {m} edges or be an edge; say which: format "
        "'rudy' or 'edges' (--format on the command line)"
    )


def _words(content: bytes) -> list[bytes]:
    return b"".join(_lines(content)).split() if b"#" in content else content.split()


def _ends(content: bytes, skipped: int, width: int) -> set[int]:
    """Return the nodes behind a header of some words; none if not all are integers."""
    words = _words(content)[skipped:]
    ends = {*words[::width], *words[1::width]}
    return {int(word) for word in ends} if all(map(bytes.isdigit, ends)) else set()


# -- tables ----------------------------------------------------------------------------------------


def _of_table(content: bytes, name: str, count: int) -> str | None:
    """Tell a list of edges, with names, separators or a header, from a matrix."""
    _, rows = split(content, name, most=4)
    width = len(rows[0])
    texts = [not is_finite(field.encode()) for field in rows[0]]
    if width == 1 or (count == 1 and any(texts)):
        return None
    if named_columns(rows[0]):
        return "edges"
    if width > 3 or not rows[0][0]:  # a first column without a name numbers or names rows
        return "matrix"
    if count - all(texts) == width:
        return _of_square(content, name, counted=False)
    fractions = not any(texts) and not all(float(field).is_integer() for field in rows[0][:2])
    return "matrix" if fractions else "edges"


def _of_square(content: bytes, name: str, counted: bool) -> str:
    """Tell a square table from a list of two or three edges that looks like one.

    It is a matrix if it is symmetric, or if the edges would be none: nodes are integers, and no
    pair of them occurs twice.
    """
    _, rows = split(content, name, most=4)
    n = len(rows[0])
    if n > 3:
        return "matrix"
    rows = rows[-n:]
    fields = [field.encode() for row in rows for field in row]
    if len(fields) != n * n or not all(map(is_finite, fields)):
        return "edges" if n > 1 else "matrix"
    table = np.array(rows, dtype=np.float64)
    readings = []
    if n > 1 and not np.array_equal(table, table.T) and _are_edges(table):
        readings.append("edges")
    if counted and n == 3 and table[0, 2] == 2 and all(map(is_whole, rows[0])):
        readings.append("kcluster")
    if not readings:
        return "matrix"
    shown = {"edges": f"a list of {n} edges", "kcluster": "a graph of two edges"}
    said = " or ".join(shown[reading] for reading in readings)
    options = " or ".join(repr(reading) for reading in ("matrix", *readings))
    raise InvalidFile(
        f"{name}: {n} lines of {n} numbers may be a matrix or {said}; say which: format {options} "
        "(--format on the command line)"
    )


def _are_edges(table: NDArray[np.float64]) -> bool:
    ends = table[:, :2]
    pairs = {frozenset(pair) for pair in ends.tolist()}
    return bool((ends >= 0).all() and (ends == np.floor(ends)).all()) and len(pairs) == len(table)
