"""What a quadratic problem holds, checked, and the forms that are made of it."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._rounding import up
from subsetopt.errors import InvalidProblem
from subsetopt.models import QuadraticForm, SparseMatrix

from . import _sparse_entries, _validation
from ._compiled_constraints import checked, compiled
from ._entries import symmetric_part, turned
from ._memory import require_square
from ._reduction import fixed_terms
from ._sizes import UpTo, sizes
from .constraints import Constraints

if TYPE_CHECKING:
    from .quadratic import QuadraticSelection


def matrix_of(
    Q: Any, k: object, sense: str, copy: bool, constraints: Constraints | None
) -> NDArray[Any] | SparseMatrix:
    """Return the symmetric matrix that is minimised, sparse where that is better."""
    if hasattr(Q, "tocoo"):  # of scipy.sparse
        sparse = _sparse_entries.of_scipy(Q, -1.0 if sense == "maximise" else 1.0)
        if sparse is not None:
            return _sparse_entries.taken(sparse, k, constraints)
        require_square("a sparse Q", max(Q.shape))
        Q, owned = np.ascontiguousarray(Q.toarray()), True
        given = _validation.square_matrix("Q", Q, copy=False)
    else:
        given = _validation.square_matrix("Q", Q, copy=copy)
        owned = not (type(Q) is np.ndarray and np.may_share_memory(given, Q))
    matrix = symmetric_part(given, owned)
    if sense == "maximise":
        matrix = turned(matrix, in_place=owned or matrix is not given)
    return matrix


def matrix_of_entries(
    n: int,
    rows: ArrayLike,
    columns: ArrayLike,
    values: ArrayLike,
    k: object,
    sense: str,
    constraints: Constraints | None,
) -> NDArray[Any] | SparseMatrix:
    """Return the symmetric matrix with these entries that is minimised."""
    sign = -1.0 if sense == "maximise" else 1.0
    matrix = _sparse_entries.of_entries(n, rows, columns, values, sign)
    if isinstance(matrix, SparseMatrix):
        return _sparse_entries.taken(matrix, k, constraints)
    return matrix


def checked_fields(
    matrix: NDArray[Any] | SparseMatrix,
    c: ArrayLike | None,
    k: object,
    constant: float,
    sense: str,
    names: Sequence[Any] | None,
    constraints: Constraints | None,
) -> dict[str, Any]:
    """Return the fields of a problem of this symmetric matrix, which is to be minimised."""
    n = len(matrix)
    linear = np.zeros(n) if c is None else _validation.numeric_array("c", c, (1,))
    if linear.shape != (n,):
        raise InvalidProblem(f"c has shape {linear.shape}; Q of shape {(n, n)} needs {n}")
    linear = linear.astype(np.float64)
    linear.setflags(write=False)
    if sense not in ("minimise", "maximise"):
        raise InvalidProblem(f"sense is {sense!r}; it is 'minimise' or 'maximise'")
    fixed = float(_validation.numeric_array("constant", constant, (0,)))
    smallest, size = sizes(k, n)
    fields = {
        "c": linear,
        "k": UpTo.of(size, smallest),
        "smallest_count": smallest,
        "constant": fixed,
        "sense": sense,
    }
    fields |= {"_matrix": matrix, "names": _validation.names("names", names, n)}
    _validation.require_quadratic_range(matrix, linear, fixed)
    if constraints is not None:
        stated = checked(constraints)
        fields |= {"constraints": stated, "side": compiled(stated, n, smallest, size)}
    return fields


def dense_form(problem: "QuadraticSelection") -> QuadraticForm:
    """Return the canonical form of a problem, with rows for choosing fewer."""
    linear = problem.c if problem.sense == "minimise" else -problem.c
    matrix, positions = _sparse_entries.densified(problem._matrix), None
    if problem.smallest_count < problem.k:  # rows without terms stand for choosing fewer
        spare = problem.k - problem.smallest_count
        require_square("the form with rows for choosing fewer", problem.n + spare)
        matrix = np.pad(matrix, (0, spare))
        linear = np.pad(linear, (0, spare))
        positions = np.concatenate([np.arange(problem.n), np.full(spare, -1)])
        for part in (matrix, linear):
            part.setflags(write=False)
    side = None if problem.side is None else problem.side.placed(positions, problem.k)
    constant = problem.stated(problem.constant)
    form = QuadraticForm(
        matrix, linear, int(problem.k), constant=constant, positions=positions, side=side
    )
    return form.in_range()


def reduced_fields(
    problem: "QuadraticSelection",
    free: NDArray[np.int64],
    taken: NDArray[np.int64],
    low: int,
    high: int,
) -> tuple[dict[str, Any], float]:
    """Return the fields of the problem among the free, and how far its objective may be off.

    It is to be minimised, with the taken in c and in the constant.
    """
    linear = problem.c if problem.sense == "minimise" else -problem.c
    matrix = _sparse_entries.densified(problem._matrix)
    terms = fixed_terms(matrix, linear, free, taken, high)
    constant = Fraction(problem.stated(problem.constant)) + terms.constant
    rounded = float(constant)
    fields = {
        "c": terms.linear,
        "k": UpTo.of(high, low),
        "smallest_count": low,
        "constant": rounded,
        "_matrix": terms.matrix,
    }
    return fields, up(Fraction(terms.error) + abs(constant - Fraction(rounded)))
