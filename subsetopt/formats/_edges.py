"""Graphs as lists of edges, in the forms that spreadsheets, networkx and graph libraries write."""

import re
from collections.abc import Hashable
from typing import NoReturn

import numpy as np

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.problems import QuadraticSelection
from subsetopt.problems._memory import require_square
from subsetopt.problems._pairs import (
    Duplicates,
    Edges,
    Wrong,
    edges_of_pairs,
    folded,
    require_known,
)
from subsetopt.problems.quadratic import Sense

from ._edge_table import EdgeTable, edge_table, is_whole, split
from ._reading import EACH_EDGE_ONCE, NUMBER_OF_EDGES, Reading
from ._tokens import is_finite, quoted

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.0+)?")


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

    The nodes are those that occur: in numeric order if all are whole numbers, else as they first
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
    _require(k, name, duplicates)
    table = edge_table(content, name, header)
    pairs = _nodes(table)
    edges = edges_of_pairs(pairs, table.weights, duplicates, _wrong(table))
    return _reading(edges, table, k, sense, "edges")


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
    _require(k, name, duplicates)
    lines, rows = split(content, name, most=1)
    if not rows or len(rows[0]) != 2 or not all(map(is_whole, rows[0])):
        raise InvalidFile(f"{name}: line {lines[0] if lines else 1}: `n m` is needed")
    n, m = map(int, rows[0])
    table = edge_table(content, name, False, counts=(n, m))
    if len(table.pairs) != m:
        raise InvalidFile(f"{name}: {m} edges are announced, here are {len(table.pairs)}")
    require_square(name, n)
    ends = np.array(_nodes(table, whole=True), dtype=np.float64).astype(np.int64)
    base = 0 if ends.min() == 0 else 1
    outside = ((ends < base) | (ends >= n + base)).any(axis=1)
    if outside.any():
        table.wrong(int(outside.argmax()), f"two nodes within {base}..{n - 1 + base} are needed")
    names = tuple(range(base, n + base))
    edges = folded(n, ends - base, table.weights, duplicates, _wrong(table), names)
    return _reading(edges, table, k, sense, "rudy")


def _require(k: int | None, name: str, duplicates: Duplicates) -> None:
    require_known(duplicates)
    if k is None:
        raise InvalidOption(
            f"{name}: a list of edges states no number to choose; give k (--k on the command line)"
        )


def _nodes(table: EdgeTable, whole: bool = False) -> list[tuple[Hashable, Hashable]]:
    """Return the nodes as int where all are whole numbers, or have to be, else as text."""
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
                table.wrong(edge, f"{shown} is no node; numbers of nodes must be whole")
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


def _reading(
    edges: Edges, table: EdgeTable, k: int | None, sense: Sense | None, form: str
) -> Reading:
    require_square(table.name, edges.n)
    problem = QuadraticSelection.from_graph(edges, k, sense=sense or "maximise")  # type: ignore[arg-type]
    said = [EACH_EDGE_ONCE if table.weighted else NUMBER_OF_EDGES]
    said.append(f"{edges.n} nodes, {len(edges)} edges")
    if loops := int((edges.rows == edges.columns).sum()):
        said.append(f"{loops} of them loops, which count once their node is chosen")
    if len(edges) < len(table.pairs):
        said.append(f"{len(table.pairs)} lines, equal pairs taken together")
    if table.header is not None:
        shown = ", ".join(field for field in table.header)
        said.append(f"line {table.lines[0] - 1} is a header: {quoted(shown.encode())}")
    return Reading(problem, form, "; ".join(said))
