"""Labels of any kind as groups: which there are, and which each candidate has."""

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem

_SHOWN = 10  # groups that a message lists


def encoded(labels: Any) -> tuple[tuple[Hashable, ...], NDArray[np.int64]]:
    """Return the groups and the group of each label, from 0.

    Groups are sorted where labels are numbers or texts of one array, else as they first occur.

    Raises
    ------
    InvalidProblem
        For no labels at all, more than one dimension, a missing label, one that is not hashable.
    """
    if hasattr(labels, "to_numpy"):  # of pandas, polars, pyarrow
        labels = labels.to_numpy()
    elif not isinstance(labels, np.ndarray) and hasattr(labels, "__array__"):
        labels = np.asarray(labels)
    if isinstance(labels, str | bytes) or not hasattr(labels, "__len__"):
        raise InvalidProblem(f"labels must be one label per candidate; got {labels!r}")
    if len(labels) == 0:
        raise InvalidProblem("labels must be one label per candidate; got none")
    if isinstance(labels, np.ndarray):
        if labels.ndim != 1:
            raise InvalidProblem(f"labels must have shape (n,); got shape {labels.shape}")
        if labels.dtype.kind != "O":
            return _of_array(labels)
        labels = labels.tolist()
    return _of_objects(list(labels))


def _of_array(labels: NDArray[Any]) -> tuple[tuple[Hashable, ...], NDArray[np.int64]]:
    missing = labels != labels
    if missing.any():
        raise _missing(int(missing.argmax()), labels[missing.argmax()])
    groups, codes = np.unique(labels, return_inverse=True)
    return tuple(groups.tolist()), codes.reshape(-1).astype(np.int64)


def _of_objects(labels: list[Any]) -> tuple[tuple[Hashable, ...], NDArray[np.int64]]:
    known: dict[Hashable, int] = {}
    codes = np.empty(len(labels), np.int64)
    for i, given in enumerate(labels):
        label = given.item() if isinstance(given, np.generic) else given
        if label is None or label is not label or _is_nan(label):
            raise _missing(i, label)
        try:
            codes[i] = known.setdefault(label, len(known))
        except TypeError as error:
            raise InvalidProblem(f"labels must be hashable; labels[{i}] is {label!r}") from error
    return tuple(known), codes


def _is_nan(label: Any) -> bool:
    try:
        return bool(label != label)
    except (TypeError, ValueError):  # pandas.NA answers neither yes nor no
        return True


def _missing(i: int, label: object) -> InvalidProblem:
    return InvalidProblem(
        f"labels[{i}] is missing ({label!r}); give such candidates a label of their own"
    )


def proportional_shares(sizes: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return k shared among groups as their sizes are, by the largest remainders (Hamilton)."""
    counts, remainders = np.divmod(sizes.astype(np.int64) * k, int(sizes.sum()))
    left = k - int(counts.sum())
    counts[np.argsort(-remainders, kind="stable")[:left]] += 1
    return counts


def listed(groups: tuple[Hashable, ...], numbers: NDArray[np.int64]) -> str:
    """Return groups with their numbers for a message: ``'north' 5, 'south' 7``; zeros left out."""
    some = [(group, int(m)) for group, m in zip(groups, numbers.tolist(), strict=True) if m]
    shown = ", ".join(f"{group!r} {m}" for group, m in some[:_SHOWN])
    return shown + (f" and {len(some) - _SHOWN} more" if len(some) > _SHOWN else "")
