"""Constraint data of rows while they are read: groups, names and costs."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.formats._constraint_words import PROPORTIONAL, cost_numbers

from ._row_blocks import RowBlock

INCLUDED, EXCLUDED = 1, 2

_MOST_SAMPLED = 4096  # groups that are sampled one by one
_SPARE, _SPARE_OF_K = 16, 4  # candidates of a group more than its quota: at least, and of k by all
_MOST_GROUPS = 2**20

Number = int | str | Mapping[str, int]
"""Rows of each group: one number, "proportional", or numbers by group."""


@dataclass(frozen=True, eq=False)
class Grouping:
    """Groups of rows, and what quotas ask of them.

    Parameters
    ----------
    name : str
        The column, or the file of the labels.
    quotas : sequence of (str, Number)
        Each with its word: exactly, at_least, at_most.
    k : int
    labels : ndarray of object (n,) or None
        Of all rows; None where they are a column of the source.
    """

    name: str
    quotas: Sequence[tuple[str, Number]]
    k: int
    labels: NDArray[Any] | None = None

    def of(self, block: RowBlock, first: int) -> NDArray[Any]:
        """Return the labels of the rows of a block, of which the first has this number."""
        if self.labels is None:
            labels = block.tags[self.name]
            return labels.astype(str) if labels.dtype.kind in "mM" else labels
        part = self.labels[first : first + len(block.X)]
        if len(part) < len(block.X):
            raise InvalidProblem(
                f"{self.name} must have a label for each row; got {len(self.labels)} for at least "
                f"{first + len(block.X)}"
            )
        return part

    def needs(self, groups: Sequence[str]) -> NDArray[np.int64]:
        """Return how many candidates of each group there should be, where it has so many.

        The more groups there are the fewer: so what is kept of some rows is enough for all.
        """
        needs = np.zeros(len(groups), np.int64)
        if 0 < len(groups) <= _MOST_SAMPLED:
            spare = max(_SPARE, _SPARE_OF_K * self.k // len(groups))
            for word, number in self.quotas:
                most = self.k // len(groups) + 1  # of the same number for all
                wanted = [_of(number, group, most) for group in groups]
                least = np.array([0 if one is None else one for one in wanted])
                if word == "at_most":
                    most_of = np.array([spare if one is None else one for one in wanted])
                    needs = np.maximum(needs, np.minimum(most_of, spare))
                else:
                    needs = np.maximum(needs, np.where(least, np.minimum(least, self.k), 0) + spare)
        return needs


def _of(number: Number, group: str, most: int) -> int | None:
    if isinstance(number, Mapping):
        return number.get(group)
    return None if number == PROPORTIONAL else min(int(number), most)


class SeenGroups:
    """The groups that have been seen, how many rows each has, and below which keys rows are kept.

    Parameters
    ----------
    grouping : Grouping
    """

    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self.groups: list[str] = []
        self.counts = np.zeros(0, np.int64)
        self.limits = np.zeros(0)
        self._codes: dict[Any, int] = {}
        self._codes_of_texts: dict[str, int] = {}

    def add(self, block: RowBlock, first: int) -> NDArray[np.int64]:
        """Return the group of each row of a block, counted from 0."""
        labels = self.grouping.of(block, first).tolist()
        for label in set(labels).difference(self._codes):
            if label is None or label != label:
                raise InvalidProblem(
                    f"column {self.grouping.name!r} has no value in row "
                    f"{first + labels.index(label)}; give such rows a label of their own"
                )
        for label in dict.fromkeys(labels):
            if label not in self._codes:
                self._codes[label] = self._code(str(label))
        codes = np.fromiter(map(self._codes.__getitem__, labels), np.int64, len(labels))
        self.counts += np.bincount(codes, minlength=len(self.counts))
        return codes

    def join(self, other: "SeenGroups") -> NDArray[np.int64]:
        """Count what was seen elsewhere; return what its groups are called here."""
        codes = np.array([self._code(group) for group in other.groups], np.int64)
        self.counts[codes] += other.counts
        return codes

    def _code(self, group: str) -> int:
        if group not in self._codes_of_texts:
            if len(self.groups) == _MOST_GROUPS:
                raise InvalidProblem(
                    f"{self.grouping.name} has more than {_MOST_GROUPS} groups; join some of them"
                )
            self._codes_of_texts[group] = len(self.groups)
            self.groups.append(group)
            self.counts = np.append(self.counts, 0)
            self.limits = np.append(self.limits, np.inf)
        return self._codes_of_texts[group]

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the groups and their counts, as arrays."""
        return {"groups": np.array(self.groups, np.str_), "counts": self.counts}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over the groups and their counts."""
        for group in state["groups"].tolist():
            self._code(group)
        self.counts = state["counts"]

    def kept(self, codes: NDArray[np.int64], keys: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return of which rows the groups need to be held, those of the least keys."""
        needs = self.grouping.needs(self.groups)
        ranks = ranks_within(codes, keys)
        kept = ranks < needs[codes]
        self.limits = np.where(needs > 0, np.inf, 0.0)
        last = ranks == needs[codes] - 1
        self.limits[codes[last]] = keys[last]
        return np.asarray(kept)


