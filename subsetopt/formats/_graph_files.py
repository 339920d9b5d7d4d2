"""Graphs as lists of edges, as spreadsheets, networkx and graph libraries write them."""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NoReturn

import numpy as np

from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import InvalidFile, InvalidProblem
from subsetopt.problems import QuadraticSelection
from subsetopt.problems._graphs import edges_of
from subsetopt.problems._pairs import (
    Duplicates,
    Edges,
    Wrong,
    edges_of_pairs,
    edges_of_whole,
    folded,
    folded_if_clear,
    require_known,
)
from subsetopt.problems._sparse_entries import require_entries
from subsetopt.problems.quadratic import Sense

from ._edge_table import EdgeTable, edge_table, is_whole, split
from ._libraries import EACH_EDGE_ONCE, NUMBER_OF_EDGES, Reading, given
from ._tokens import is_finite, quoted
from ._whole_edges import WholeEdges, whole_edges

MAGIC = b"%%MatrixMarket"
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.0+)?")
_FIELDS = ("real", "double", "integer", "unsigned-integer", "pattern")
_SYMMETRIES = ("general", "symmetric")
_SCIPY = OptionalDependency("scipy", "scipy")


def read_edges(
    content: bytes,
    name: str,
    k: int | None,
    *,
    sense: Sense | None = None,
    duplicates: Duplicates = "refuse",
    header: bool | None = None,
) -> Reading:
    """Read lines of two nodes, and a weight or none.

    The nodes are those that occur: in numeric order if all are integers, else as they first
    occur. Without weights each edge counts 1.

    Parameters
    ----------
    content : bytes
    name : str
        Of the file, for messages.
    k : int
        How many to choose; the file does not say.
    sense : {"minimise", "maximise"}, optional
        None is maximise.
    duplicates : {"refuse", "sum", "once"}
        What is done about pairs that occur twice.
    header : bool, optional
        Whether the first line is a header; None decides by what it holds.

    Returns
    -------
    Reading
        Its problem has the names of the nodes.

    Raises
    ------
    InvalidFile
    InvalidOption
        If k, the header or what duplicates mean has to be named.
    """
    require_known(duplicates)
    k = given(k, name, "lists of edges")
    whole = whole_edges(content, header)
    found = None if whole is None else edges_of_whole(whole.ends, whole.weights, duplicates)
    if whole is not None and found is not None:
        return _reading(found, Listed.of_whole(whole, name), k, sense, "edges")
    table = edge_table(content, name, header)
    edges = edges_of_pairs(_nodes(table), table.weights, duplicates, _wrong(table))
    return _reading(edges, Listed.of_table(table), k, sense, "edges")


def read_rudy(
    content: bytes,
    name: str,
    k: int | None,
    *,
    sense: Sense | None = None,
    duplicates: Duplicates = "refuse",
) -> Reading:
    """Read ``n m``, then m lines of two of the nodes 1..n, or 0..n-1, and a weight or none.

    As `read_edges`, but for nodes without an edge, which count too.
    """
    require_known(duplicates)
    k = given(k, name, "rudy files")
    lines, rows = split(content, name, most=1)
    if not rows or len(rows[0]) != 2 or not all(map(is_whole, rows[0])):
        raise InvalidFile(f"{name}: line {lines[0] if lines else 1} must hold `n m`, two integers")
    n, m = map(int, rows[0])
    whole = whole_edges(content, False, counted=True)
    if whole is not None and len(whole.ends) == m:
        require_entries(name, n, 2 * m)
        base = 0 if whole.ends.min() == 0 else 1
        ends, names = whole.ends - base, tuple(range(base, n + base))
        found = folded_if_clear(n, ends, whole.weights, duplicates, names)
        if ends.max() < n and found is not None:
            return _reading(found, Listed.of_whole(whole, name), k, sense, "rudy")
    table = edge_table(content, name, False, counts=(n, m))
    if len(table.pairs) != m:
        raise InvalidFile(f"{name}: line 1 announces {m} edges; got {len(table.pairs)}")
    require_entries(name, n, 2 * m)
    ends = np.array(_nodes(table, whole=True), dtype=np.float64).astype(np.int64)
    base = 0 if ends.min() == 0 else 1
    outside = ((ends < base) | (ends >= n + base)).any(axis=1)
    if outside.any():
        table.wrong(int(outside.argmax()), f"nodes must be integers in [{base}, {n - 1 + base}]")
    names = tuple(range(base, n + base))
    edges = folded(n, ends - base, table.weights, duplicates, _wrong(table), names)
    return _reading(edges, Listed.of_table(table), k, sense, "rudy")


