"""Quadratic selection: choose k of n, minimising a quadratic over the chosen."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt import _rounding
from subsetopt.models import QuadraticForm, SideConstraints, SparseForm, SparseMatrix

from . import _draws, _quadratic_data, _sparse_entries, _validation
from ._compiled_constraints import constrained
from ._dyadic import Dyadic
from ._entries import StatedMatrix
from ._graphs import edges_of
from ._identity import fingerprint
from ._pairs import Duplicates
from ._parallel import Check, no_callback
from ._reduction import Left
from .constraints import Constraints

__all__ = ["QuadraticSelection"]

Sense = Literal["minimise", "maximise"]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class QuadraticSelection:
    r"""Choose k of n so that a quadratic over the chosen is as small, or as large, as possible.

    .. math::
        \min_{m \in \{0,1\}^n} \; m'Qm + c'm + b \quad \text{s.t.} \quad \sum_i m_i = k

    Maximum diversity and the densest k-subgraph are of this form, with ``sense="maximise"``. The
    `objective` is always what is minimised: for ``sense="maximise"`` it is the negative of the
    stated value, which `stated` gives back.

    Parameters
    ----------
    Q : array_like (n, n)
        Any real matrix; of a matrix that is not symmetric only the symmetric part counts, so an
        upper triangle may be given. Kept as float32 where it is symmetric float32, else float64.
        A scipy.sparse matrix means the same as its dense form. With more than 2,000 candidates,
        under 5 % of entries, one k and no constraints it is kept sparse, and `Q` is a scipy.sparse
        array.
    c : array_like (n,), optional
        The linear term; None is zero.
    k : int or tuple of two int
        How many to choose, 1 <= k <= n; ``(low, high)`` allows each number from low to high,
        0 <= low <= high, and the field holds high.
    constant : float
        b.
    sense : {"minimise", "maximise"}
        One matrix (n, n) is held in either case: Q, or -Q, of which reading ``problem.Q`` makes a
        new array.
    copy : bool
        False uses a symmetric float32 or float64 Q that is to be minimised as it is, to save its
        memory; it must not be changed afterwards.
    names : sequence, optional
        Of the candidates, all different; `names_of` gives those of a selection. They are no part
        of what makes two problems equal.
    constraints : Constraints, optional
        What a selection keeps besides its size.

    Raises
    ------
    InvalidProblem
        For data that state no problem: wrong dtype or shape, NaN or infinity, k outside 1..n,
        constraints that do not fit or that, by counting, no selection keeps.
    TooLarge
        If a sparse matrix has to be dense, which would not fit.

    Examples
    --------
    >>> problem = QuadraticSelection([[0.0, 3.0], [3.0, 1.0]], c=[1.0, 0.0], k=1)
    >>> problem.objective([0])
    1.0
    """

    if TYPE_CHECKING:
        Q: Any
    else:
        Q: Any = StatedMatrix()
    c: NDArray[np.float64]
    k: int
    constant: float = 0.0
    sense: Sense = "minimise"
    names: tuple[Hashable, ...] | None = None
    constraints: Constraints | None = None
    side: SideConstraints | None = field(default=None, init=False)
    smallest_count: int = field(default=0, init=False)
    _matrix: NDArray[Any] | SparseMatrix = field(init=False)

    def __init__(
        self,
        Q: Any,
        c: ArrayLike | None = None,
        k: int | tuple[int, int] | None = None,
        constant: float = 0.0,
        sense: Sense = "minimise",
        copy: bool = True,
        names: Sequence[Hashable] | None = None,
        constraints: Constraints | None = None,
    ) -> None:
        matrix = _quadratic_data.matrix_of(Q, k, sense, copy, constraints)
        self._set(matrix, c, k, constant, sense, names, constraints)

    def _set(
        self,
        matrix: NDArray[Any] | SparseMatrix,
        c: ArrayLike | None,
        k: int | tuple[int, int] | None,
        constant: float,
        sense: Sense,
        names: Sequence[Hashable] | None,
        constraints: Constraints | None = None,
    ) -> None:
        """Take a symmetric matrix that is to be minimised, and check the rest."""
        stated = (matrix, c, k, constant, sense, names, constraints)
        for name, value in _quadratic_data.checked_fields(*stated).items():
            object.__setattr__(self, name, value)

    def constrained(self, constraints: Constraints | None) -> "QuadraticSelection":
        """Return the same problem with these constraints, checked as for the class; data shared.

        But for a sparse matrix, which becomes dense.
        """
        made: QuadraticSelection = constrained(self, constraints)
        if made.side is not None:
            object.__setattr__(made, "_matrix", _sparse_entries.densified(self._matrix))
        return made

    # -- other ways to state one ------------------------------------------------------------------

    @classmethod
    def from_entries(
        cls,
        n: int,
        rows: ArrayLike,
        columns: ArrayLike,
        values: ArrayLike,
        k: int | tuple[int, int] | None,
        *,
        c: ArrayLike | None = None,
        constant: float = 0.0,
        sense: Sense = "minimise",
        names: Sequence[Hashable] | None = None,
        constraints: Constraints | None = None,
    ) -> "QuadraticSelection":
        r"""State a problem by the entries of a symmetric Q, zero elsewhere.

        Parameters
        ----------
        n : int
        rows, columns : array_like of int (entries,)
            From 0; each pair once, in either order.
        values : array_like (entries,)
            :math:`Q_{ij} = Q_{ji}`: a pair of two different candidates counts it twice. Kept
            sparse as for the class.
        k, c, constant, sense, names, constraints
            As for the class.

        Raises
        ------
        TooLarge
            If the matrix has to be dense, which would not fit; before it is allocated.
        InvalidProblem
        """
        problem = cls.__new__(cls)
        matrix = _quadratic_data.matrix_of_entries(n, rows, columns, values, k, sense, constraints)
        problem._set(matrix, c, k, constant, sense, names, constraints)
        return problem

    @classmethod
    def from_graph(
        cls,
        graph: Any,
        k: int | tuple[int, int],
        *,
        weight: str | None = "weight",
        sense: Sense = "maximise",
        duplicates: Duplicates = "refuse",
        constraints: Constraints | None = None,
    ) -> "QuadraticSelection":
        """Choose k nodes by the sum of the weights of the edges among them, each edge once.

        A loop counts once its node is chosen. For networkx graphs the value is that of
        ``graph.subgraph(chosen).size(weight=weight)``: of a directed graph or a multigraph each
        edge counts.

        Parameters
        ----------
        graph : networkx graph, scipy.sparse matrix (n, n), or list of edges
            A sparse matrix is a symmetric adjacency matrix or one triangle of it, without names.
            A list holds ``(u, v)`` or ``(u, v, weight)``; so does a pandas DataFrame, whose
            columns are then "source", "target" and `weight`, or these two or three in order.
        k : int or tuple of two int
        weight : str or None
            The attribute that holds the weights; None counts each edge as 1, as does an
            attribute that no edge has.
        sense : {"minimise", "maximise"}
        duplicates : {"refuse", "sum", "once"}
            For lists that hold a pair twice, in whichever order: refuse it, add the weights up, or
            count it once, if its weights are equal. ``"sum"`` counts every entry of a sparse
            matrix.
        constraints : Constraints, optional
            By the indices of the nodes.

        Returns
        -------
        QuadraticSelection
            Its candidates are the nodes, in the graph's own order; those of a list in numeric
            order if all are integers, else as they first occur. `names` holds them.

        Raises
        ------
        InvalidProblem
            For what is no graph, or could mean more than one.
        TooLarge

        Examples
        --------
        >>> problem = QuadraticSelection.from_graph([("a", "b", 2.0), ("b", "c", 1.0)], k=2)
        >>> problem.stated(problem.objective([0, 1])), problem.names_of([0, 1])
        (2.0, ['a', 'b'])
        """
        edges = edges_of(graph, weight, duplicates)
        halves = np.where(edges.rows == edges.columns, edges.weights, edges.weights / 2)
        return cls.from_entries(
            edges.n,
            edges.rows,
            edges.columns,
            halves,
            k,
            sense=sense,
            names=edges.names,
            constraints=constraints,
        )

    # -- identity ---------------------------------------------------------------------------------

    @cached_property
    def _key(self) -> tuple[object, ...]:
        arrays = (_sparse_entries.fingerprint_of(self._matrix), fingerprint(self.c))
        stated = (self.smallest_count, self.k, self.constant, self.sense, self.constraints)
        return (*arrays, *stated)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QuadraticSelection):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        stated = (self._matrix, self.c, self._size, self.constant, self.sense, self.names)
        return restored, (*stated, self.constraints, self.side)

    @property
    def _size(self) -> int | tuple[int, int]:
        """The number to choose, as it was stated."""
        return self.k if self.smallest_count == self.k else (self.smallest_count, int(self.k))

    def __repr__(self) -> str:
        kept = "" if self.constraints is None else f", constraints={self.constraints!r}"
        sparse = isinstance(self._matrix, SparseMatrix)
        stored = f", entries={len(self._matrix.data)}" if sparse else ""
        return (
            f"QuadraticSelection(n={self.n}, k={self._size}, sense={self.sense!r}, "
            f"dtype={self._matrix.dtype}{stored}{kept})"
        )

    # -- the problem ------------------------------------------------------------------------------

    @property
    def family(self) -> str:
        """``"quadratic"``."""
        return "quadratic"

    @property
    def n(self) -> int:
        """The number of candidates."""
        return len(self._matrix)

    def check(self, selection: ArrayLike) -> NDArray[np.int64]:
        """Return the selection as sorted int64; InvalidSelection if it is none."""
        chosen = _validation.selection(selection, self.n, self.smallest_count, self.k)
        if self.side is not None:
            _validation.require_kept(self.constraints, self.side, chosen)
        return chosen

    def names_of(self, selection: ArrayLike) -> list[Hashable]:
        """Return the names of the chosen, in the order of their indices; these if it has none."""
        chosen = self.check(selection).tolist()
        return chosen if self.names is None else [self.names[i] for i in chosen]

    def draw(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return one uniformly drawn selection, in any order; O(n). With constraints: see `_draws`.

        Of a range of sizes each selection is as probable as any other.
        """
        if self.side is not None or self.smallest_count < self.k:
            return _draws.draw(self, generator)
        return generator.choice(self.n, self.k, replace=False, shuffle=False)

    def _block(self, chosen: NDArray[np.int64]) -> NDArray[Any]:
        return _sparse_entries.block(self._matrix, chosen)

    def stated(self, objective: float) -> float:
        """Return the value in the problem's own sense for an objective, or for a bound on it."""
        return -objective if self.sense == "maximise" else objective

    def objective(self, selection: ArrayLike) -> float:
        """Return what is minimised, in float64; O(k^2), if sparse O(entries of the chosen).

        Raises InvalidSelection as `check` does.
        """
        chosen = self.check(selection)
        block = self.stated(float(self._block(chosen).sum(dtype=np.float64)))
        value = block + float(self.c[chosen].sum()) + self.constant
        return self.stated(value) + 0.0  # no negative zero

    def exact_objective(self, selection: ArrayLike) -> Fraction:
        """Return the objective as a rational number, without rounding; O(k^2)."""
        chosen = self.check(selection)
        linear = np.append(self.c[chosen], self.constant)
        block = self._block(chosen).ravel().astype(np.float64)
        grid = Dyadic.of(np.concatenate([block, -linear if self.sense == "maximise" else linear]))
        return grid.sum(slice(None)) * Fraction(2) ** grid.exponent

    def rounding(self, selection: ArrayLike) -> float:
        """Return how far `objective` may be from `exact_objective`; O(k^2)."""
        chosen = self.check(selection)
        block = np.abs(self._block(chosen)).sum(dtype=np.float64)
        terms = float(block + np.abs(self.c[chosen]).sum()) + abs(self.constant)
        return 2 * _rounding.of_sum(self.k**2) * terms

    def lower_bound(self) -> Fraction | None:
        """Return None: no bound on a quadratic comes without work."""
        return None

    def quadratic_form(self, check: Check = no_callback) -> QuadraticForm:
        """Return the canonical form; O(n^2) once.

        It shares the one matrix, but where the magnitudes are extreme, see `in_range` of the form,
        or where it is sparse: see `sparse_form`.

        Raises
        ------
        TooLarge
            If a sparse matrix would not fit as a dense one.
        """
        return self._form

    @property
    def sparse_form(self) -> SparseForm | None:
        """The form without the zeros of a matrix that is kept sparse; None of a dense one."""
        if not isinstance(self._matrix, SparseMatrix):
            return None
        linear = self.c if self.sense == "minimise" else -self.c
        return SparseForm(self._matrix, linear, int(self.k), self.stated(self.constant))

    @cached_property
    def _form(self) -> QuadraticForm:
        return _quadratic_data.dense_form(self)

    def _left(
        self,
        free: NDArray[np.int64],
        taken: NDArray[np.int64],
        low: int,
        high: int,
        side: SideConstraints | None,
    ) -> Left:
        """Return the problem among the free, to be minimised, the taken in c and the constant."""
        fields, error = _quadratic_data.reduced_fields(self, free, taken, low, high)
        problem = QuadraticSelection.__new__(QuadraticSelection)
        for name, value in {**fields, "side": side}.items():
            object.__setattr__(problem, name, value)
        return Left(problem, error=error)


def restored(matrix: NDArray[Any] | SparseMatrix, *fields: Any) -> QuadraticSelection:
    """Return a problem from what it holds, without another matrix."""
    problem = QuadraticSelection.__new__(QuadraticSelection)
    if not isinstance(matrix, SparseMatrix):
        matrix.setflags(write=False)
    *stated, side = fields
    problem._set(matrix, *stated)
    object.__setattr__(problem, "side", side)
    return problem
