"""Units of a partition: single rows, or groups that stay together."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem
from subsetopt.problems._memory import require_memory

from ._part_labels import RowClasses


@dataclass(frozen=True, eq=False)
class Units:
    """U units, and what each adds to the counts that are balanced.

    Parameters
    ----------
    rows : ndarray of int64 (n,)
        Unit after unit.
    starts : ndarray of int64 (U + 1,)
        Unit u is ``rows[starts[u]:starts[u + 1]]``.
    kinds : ndarray of int64 (U,)
        Units of one kind count alike, so that they can take each other's place.
    demands : ndarray of int64 (D, C)
        What a unit of each kind adds: its rows first, then its rows of each class.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    kinds: NDArray[np.int64]
    demands: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.kinds)

    @cached_property
    def single(self) -> bool:
        """Whether every unit is one row."""
        return len(self.kinds) == len(self.rows)

    @cached_property
    def mass(self) -> NDArray[np.float64]:
        """The number of rows of each unit (U,)."""
        return np.diff(self.starts).astype(np.float64)

    @cached_property
    def totals(self) -> NDArray[np.int64]:
        """The rows in all, and those of each class (C,)."""
        return np.bincount(self.kinds, minlength=len(self.demands)) @ self.demands

    def rows_of(self, units: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of some units, one after another."""
        if self.single:
            return self.rows[units]
        sizes = np.diff(self.starts)[units]
        first = np.repeat(self.starts[units] - np.cumsum(sizes) + sizes, sizes)
        return self.rows[first + np.arange(len(first))]

    def of_rows(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return in the order of the rows what is said of each unit."""
        out = np.empty(len(self.rows), values.dtype)
        out[self.rows] = np.repeat(values, np.diff(self.starts))
        return out


def units_of(n: int, balanced: list[RowClasses], groups: RowClasses | None) -> Units:
    """Return the units of n rows.

    Raises
    ------
    TooLarge
        If there are so many classes that counts of them would not fit into the memory.
    """
    if groups is None:
        codes = np.stack([labels.codes for labels in balanced] or [np.zeros(n, np.int64)], axis=1)
        found, kinds = np.unique(codes, axis=0, return_inverse=True)
        demands = _counted(found, np.arange(len(found)), balanced, len(found))
        return Units(np.arange(n), np.arange(n + 1), kinds.reshape(-1).astype(np.int64), demands)
    count = len(groups.classes)
    codes = np.stack([labels.codes for labels in balanced] or [np.zeros(n, np.int64)], axis=1)
    counted = _counted(codes, groups.codes, balanced, count)
    demands, kinds = np.unique(counted, axis=0, return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(counted[:, 0])])
    rows = np.argsort(groups.codes, kind="stable")
    return Units(rows, starts, kinds.reshape(-1).astype(np.int64), np.ascontiguousarray(demands))


def _counted(
    codes: NDArray[np.int64], units: NDArray[np.int64], balanced: list[RowClasses], count: int
) -> NDArray[np.int64]:
    """Return for each of `count` units its rows, and those of each class of each labelling."""
    columns = 1 + sum(len(labels.classes) for labels in balanced)
    require_memory(
        f"the counts of {columns - 1} classes for {count} kinds of rows",
        8 * count * columns,
        "balance coarser classes",
    )
    counts = np.zeros((count, columns), np.int64)
    np.add.at(counts[:, 0], units, 1)
    first = 1
    for column, labels in enumerate(balanced):
        np.add.at(counts, (units, first + codes[:, column]), 1)
        first += len(labels.classes)
    return counts


def require_room(groups: RowClasses, units: Units, sizes: NDArray[np.int64]) -> None:
    """Raise InvalidProblem if groups are too few or too large for the parts."""
    if len(units) < len(sizes):
        raise InvalidProblem(
            f"keep_together has {len(units)} groups, fewer than the {len(sizes)} parts; give fewer "
            "parts"
        )
    largest = int(units.mass.argmax())
    if units.mass[largest] > sizes.max():
        raise InvalidProblem(
            f"group {groups.classes[largest]!r} of keep_together has {int(units.mass[largest])} "
            f"rows, more than the largest part, {sizes.max()}; enlarge that part, or split the "
            "group"
        )
