"""Nodes of a graph of networkx: how alike they are."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem
from subsetopt.problems._graphs import edges_of
from subsetopt.problems._memory import memory_limit

_ARRAYS = 3  # of all pairs of nodes at the same time


def is_graph(X: Any) -> bool:
    """Whether X is a graph of networkx."""
    return all(hasattr(X, name) for name in ("nodes", "edges", "adj"))


def node_kernel(graph: Any) -> NDArray[np.float64]:
    """Return the inverse of the regularised Laplacian, I + L, in the order of the nodes.

    Nodes are alike that many short ways of heavy edges join. O(n^3) time and O(n^2) memory. Smola
    and Kondor, Kernels and Regularization on Graphs, 2003.

    Raises
    ------
    InvalidProblem
        For negative weights, and for more nodes than fit into the memory.
    """
    edges = edges_of(graph)
    if (edges.weights < 0).any():
        raise InvalidProblem(
            f"the weights of edges must be >= 0; got {edges.weights.min():g}: leave negative ones "
            "out, or hand a kernel matrix of the nodes with kernel='precomputed'"
        )
    if 8 * _ARRAYS * edges.n**2 > memory_limit():
        raise InvalidProblem(
            f"the kernel matrix of {edges.n:,} nodes must fit into the memory; describe the nodes "
            "by features, and choose of these by subsetopt.coreset"
        )
    joined = edges.rows != edges.columns  # a loop joins nothing
    pairs = edges.rows[joined], edges.columns[joined]
    matrix = np.zeros((edges.n, edges.n))
    for ends in (pairs, pairs[::-1]):
        np.add.at(matrix, ends, -edges.weights[joined])
    np.fill_diagonal(matrix, 1.0 - matrix.sum(axis=1))
    kernel = np.linalg.inv(matrix)
    return np.asarray((kernel + kernel.T) / 2, np.float64)