def _nodes(table: EdgeTable, whole: bool = False) -> list[tuple[Hashable, Hashable]]:
    """Return the nodes as int where all are integers, or have to be, else as text."""
    texts = {text for pair in table.pairs for text in pair}
    if all(map(_WHOLE.fullmatch, texts)):  # 1.0 too, as columns with missing values are written
        number = {text: int(float(text)) for text in texts}
        return [(number[u], number[v]) for u, v in table.pairs]
    for edge, pair in enumerate(table.pairs):
        for text in pair:
            if not text:
                table.wrong(edge, "a node is empty")
            fraction = is_finite(text.encode()) and not float(text).is_integer()
            if fraction or (whole and not _WHOLE.fullmatch(text)):
                shown = quoted(text.encode())
                table.wrong(edge, f"nodes must be integers or names; got {shown}")
    return [(u, v) for u, v in table.pairs]


def _wrong(table: EdgeTable) -> Wrong:
    def wrong(edge: int, earlier: int, does: str) -> NoReturn:
        shown = quoted(" ".join(table.pairs[edge]).encode())
        table.wrong(
            edge,
            f"{shown}, and line {table.lines[earlier]} {does}; say what is meant: duplicates "
            "'sum' adds the weights of equal pairs, 'once' counts each pair once (--duplicates on "
            "the command line)",
        )

    return wrong


@dataclass(frozen=True, eq=False)
class Listed:
    """What is said of a list of edges.

    Parameters
    ----------
    name : str
        Of the file.
    count : int
        The lines of edges.
    weighted : bool
    header : list of str or None
    first_line : int
        The line of the first edge, from 1.
    """

    name: str
    count: int
    weighted: bool
    header: list[str] | None
    first_line: int

    @classmethod
    def of_table(cls, table: EdgeTable) -> "Listed":
        """Return what is said of a table."""
        return cls(table.name, len(table.pairs), table.weighted, table.header, table.lines[0])

    @classmethod
    def of_whole(cls, whole: WholeEdges, name: str) -> "Listed":
        """Return what is said of a list of edges between whole numbers."""
        return cls(name, len(whole.ends), whole.weighted, whole.header, whole.first_line)


def _reading(edges: Edges, table: Listed, k: int, sense: Sense | None, form: str) -> Reading:
    require_entries(table.name, edges.n, 2 * len(edges))
    problem = QuadraticSelection.from_graph(edges, k, sense=sense or "maximise")
    said = [EACH_EDGE_ONCE if table.weighted else NUMBER_OF_EDGES]
    said.append(f"{edges.n} nodes, {len(edges)} edges")
    if loops := int((edges.rows == edges.columns).sum()):
        said.append(f"{loops} of them loops, which count once their node is chosen")
    if len(edges) < table.count:
        said.append(f"{table.count} lines, equal pairs taken together")
    if table.header is not None:
        shown = ", ".join(field for field in table.header)
        said.append(f"line {table.first_line - 1} is a header: {quoted(shown.encode())}")
    return Reading(problem, form, "; ".join(said))


# -- MatrixMarket: a coordinate file is a graph, an array a matrix --------------------------------


