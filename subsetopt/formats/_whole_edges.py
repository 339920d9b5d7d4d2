"""Fast reader of large edge lists between integers.

Whatever is not plain (names, quotes, comments between the edges, other columns) is left to
`_edge_table`, which also says what is wrong with a file.
"""

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._edge_table import COMMENTS, SEPARATORS, named_columns

LARGE = 2**22
"""Bytes from which on a file is worth it."""
_COMMENTS = tuple(sign.encode() for sign in COMMENTS)
_LONGEST = 15  # digits of a node: longer ones are names
_DIGITS, _REAL, _BLANK, _ENDS = b"0123456789", b".eE+-", b" \t", b"\r\n"

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class WholeEdges:
    """Edges as a file lists them.

    Parameters
    ----------
    ends : ndarray of int64 (edges, 2)
    weights : ndarray of float64 (edges,)
    weighted : bool
    header : list of str or None
        The fields of the header, where there is one.
    first_line : int
        The line of the first edge, from 1.
    """

    ends: NDArray[np.int64]
    weights: NDArray[np.float64]
    weighted: bool
    header: list[str] | None
    first_line: int


def whole_edges(content: bytes, header: bool | None, *, counted: bool = False) -> WholeEdges | None:
    """Return the edges of a plain file, None where it is small or anything but plain.

    Parameters
    ----------
    content : bytes
    header : bool or None
        As `read_edges` takes it.
    counted : bool
        The first line holds numbers of nodes and edges, and is skipped.
    """
    if len(content) < LARGE:
        return None
    begin, end, line = _first(content, 0, 1)
    if counted:
        begin, end, line = _first(content, end, line + 1)
    first = content[begin:end]
    sign = next((one.encode() for one in SEPARATORS if one.encode() in first.strip()), None)
    fields = [field.strip().decode("utf-8", "replace") for field in first.split(sign)]
    names = None
    if not all(field.isdecimal() for field in fields[:2]):
        if header is False or named_columns(fields) != [0, 1, 2][: len(fields)]:
            return None
        names, begin, line = fields, end, line + 1
    elif header:
        return None
    found = _numbers(content[begin:], sign, len(fields))
    if found is None:
        return None
    ends, weights = found
    unclear = names is None and header is None and not counted
    if unclear and fields == [str(i) for i in range(len(fields))] and not (ends[1:] <= 1).any():
        return None  # column numbers, perhaps
    return WholeEdges(ends, weights, len(fields) == 3, names, line)


def _first(content: bytes, begin: int, line: int) -> tuple[int, int, int]:
    """Return where the next line that counts begins and ends, and its number."""
    while begin < len(content):
        end = content.find(b"\n", begin)
        end = len(content) if end < 0 else end + 1
        stripped = content[begin:end].strip()
        if stripped and not stripped.startswith(_COMMENTS):
            return begin, end, line
        begin, line = end, line + 1
    return len(content), len(content), line


def _numbers(
    content: bytes, sign: bytes | None, width: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Return nodes and weights of lines of `width` numbers, None if any line holds another."""
    if width not in (2, 3) or re.search(rb"\r(?!\n)", content):
        return None
    if not content.endswith(b"\n"):
        content += b"\n"
    signs = np.frombuffer(content, np.uint8)
    digit, real = _among(_DIGITS, signs), _among(_REAL, signs)
    between = _among(_BLANK if sign is None else sign, signs)
    word = digit | real
    if not (word | between | _among(_ENDS, signs)).all() or not word.any():
        return None
    begins = np.flatnonzero(word & ~np.concatenate([[False], word[:-1]]))
    lines = np.flatnonzero(signs == ord("\n"))
    if not _each_has(lines, begins, width) or (
        sign is not None and not _each_has(lines, np.flatnonzero(between), width - 1, len(begins))
    ):
        return None
    if not _are_nodes(signs, word, real, begins, width):
        return None
    plain = content if sign in (None, b"\t") else content.replace(sign, b" ")
    return _parsed(plain, width, len(begins))


def _among(signs: bytes, content: Bytes) -> Mask:
    table = np.zeros(256, dtype=bool)
    table[list(signs)] = True
    return table[content]


def _each_has(
    lines: NDArray[np.int64], places: NDArray[np.int64], count: int, words: int | None = None
) -> bool:
    """Whether each line, blank ones apart, has `count` of the places."""
    found = np.diff(np.searchsorted(places, lines), prepend=0)
    if words is None:
        return bool(((found == count) | (found == 0)).all())
    return bool((found <= count).all()) and len(places) * (count + 1) == words * count


def _are_nodes(signs: Bytes, word: Mask, real: Mask, begins: NDArray[np.int64], width: int) -> bool:
    """Whether all words but the third ones are whole numbers as they are usually written."""
    ends = np.flatnonzero(word & ~np.concatenate([word[1:], [False]]))
    sizes = ends - begins + 1
    node = np.arange(len(begins)) % width < 2
    plain = (sizes == 1) | ((signs[begins] != ord("0")) & (sizes <= _LONGEST))
    within = np.searchsorted(begins, np.flatnonzero(real), side="right") - 1
    return bool(plain[node].all()) and not node[within].any()


def _parsed(
    content: bytes, width: int, words: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    kind: Any = np.int64 if width == 2 else np.float64
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            numbers: NDArray[Any] = np.fromstring(content, dtype=kind, sep=" ")
        except (DeprecationWarning, ValueError):
            return None
    if numbers.size != words or not np.isfinite(numbers).all():
        return None
    table = numbers.reshape(-1, width)
    weights: NDArray[np.float64] = table[:, 2].copy() if width == 3 else np.ones(len(table))
    return table[:, :2].astype(np.int64), weights
