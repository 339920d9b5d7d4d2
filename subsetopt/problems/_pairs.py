"""Graphs as weighted pairs of nodes, each pair once: by which rules lists and matrices mean one."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidProblem

Duplicates = Literal["refuse", "sum", "once"]
"""What is done about pairs of nodes that occur more than once."""
_KNOWN: tuple[Duplicates, ...] = ("refuse", "sum", "once")
_SPARE = 4  # numbers of nodes up to so many times the ends of edges have a table of their own
Wrong = Callable[[int, int, str], NoReturn]
"""Raises about an edge, an earlier one, and what that one does."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Weighted pairs of nodes 0..n-1, each pair once, a loop being a pair of equal nodes.

    Parameters
    ----------
    n : int
    rows, columns : ndarray of int64 (edges,)
        rows[i] <= columns[i].
    weights : ndarray of float64 (edges,)
    names : tuple or None
        Of the nodes 0..n-1; None where they have none but these numbers.
    """

    n: int
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    weights: NDArray[np.float64]
    names: tuple[Hashable, ...] | None = None

    def __len__(self) -> int:
        return len(self.weights)


def require_known(duplicates: object) -> None:
    """Raise InvalidOption if it is no way to treat pairs that occur more than once."""
    require_one_of("duplicates", duplicates, _KNOWN)


def edges_of_pairs(
    pairs: Sequence[tuple[Hashable, Hashable]],
    weights: NDArray[np.float64],
    duplicates: Duplicates,
    wrong: Wrong,
) -> Edges:
    """Return the edges of a list of pairs.

    The nodes are those that occur: in numeric order if all are integers, else in the order in
    which they first occur.
    """
    names = list(dict.fromkeys(node for pair in pairs for node in pair))
    if all(isinstance(name, Integral) and not isinstance(name, bool) for name in names):
        names.sort(key=lambda name: int(name))  # type: ignore[call-overload]
    position = {name: i for i, name in enumerate(names)}
    ends = np.fromiter((position[node] for pair in pairs for node in pair), np.int64)
    return folded(len(names), ends.reshape(-1, 2), weights, duplicates, wrong, tuple(names))


def edges_of_whole(
    ends: NDArray[np.int64], weights: NDArray[np.float64], duplicates: Duplicates
) -> Edges | None:
    """Return the edges of pairs of integers (edges, 2), as `edges_of_pairs` does.

    None where a pair occurs twice that may not: what lists the edges says more about it.
    """
    if ends.min() >= 0 and ends.max() < _SPARE * ends.size:  # faster than to sort them
        occurs = np.zeros(int(ends.max()) + 1, dtype=bool)
        occurs[ends] = True
        nodes, positions = np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[ends]
    else:
        nodes, positions = np.unique(ends, return_inverse=True)
    names = tuple(nodes.tolist())
    return folded_if_clear(len(names), positions.reshape(-1, 2), weights, duplicates, names)


class _RepeatedPair(Exception):
    """A pair occurs twice, and that may mean several things."""


def _raise_repeated(edge: int, earlier: int, does: str) -> NoReturn:
    raise _RepeatedPair


def folded_if_clear(
    n: int,
    ends: NDArray[np.int64],
    weights: NDArray[np.float64],
    duplicates: Duplicates,
    names: tuple[Hashable, ...] | None,
) -> Edges | None:
    """Return what `folded` does, None where that raises about a pair that occurs twice."""
    try:
        return folded(n, ends, weights, duplicates, _raise_repeated, names)
    except _RepeatedPair:
        return None


def folded(
    n: int,
    ends: NDArray[np.int64],
    weights: NDArray[np.float64],
    duplicates: Duplicates,
    wrong: Wrong,
    names: tuple[Hashable, ...] | None = None,
) -> Edges:
    """Return the edges without direction, each pair once, as `duplicates` says; O(m log m)."""
    if duplicates == "sum":
        return summed(n, ends, weights, names)
    rows, columns = ends.min(axis=1), ends.max(axis=1)
    if (again := repeated_pair(rows * n + columns)) is not None:
        if duplicates == "refuse":
            wrong(*again, "holds the same pair")
        _, first, group = np.unique(rows * n + columns, return_index=True, return_inverse=True)
        different = np.flatnonzero(weights != weights[first][group])
        if different.size:
            later = int(different[0])
            wrong(later, int(first[group[later]]), "holds the same pair with another weight")
        rows, columns, weights = rows[first], columns[first], weights[first]
    return Edges(n, rows, columns, weights, names)


def summed(
    n: int,
    ends: NDArray[np.int64],
    weights: NDArray[np.float64],
    names: tuple[Hashable, ...] | None = None,
) -> Edges:
    """Return the edges without direction, the weights of equal pairs added; O(m log m)."""
    pairs, group = np.unique(ends.min(axis=1) * n + ends.max(axis=1), return_inverse=True)
    rows, columns = np.divmod(pairs, n)
    sums = np.bincount(group, weights, len(pairs)).astype(np.float64, copy=False)
    return Edges(n, rows, columns, sums, names)


def repeated_pair(pairs: NDArray[np.int64]) -> tuple[int, int] | None:
    """Return the first position whose value occurred before, and where; None if all differ."""
    if (pairs[1:] > pairs[:-1]).all():  # as most files have it
        return None
    order = np.argsort(pairs, kind="stable")
    again = np.flatnonzero(pairs[order][1:] == pairs[order][:-1])
    if not again.size:
        return None
    first = again[order[again + 1].argmin()]
    return int(order[first + 1]), int(order[first])


def adjacency(
    n: int, ends: NDArray[np.int64], weights: NDArray[np.float64], duplicates: Duplicates
) -> Edges:
    """Return the edges of an adjacency matrix that is given by its entries.

    Entries that are stored twice add up, as everywhere. A symmetric matrix holds each edge twice,
    a triangle once; of another one InvalidProblem says what it may mean, unless ``duplicates``
    is ``"sum"``: then each entry counts.
    """
    stored, group = np.unique(ends[:, 0] * n + ends[:, 1], return_inverse=True)
    values = np.bincount(group, weights, len(stored))
    stored, values = stored[values != 0], values[values != 0]
    rows, columns = np.divmod(stored, n)
    if duplicates != "sum" and (rows < columns).any() and (rows > columns).any():
        order = np.argsort(columns * n + rows)
        mirrored = (columns * n + rows)[order]
        if not (np.array_equal(mirrored, stored) and np.array_equal(values[order], values)):
            raise InvalidProblem(
                "the adjacency matrix is neither symmetric nor a triangle, so it is not clear "
                "what one edge is; give A + A.T or one triangle of it, or duplicates='sum' to "
                "count every entry"
            )
        kept = rows <= columns
        rows, columns, values = rows[kept], columns[kept], values[kept]
    pairs = np.stack([rows, columns], axis=1)
    return summed(n, pairs, values)