def ranks_within(codes: NDArray[np.int64], keys: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rank, from 0, of each key among those of its group; O(m log m)."""
    order = np.lexsort((keys, codes))
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(ordered)])
    ranks = np.empty(len(codes), np.int64)
    ranks[order] = np.arange(len(codes)) - np.repeat(starts, sizes)
    return ranks


@dataclass(frozen=True, eq=False)
class NamedAmongAll:
    """Rows by their ids where there are some, else by their numbers.

    Parameters
    ----------
    word : str
        For messages.
    names : sequence of str or ndarray of int64
        Numbers are never ids.
    header : str or None
        What is a name only if a row is called so.
    """

    word: str
    names: Sequence[str] | NDArray[np.int64]
    header: str | None = None

    def __post_init__(self) -> None:
        numbers = self.names if isinstance(self.names, np.ndarray) else None
        known = frozenset(() if numbers is not None else self.names)
        if self.header is not None:
            known |= {self.header}
        object.__setattr__(self, "_known", known)
        object.__setattr__(self, "_numbers", None if numbers is None else np.sort(numbers))

    def among(self, block: RowBlock, first: int) -> NDArray[np.bool_]:
        """Return which rows of a block are meant, of which the first has this number."""
        if block.ids is not None and not isinstance(self.names, np.ndarray):
            known: frozenset[str] = self._known  # type: ignore[attr-defined]
            named = (str(one) in known for one in block.ids.tolist())
            return np.fromiter(named, np.bool_, len(block.X))
        meant = np.zeros(len(block.X), np.bool_)
        numbers = self.numbers()
        low, high = np.searchsorted(numbers, [first, first + len(block.X)])
        meant[numbers[low:high] - first] = True
        return meant

    def numbers(self) -> NDArray[np.int64]:
        """Return the numbers that the names are, ascending."""
        known: NDArray[np.int64] | None = self._numbers  # type: ignore[attr-defined]
        if known is not None:
            return known
        odd = next((name for name in self.names if not str(name).isdecimal()), None)
        if odd is not None:
            raise InvalidOption(
                f"{self.word} must name rows by their numbers from 0, where they have no ids; got "
                f"{odd!r}"
            )
        made = np.unique(np.array([int(name) for name in self.names], np.int64))
        object.__setattr__(self, "_numbers", made)
        return made

    def require(self, n: int, seen: int, by_id: bool) -> None:
        """Raise InvalidOption unless each name was that of one of n rows; `seen` were in all."""
        if not by_id or isinstance(self.names, np.ndarray):
            numbers = self.numbers()
            if len(numbers) and numbers[-1] >= n:
                raise InvalidOption(
                    f"{self.word} must name rows in [0, {n - 1}]; got {numbers[-1]}"
                )
            return
        wanted = len(set(self.names))
        if seen not in (wanted, wanted + (self.header is not None)):
            raise InvalidOption(
                f"{self.word} names {wanted} rows by their ids, and {seen} rows are called so; "
                "give ids that are there, each of one row"
            )


@dataclass(frozen=True, eq=False)
class AskedOfRows:
    """What constraints need to know of each row.

    Parameters
    ----------
    groupings : tuple of Grouping
    include, exclude : NamedAmongAll or None
    costs : str or ndarray (n,) or None
        The column, or those of all rows.
    """

    groupings: tuple[Grouping, ...] = ()
    include: NamedAmongAll | None = None
    exclude: NamedAmongAll | None = None
    costs: str | NDArray[np.float64] | None = None

    def flags(self, block: RowBlock, first: int) -> NDArray[np.int8]:
        """Return which rows of a block are to be included, and which excluded."""
        flags = np.zeros(len(block.X), np.int8)
        if self.include is not None:
            flags[self.include.among(block, first)] = INCLUDED
        if self.exclude is not None:
            flags[self.exclude.among(block, first)] |= EXCLUDED
        both = np.flatnonzero(flags == INCLUDED | EXCLUDED)
        if len(both):
            called = (
                f"row {first + both[0]}" if block.ids is None else repr(str(block.ids[both[0]]))
            )
            raise InvalidProblem(f"include and exclude both name {called}; drop one")
        return flags

    def costs_of(self, block: RowBlock, first: int) -> NDArray[np.float64]:
        """Return the costs of the rows of a block, 0 where there are none."""
        if self.costs is None:
            return np.zeros(len(block.X))
        if not isinstance(self.costs, str):
            return np.asarray(self.costs[first : first + len(block.X)], np.float64)
        with suppress(ValueError, TypeError):
            costs = np.asarray(block.tags[self.costs], np.float64)
            if np.isfinite(costs).all():
                return costs
        names = range(first, first + len(block.X)) if block.ids is None else block.ids.tolist()
        texts = block.tags[self.costs].tolist()
        return np.array(cost_numbers(self.costs, texts, lambda i: f"row {names[i]}"))


NOTHING = AskedOfRows()
"""Without constraints."""
