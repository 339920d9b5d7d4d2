"""Instances of quadratic selection, in the formats that they are published in."""

import os
import re
from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.problems import QuadraticSelection

from .arrays import NPY_MAGIC, ZIP_MAGIC, read_table, table_from
from .bqp import read_bqp
from .kcluster import read_kcluster
from .mdplib import read_mdplib
from .opb import read_opb
from .packed import content_of, member_of

FORMATS = ("mdplib", "kcluster", "bqp", "opb", "matrix")
"""The names that `read_problem` knows."""
_COLUMNS = {(2, 3): "mdplib", (2,): "mdplib", (3, 3): "kcluster", (3,): "kcluster", (1, 2): "bqp"}
"""Numbers on the first line, and on the second where there is one."""
_OPB = re.compile(rb"\s*(\*|(min|max):|[+-]?\d+\s+x\d)")
_TWO_EDGES = re.compile(rb"\s*\d+\s+\d+\s+2\s*")
_START = 2**16  # bytes that are looked at for what no text has


def read_problem(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - what it is called everywhere
    k: int | None = None,
    instance: int | None = None,
) -> QuadraticSelection:
    """Read an instance of quadratic selection from a file.

    Parameters
    ----------
    path : str or path
        A file, plain or packed by gzip, xz or bzip2; a tar archive of one file, or
        ``archive:member``; or ``-`` for standard input.
    format : {"mdplib", "kcluster", "bqp", "opb", "matrix"}, optional
        None recognises it by the content. ``"matrix"`` is a square ``.npy``, ``.npz`` or text
        table, to be minimised.
    k : int, optional
        How many to choose; None is what the file says.
    instance : int, optional
        Which one, from 1, of a bqp file that holds several.

    Returns
    -------
    QuadraticSelection
        In the file's own sense: `QuadraticSelection.stated` gives its own value back.

    Raises
    ------
    InvalidFile
        Naming the file, the line, what is wrong and what is needed.
    InvalidOption
        If k, the instance or the format has to be named, or cannot be.
    InvalidProblem
        If k lies outside 1..n, or a matrix is not square.
    """
    return read_with_format(path, format=format, k=k, instance=instance)[0]


def read_with_format(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002
    k: int | None = None,
    instance: int | None = None,
) -> tuple[QuadraticSelection, str]:
    """Read as `read_problem` does; return the name of the format too."""
    if format is not None and format not in FORMATS:
        raise InvalidOption(f"format is {format!r}; known are {', '.join(FORMATS)}")
    if format in (None, "matrix") and _is_array_file(path):
        _require_no_instance("matrix", instance)
        return _matrix(read_table(path).values, k, os.fspath(path)), "matrix"
    content, name, member = content_of(path)
    found = format or recognised(content, name)
    if member is not None and not content.startswith(ZIP_MAGIC):
        raise InvalidFile(f"{name}: this is no archive; leave out ':{member}'")
    if found == "bqp":
        return read_bqp(content, name, k, instance), found
    _require_no_instance(found, instance)
    if found == "matrix":
        return _matrix(table_from(content, name, member, rows="square").values, k, name), found
    readers = {"mdplib": read_mdplib, "kcluster": read_kcluster, "opb": read_opb}
    return readers[found](content, name, k), found


def recognised(content: bytes, name: str) -> str:
    """Return the format that the first lines of a file show.

    Raises
    ------
    InvalidFile
        If they show none, or could be of two.
    """
    if not content.strip():
        raise InvalidFile(f"{name}: the file is empty")
    if content.startswith((NPY_MAGIC, ZIP_MAGIC)):
        return "matrix"
    if b"\0" in content[:_START]:
        raise InvalidFile(f"{name}: these are binary data; known formats: {', '.join(FORMATS)}")
    if _OPB.match(content):
        return "opb"
    found = _by_columns(content, name)
    if found is None:
        raise InvalidFile(
            f"{name}: line 1 begins no known format; known are {', '.join(FORMATS)} (to name one: "
            "--format on the command line)"
        )
    return found


def _by_columns(content: bytes, name: str) -> str | None:
    """Tell the format by how many numbers the first two lines hold."""
    first, *second = [*islice(_lines(content), 2)] or [b""]
    if b"," in first or b";" in first:
        return "matrix"
    columns = tuple(len(line.split()) for line in (first, *second))
    square = len(set(columns)) == 1 and sum(1 for _ in _lines(content)) == columns[0]
    if square and _TWO_EDGES.fullmatch(first):
        raise InvalidFile(
            f"{name}: three lines of three numbers, a matrix or a graph of two edges; say which: "
            "format 'matrix' or 'kcluster' (--format on the command line)"
        )
    if square:
        return "matrix"
    numbers = b"".join(first.split()).isdigit()
    return _COLUMNS.get(columns) if second or numbers else None


def _lines(content: bytes) -> Iterator[bytes]:
    """Yield the lines that are neither blank nor a comment; there may be none."""
    return (line for line in BytesIO(content) if line.strip() and not line.startswith(b"#"))


def _is_array_file(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is best read by `read_table`, which does not hold the bytes as well."""
    return member_of(path)[0].suffix.lower() in (".npy", ".npz")


def _require_no_instance(found: str, instance: int | None) -> None:
    if instance is not None:
        raise InvalidOption(f"instance is {instance}; {found} files hold one, bqp files several")


def _matrix(values: NDArray[Any], k: int | None, name: str) -> QuadraticSelection:
    if k is None:
        raise InvalidOption(
            f"{name}: a matrix states no number to choose; give k (--k on the command line)"
        )
    if values.shape == (1,):
        values = values.reshape(1, 1)  # a table of one column is read as a vector
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise InvalidFile(f"{name}: holds shape {values.shape}; a square matrix (n, n) is needed")
    return QuadraticSelection(values, k=k, copy=False)
