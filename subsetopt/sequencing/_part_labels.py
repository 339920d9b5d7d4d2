"""Arguments of a partition as numbers: sizes of parts, classes, groups."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import is_integer, require_integer
from subsetopt.errors import InvalidProblem

_SUM = 1e-9  # by which shares may miss 1
_WHAT = "counts that sum to the number of rows, shares that sum to 1, or a number of equal parts"


class RowClasses(NamedTuple):
    """One label a row: the number of its class (n,), and the classes."""

    name: str
    codes: NDArray[np.int64]
    classes: tuple[Hashable, ...]


def part_sizes(sizes: Any, n: int) -> NDArray[np.int64]:
    """Return how many rows each part has (p,), p >= 2, each at least 1, n in all.

    Shares become counts by the largest remainder: each gets its share of n rounded down, and those
    with the largest remainders, the first of equal ones, one more.

    Raises
    ------
    InvalidProblem
        For sizes that are no such, or that n rows cannot have.
    """
    if is_integer(sizes):
        require_integer("sizes, as a number of parts,", sizes, f"[2, {n}]", error=InvalidProblem)
        return np.array([n // sizes + (part < n % sizes) for part in range(sizes)], np.int64)
    try:
        given = np.asarray(list(sizes))
    except TypeError:
        given = np.asarray(sizes)
    if given.ndim != 1 or given.dtype.kind not in "iuf":
        raise InvalidProblem(f"sizes must be {_WHAT}; got {sizes!r}")
    if not 2 <= len(given) <= n:
        raise InvalidProblem(f"sizes must name between 2 and n = {n} parts; got {len(given)}")
    counts = _counts(given, n) if given.dtype.kind in "iu" else _apportioned(given, n)
    if counts.min() < 1:
        part = int(counts.argmin())
        raise InvalidProblem(
            f"part {part} would have {counts[part]} of {n} rows for the size {given[part]}; every "
            "part needs at least one: make it larger, or leave it out"
        )
    return counts


def _counts(given: NDArray[Any], n: int) -> NDArray[np.int64]:
    counts = given.astype(np.int64)
    total = int(counts.sum())
    if total != n:
        fix = f"add a part of {n - total}" if 0 < total < n else f"take {total - n} rows off"
        raise InvalidProblem(
            f"sizes sum to {total}, but X has {n} rows; {fix}, or give shares such as 0.7 that "
            "sum to 1"
        )
    return counts


def _apportioned(given: NDArray[Any], n: int) -> NDArray[np.int64]:
    if not (np.isfinite(given).all() and (given > 0).all()):
        raise InvalidProblem(f"shares must be greater than 0; got {given.tolist()}")
    total = float(given.sum())
    if abs(total - 1) > _SUM:
        rest = f"add a part of {1 - total:.6g}, or " if total < 1 else ""
        raise InvalidProblem(
            f"shares must sum to 1; {given.tolist()} sum to {total:.6g}: {rest}divide them by "
            f"{total:.6g}"
        )
    quotas = given.astype(np.float64) * n
    counts = np.floor(quotas + _SUM * n).astype(np.int64)
    first = np.argsort(counts - quotas, kind="stable")[: n - int(counts.sum())]
    counts[first] += 1
    return counts


def labellings(balance: Any, n: int) -> list[RowClasses]:
    """Return each of the labellings that are to be balanced: none, one or several.

    Several are a mapping from names, a data frame, an array (n, q), or a list of them.
    """
    return [labels_of(name, labels, n) for name, labels in _several(balance)]


def _several(balance: Any) -> Iterator[tuple[str, Any]]:
    if balance is None:
        return
    if isinstance(balance, Mapping) or getattr(balance, "columns", None) is not None:
        names = balance.keys() if isinstance(balance, Mapping) else balance.columns
        yield from ((f"balance[{name!r}]", balance[name]) for name in names)
    elif getattr(balance, "ndim", 1) == 2:
        yield from ((f"balance[:, {c}]", balance[:, c]) for c in range(balance.shape[1]))
    elif isinstance(balance, list | tuple) and balance and _is_array(balance[0]):
        yield from ((f"balance[{c}]", labels) for c, labels in enumerate(balance))
    else:
        yield "balance", balance


def _is_array(value: object) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | bytes)


def labels_of(name: str, labels: Any, n: int) -> RowClasses:
    """Return the classes of n rows, in the order of their values, or as they come.

    Raises
    ------
    InvalidProblem
        For another number of labels, a missing one, or what is no label.
    """
    array = np.asarray(labels)
    if array.ndim != 1 or len(array) != n:
        got = f"{len(array)} labels" if array.ndim == 1 else f"shape {array.shape}"
        raise InvalidProblem(f"{name} must have one label for each of the {n} rows; got {got}")
    missing = _missing(array)
    if missing.size:
        raise InvalidProblem(
            f"{name} has no label in row {missing[0]} ({missing.size} such rows); drop these rows "
            "or give them a class of their own"
        )
    if array.dtype.kind == "f" and (array % 1).any():
        raise InvalidProblem(
            f"{name} must hold classes; got the number {array[(array % 1).argmax()]}: bin it "
            "first, with numpy.digitize for example"
        )
    if array.dtype.kind != "O":
        values, codes = np.unique(array, return_inverse=True)
        return RowClasses(name, codes.astype(np.int64).reshape(-1), tuple(values.tolist()))
    known: dict[Hashable, int] = {}
    try:
        codes = np.array([known.setdefault(value, len(known)) for value in array], np.int64)
    except TypeError as error:
        raise InvalidProblem(f"{name} must hold hashable labels: {error}") from error
    return RowClasses(name, codes, tuple(known))


def _missing(array: NDArray[Any]) -> NDArray[np.int64]:
    if array.dtype.kind in "fcmM":
        return np.flatnonzero(np.isnan(array) if array.dtype.kind in "fc" else np.isnat(array))
    if array.dtype.kind != "O":
        return np.zeros(0, np.int64)
    empty = [value is None or type(value).__name__ == "NAType" or value != value for value in array]
    return np.flatnonzero(empty)
