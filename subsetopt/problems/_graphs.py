"""Graphs of other libraries as weighted pairs of nodes.

Nothing is imported for it: networkx, scipy.sparse and pandas objects are told by what they offer.
"""

import math
from collections.abc import Hashable, Iterable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem

from ._pairs import (
    Duplicates,
    Edges,
    adjacency,
    edges_of_pairs,
    edges_of_whole,
    require_known,
    summed,
)
from ._sparse_entries import require_entries


def edges_of(graph: Any, weight: str | None = "weight", duplicates: Duplicates = "refuse") -> Edges:
    """Return the edges of a graph; see `QuadraticSelection.from_graph` for what it may be.

    Raises
    ------
    InvalidProblem
    """
    require_known(duplicates)
    if isinstance(graph, Edges):
        return graph
    if hasattr(graph, "tocoo"):
        return _of_sparse(graph, duplicates)
    if hasattr(graph, "adj") and hasattr(graph, "edges") and hasattr(graph, "nodes"):
        return _of_networkx(graph, weight)
    if hasattr(graph, "itertuples"):
        graph = _of_frame(graph, weight)
    return _of_list(graph, duplicates)


# -- networkx --------------------------------------------------------------------------------------


def _of_networkx(graph: Any, weight: str | None) -> Edges:
    """Return the edges of a networkx graph; parallel and opposite ones add up."""
    names = tuple(graph.nodes())
    _require_nodes(len(names))
    position = {name: i for i, name in enumerate(names)}
    triples = list(graph.edges(data=True))
    ends = np.array([[position[u], position[v]] for u, v, _ in triples], np.int64)
    values = np.ones(len(triples))
    weighted = [] if weight is None else [weight in data for _, _, data in triples]
    if any(weighted):
        if not all(weighted):
            u, v, _ = triples[weighted.index(False)]
            raise InvalidProblem(
                f"the edge {u!r} - {v!r} has no {weight!r} but others have; set it on all edges, "
                "or count each edge as 1 with weight=None"
            )
        values = np.array([_weight(data[weight], (u, v)) for u, v, data in triples])
    return summed(len(names), ends.reshape(-1, 2), values, names)


def _weight(value: Any, pair: tuple[Any, Any]) -> float:
    try:
        number = float("nan") if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not math.isfinite(number):
        u, v = pair
        raise InvalidProblem(f"the edge {u!r} - {v!r} must have a finite weight; got {value!r}")
    return number


# -- scipy.sparse ----------------------------------------------------------------------------------


def _of_sparse(matrix: Any, duplicates: Duplicates) -> Edges:
    """Return the edges of an adjacency matrix: symmetric, or one triangle of it."""
    if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InvalidProblem(f"the adjacency matrix must be square; got shape {matrix.shape}")
    _require_nodes(matrix.shape[0])
    entries = matrix.tocoo()
    require_entries("the graph", matrix.shape[0], 2 * entries.nnz)
    values = np.asarray(entries.data)
    if values.dtype.kind not in "biuf":
        raise InvalidProblem(f"the weights must be real numbers; got dtype {values.dtype}")
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise InvalidProblem("the adjacency matrix must hold finite weights; got NaN or infinity")
    ends = np.stack([np.asarray(entries.row), np.asarray(entries.col)], axis=1).astype(np.int64)
    return adjacency(matrix.shape[0], ends, values, duplicates)


# -- lists and tables ------------------------------------------------------------------------------


def _of_frame(frame: Any, weight: str | None) -> Any:
    """Return the rows of a table with columns source, target and perhaps the weight.

    As an array where all are numbers.
    """
    columns = list(frame.columns)
    if "source" in columns and "target" in columns:
        wanted = ["source", "target", *([weight] if weight in columns else [])]
        frame = frame[wanted]
    kinds = [getattr(dtype, "kind", "O") for dtype in frame.dtypes]
    if len(kinds) in (2, 3) and set(kinds[:2]) <= set("iu") and set(kinds) <= set("iuf"):
        array = np.asarray(frame)
        if _whole(array) is not None and len(array) != array.shape[1]:
            return array
    return list(frame.itertuples(index=False, name=None))


def _of_list(edges: Iterable[Any], duplicates: Duplicates) -> Edges:
    """Return the edges of tuples ``(u, v)`` or ``(u, v, weight)``."""
    shape = getattr(edges, "shape", None)
    if shape is not None and (len(shape) != 2 or shape[0] == shape[1]):
        raise InvalidProblem(
            f"an array of shape {shape} may be a list of edges or an adjacency matrix A; give a "
            "list of tuples, or scipy.sparse.coo_array(A)"
        )
    whole = _whole(edges)
    if whole is not None:
        found = edges_of_whole(*whole, duplicates)
        if found is not None:
            return found
    listed = _tuples(edges)
    widths = {len(edge) for edge in listed}
    if not listed or len(widths) != 1 or not widths <= {2, 3}:
        raise InvalidProblem(
            "a graph must be a networkx graph, a scipy.sparse matrix, or a list of edges, all "
            f"(u, v) or all (u, v, weight); got {_shortened(edges)}"
        )
    weights = np.array([_weight(edge[2], edge[:2]) if len(edge) == 3 else 1.0 for edge in listed])
    pairs = [(_plain(edge[0]), _plain(edge[1])) for edge in listed]

    def wrong(edge: int, earlier: int, does: str) -> NoReturn:
        raise InvalidProblem(
            f"edge {edge} is {listed[edge]!r}, and edge {earlier} {does}; say what is meant: "
            "duplicates='sum' adds the weights of equal pairs, 'once' counts each pair once"
        )

    return edges_of_pairs(pairs, weights, duplicates, wrong)


def _whole(edges: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Return nodes and weights of an array whose nodes are integers; None of anything else."""
    if type(edges) is not np.ndarray or edges.ndim != 2 or edges.shape[1] not in (2, 3):
        return None
    if edges.dtype.kind not in "iuf" or not len(edges) or not np.isfinite(edges).all():
        return None
    ends = edges[:, :2].astype(np.int64)
    if not np.array_equal(ends, edges[:, :2]):
        return None
    return ends, edges[:, 2].astype(np.float64) if edges.shape[1] == 3 else np.ones(len(edges))


def _tuples(edges: Any) -> list[tuple[Any, ...]]:
    """Return the edges as tuples; none of what is no list of tuples, as a dict of weights."""
    try:
        items = [] if hasattr(edges, "keys") else list(edges)
        return [(item,) if isinstance(item, str) else tuple(item) for item in items]
    except TypeError:
        return []


def _plain(node: Any) -> Hashable:
    """Return a NumPy number as a Python one, and what an array of floats made of an integer."""
    value = node.item() if isinstance(node, np.generic) else node
    whole = isinstance(value, float) and isinstance(node, np.generic) and value.is_integer()
    try:
        hash(value)
    except TypeError:
        raise InvalidProblem(f"a node must be hashable; got {value!r}") from None
    return int(value) if whole else value


def _require_nodes(n: int) -> None:
    if n == 0:
        raise InvalidProblem("the graph must have at least one node; got none")


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
