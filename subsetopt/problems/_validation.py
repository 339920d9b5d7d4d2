"""Validation that all problems share."""

import operator
import sys
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import is_number, require_integer
from subsetopt.errors import InvalidProblem, InvalidSelection

if TYPE_CHECKING:
    from subsetopt.models import SideConstraints, SparseMatrix

    from .constraints import Constraints


def on_host(values: Any) -> Any:
    """Return tensors of torch as they are on the host, and bfloat16, also of others, as float32.

    NumPy knows no bfloat16, whose numbers are the float32 with the last 16 bits 0.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        return np.asarray(values.float() if str(values.dtype) == "torch.bfloat16" else values)
    named: object = getattr(getattr(values, "dtype", None), "name", "")
    return values.astype(np.float32) if named == "bfloat16" else values


def numeric_array(name: str, values: ArrayLike, dimensions: tuple[int, ...]) -> NDArray[Any]:
    """Return a read-only, contiguous copy of `values`, whose numbers are all finite.

    Raises
    ------
    InvalidProblem
        For a dtype that is not a real number of at most 64 bits, a wrong number of dimensions, an
        empty array, NaN or infinity, or magnitudes whose sum overflows float64.
    """
    masked: Any = sys.modules.get("numpy.ma")  # not loaded, there is no masked array
    if masked is not None and type(values) is not np.ndarray and masked.is_masked(values):
        raise InvalidProblem(f"{name} has masked entries; drop them first with {name}.compressed()")
    try:
        array = np.array(on_host(values), order="C", copy=True)
    except (ValueError, TypeError) as error:
        raise InvalidProblem(f"{name} cannot be read as an array: {error}") from error
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise InvalidProblem(
            f"{name} must be real numbers of at most 64 bits; got dtype {array.dtype}: "
            f"convert with {name}.astype(float)"
        )
    if array.ndim not in dimensions:
        shapes = {0: "be a number", 1: "have shape (n,)", 2: "have shape (n, d)"}
        wanted = " or ".join(shapes[d] for d in dimensions).replace("or have shape", "or")
        raise InvalidProblem(f"{name} must {wanted}; got shape {array.shape}")
    if array.size == 0:
        raise InvalidProblem(f"{name} must have at least one value; got shape {array.shape}")
    _require_finite(name, array)
    array = _native(name, array)
    array.setflags(write=False)
    return array


def _require_finite(name: str, array: NDArray[Any]) -> None:
    if array.dtype.kind != "f":
        return
    if not (np.isfinite(array.min()) and np.isfinite(array.max())):  # they pass NaN on
        finite = np.isfinite(array)
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        where = f"[{', '.join(map(str, first))}]" if first else ""
        raise InvalidProblem(
            f"{name}{where} is {array[first]} and {int((~finite).sum())} of {array.size} values "
            "are not finite; drop or replace them first"
        )


def _native(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return float16 as float32, small integers as int64; refuse what overflows a float64 sum."""
    if array.dtype.kind in "iu":
        largest = max(int(array.max()), -int(array.min()))
        if largest >= 2**53:
            raise InvalidProblem(
                f"integers in {name} must be below 2**53, so that float64 holds them exactly; got "
                f"{largest}: divide by a common factor"
            )
        return array.astype(np.int64, copy=False)
    if array.dtype.itemsize <= 4:
        return array.astype(np.float32, copy=False)
    array = array.astype(np.float64, copy=False)
    magnitude = max(float(array.max()), -float(array.min()))
    terms = array.shape[0] if array.ndim else 1
    limit = np.finfo(np.float64).max / (4 * terms)
    if magnitude > limit:
        raise InvalidProblem(
            f"{name} holds a magnitude of {magnitude:.3g}, above {limit:.3g}, so that sums of "
            f"{terms} overflow float64; divide {name} by a power of two"
        )
    return array


def require_squares(name: str, array: NDArray[Any]) -> None:
    """Raise InvalidProblem if squared distances between such vectors overflow float64."""
    magnitude = float(np.abs(array).max())
    limit = float(np.sqrt(np.finfo(np.float64).max / (4 * array.shape[-1])))
    if magnitude > limit:
        raise InvalidProblem(
            f"{name} holds a magnitude of {magnitude:.3g}, above {limit:.3g}, so that squared "
            "distances overflow float64; divide values and target by a power of two"
        )


_FINEST = 2.0**-450
"""Magnitudes below this have squares whose last places float64 cannot hold any more."""


def require_resolution(name: str, array: NDArray[Any], other: NDArray[Any] | None = None) -> None:
    """Raise InvalidProblem if squared distances between such vectors vanish in float64.

    Where all are 0, and the `other` too, nothing is lost.
    """
    magnitude = float(np.abs(array).max())
    if other is not None:
        magnitude = max(magnitude, float(np.abs(other).max()))
    if 0.0 < magnitude < _FINEST:
        raise InvalidProblem(
            f"{name} holds magnitudes of at most {magnitude:.3g}, below {_FINEST:.3g}, so that "
            "squared distances vanish in float64; multiply by a power of two"
        )