def read_matrix_market(
    content: bytes,
    name: str,
    k: int | None,
    *,
    reading: str | None = None,
    sense: Sense | None = None,
    duplicates: Duplicates = "refuse",
) -> Reading:
    """Read a square real matrix in either of the two forms.

    Parameters
    ----------
    content : bytes
    name : str
        Of the file, for messages.
    k : int
        How many to choose; the file does not say.
    reading : {"edges", "matrix"}, optional
        None is edges for a coordinate file and a matrix for an array.
    sense : {"minimise", "maximise"}, optional
        None is maximise for edges and minimise for a matrix.
    duplicates : {"refuse", "sum", "once"}
        What is done about entries that a coordinate file gives twice, and about a graph whose
        matrix is neither symmetric nor a triangle: ``"sum"`` counts every entry.

    Returns
    -------
    Reading

    Raises
    ------
    InvalidFile
    InvalidOption
        If k has to be named.
    MissingDependency
        Without SciPy.
    """
    k = given(k, name, "MatrixMarket files")
    matrix, form = _matrix(content, name)
    if form == "coordinate" and duplicates != "sum":
        _require_once(matrix, name)
    if reading == "matrix" or (reading is None and form == "array"):
        problem = QuadraticSelection(matrix, k=k, sense=sense or "minimise", copy=False)
        return Reading(problem, "matrix", "m'Qm of the matrix in the file")
    if form == "array":
        matrix = _SCIPY.load("sparse").coo_array(matrix)
    try:
        edges = edges_of(matrix, duplicates=duplicates)
    except InvalidProblem as error:
        raise InvalidFile(
            f"{name}: {error} (--duplicates sum); or name the format 'matrix' for m'Qm"
        ) from error
    problem = QuadraticSelection.from_graph(edges, k, sense=sense or "maximise")
    return Reading(problem, "matrix-market", f"{EACH_EDGE_ONCE}; node 1 of the file is index 0")


def _matrix(content: bytes, name: str) -> tuple[Any, str]:
    """Return the matrix, and whether it is a coordinate file or an array."""
    scipy_io = _SCIPY.load("io")
    try:
        rows, columns, entries, form, field, symmetry = scipy_io.mminfo(BytesIO(content))
    except (ValueError, OverflowError, IndexError) as error:
        raise InvalidFile(f"{name}: the MatrixMarket header is damaged: {_plain(error)}") from error
    if field not in _FIELDS or symmetry not in _SYMMETRIES:
        raise InvalidFile(
            f"{name}: line 1: the matrix must be real, and general or symmetric; got {field} and "
            f"{symmetry}"
        )
    if rows != columns or rows < 1:
        raise InvalidFile(f"{name}: the matrix must be square; got {rows} x {columns}")
    require_entries(name, rows, 2 * entries if form == "coordinate" else rows * rows)
    if entries > len(content) // 2:  # what is read is allocated first: a digit and a blank each
        raise InvalidFile(
            f"{name}: line 1 announces {entries} entries, more than {len(content)} bytes hold; is "
            "the file cut short?"
        )
    try:
        return scipy_io.mmread(BytesIO(content)), form
    except (ValueError, OverflowError, IndexError) as error:
        raise InvalidFile(f"{name}: damaged or cut short: {_plain(error)}") from error


def _require_once(matrix: Any, name: str) -> None:
    ends = matrix.row.astype(np.int64) * matrix.shape[0] + matrix.col
    _, first, counts = np.unique(ends, return_index=True, return_counts=True)
    if (counts > 1).any():
        at = int(first[counts > 1].min())
        raise InvalidFile(
            f"{name}: the entry ({matrix.row[at] + 1}, {matrix.col[at] + 1}) is given more than "
            "once; duplicates 'sum' adds such entries (--duplicates on the command line)"
        )


def _plain(error: Exception) -> str:
    """Return what SciPy says, which quotes the file, without signs that a terminal obeys."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(error))