def subset_size(k: object, n: int) -> int:
    """Return `k` as an int within 1..n, or raise InvalidProblem."""
    ratio = "for a ratio r give k=max(1, int(r * n))" if is_number(k) else ""
    require_integer("k", k, f"[1, {n}]", fix=ratio, error=InvalidProblem)
    return operator.index(k)  # type: ignore[arg-type]


def names(what: str, given: Sequence[Hashable] | None, n: int) -> tuple[Hashable, ...] | None:
    """Return n different names as a tuple, or None; InvalidProblem if they are no such."""
    if given is None:
        return None
    listed = tuple(given)
    try:
        different = len(set(listed))
    except TypeError as error:
        raise InvalidProblem(f"{what} must be hashable: {error}") from error
    if len(listed) != n or different != n:
        raise InvalidProblem(
            f"{what} must be {n} different ones; got {len(listed)}, {different} of them different"
        )
    return listed


def selection(indices: ArrayLike, n: int, smallest: int, largest: int) -> NDArray[np.int64]:
    """Return `indices` as sorted int64, having checked range, uniqueness and count.

    Raises
    ------
    InvalidSelection
        If an index is no integer, lies outside 0..n-1 or occurs twice, or if the count lies
        outside smallest..largest.
    """
    try:
        array = np.asarray(indices)
    except ValueError as error:
        raise InvalidSelection(f"indices cannot be read as an array: {error}") from error
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidSelection(
            f"indices must be a 1-d array of integers; got shape {array.shape}, dtype {array.dtype}"
        )
    chosen = array.astype(np.int64)
    chosen.sort()
    if not smallest <= chosen.size <= largest:
        count = f"{largest}" if smallest == largest else f"{smallest} to {largest}"
        raise InvalidSelection(f"indices must be {count} distinct candidates; got {chosen.size}")
    if chosen.size and chosen[0] < 0:
        raise InvalidSelection(f"indices must be >= 0; got {chosen[0]}")
    if chosen.size and chosen[-1] >= n:
        raise InvalidSelection(f"indices must be in [0, {n - 1}]; got {chosen[-1]}")
    again = chosen[1:] == chosen[:-1]
    if np.count_nonzero(again):
        raise InvalidSelection(
            f"indices must be distinct; got {chosen[again.argmax()]} more than once"
        )
    return chosen


def square_matrix(name: str, values: ArrayLike, copy: bool = True) -> NDArray[Any]:
    """Return a read-only C-contiguous float32 or float64 matrix (n, n) of finite numbers.

    With ``copy=False`` an ndarray that is that already is taken as it is.

    Raises
    ------
    InvalidProblem
        As `numeric_array`, or if it is not square.
    """
    as_it_is = (
        not copy
        and type(values) is np.ndarray
        and values.ndim == 2
        and values.dtype in (np.float32, np.float64)
        and values.flags.c_contiguous
        and values.size > 0
    )
    if as_it_is:
        assert isinstance(values, np.ndarray)
        _require_finite(name, values)
        array = values.view()
        array.setflags(write=False)
    else:
        array = numeric_array(name, values, dimensions=(2,))
        if array.dtype == np.int64:
            array = array.astype(np.float64)
            array.setflags(write=False)
    if array.shape[0] != array.shape[1]:
        raise InvalidProblem(f"{name} must be a square matrix (n, n); got shape {array.shape}")
    return array


def mirrored_blocks(
    matrix: NDArray[Any], size: int = 256
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield each block of the upper triangle with the transpose of its mirror image."""
    for i in range(0, len(matrix), size):
        for j in range(i, len(matrix), size):
            yield matrix[i : i + size, j : j + size], matrix[j : j + size, i : i + size].T


def require_quadratic_range(
    matrix: "NDArray[Any] | SparseMatrix", linear: NDArray[np.float64], constant: float
) -> None:
    """Raise InvalidProblem if sums over all entries could overflow float64."""
    n = len(matrix)
    limit = float(np.finfo(np.float64).max) / (8 * n * n)
    parts = {
        "Q": max(float(matrix.max()), -float(matrix.min())),
        "c": float(np.abs(linear).max()),
        "constant": abs(constant),
    }
    for name, magnitude in parts.items():
        if magnitude > limit:
            raise InvalidProblem(
                f"{name} holds a magnitude of {magnitude:.3g}, above {limit:.3g}, so that sums of "
                f"{n} x {n} overflow float64; divide Q, c and constant by a power of two"
            )


def require_kept(
    stated: "Constraints | None", side: "SideConstraints | None", chosen: NDArray[np.int64]
) -> None:
    """Raise InvalidSelection unless the chosen keep all constraints, as stated or as compiled."""
    if stated is not None:
        stated.require(chosen)
    elif side is not None and not side.keeps(chosen):
        raise InvalidSelection(f"the selection breaks {' or '.join(sorted(side.kinds))}")
