"""Quotas: how many of each group may or must be chosen."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import is_integer, require
from subsetopt._registry import nearest
from subsetopt.errors import InvalidProblem, InvalidSelection

from . import _validation
from ._labels import encoded, proportional_shares

__all__ = ["Quota"]

Bound = int | Mapping[Any, int] | None
"""A number for every group, or one by group; groups that are not named have none."""


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Quota:
    """How many of each group may or must be chosen.

    Parameters
    ----------
    labels : array_like (n,)
        The group of each candidate: integers, texts, a categorical column, or anything hashable.
        None of them may be missing.
    exactly, at_least, at_most : int or mapping, optional
        A number for every group, or a mapping from groups to numbers, in which groups that it does
        not name are free. `exactly` stands alone; the other two may be given together.

    Raises
    ------
    InvalidProblem
        For labels that are missing or not hashable, groups that no candidate has, numbers that are
        no integers >= 0, no number at all, or `at_least` above `at_most`.

    Examples
    --------
    >>> Quota(["a", "a", "b"], at_least=1)
    Quota(n=3, groups=2, at_least=1)
    >>> Quota(["a", "a", "b"], exactly={"a": 1})
    Quota(n=3, groups=2, exactly={'a': 1})
    """

    groups: tuple[Hashable, ...]
    codes: NDArray[np.int64]
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]

    def __init__(
        self,
        labels: Any,
        *,
        exactly: Bound = None,
        at_least: Bound = None,
        at_most: Bound = None,
    ) -> None:
        groups, codes = encoded(labels)
        if exactly is None and at_least is None and at_most is None:
            raise InvalidProblem("a quota needs exactly, at_least or at_most")
        if exactly is not None and not (at_least is None and at_most is None):
            raise InvalidProblem("a quota takes exactly alone, or at_least and at_most")
        sizes = np.bincount(codes)
        low, high = (exactly, exactly) if exactly is not None else (at_least, at_most)
        names = ("exactly", "exactly") if exactly is not None else ("at_least", "at_most")
        lower = _by_group(names[0], low, groups, np.zeros_like(sizes))
        upper = _by_group(names[1], high, groups, sizes)
        self._set(groups, codes, lower, upper, names[0])

    def _set(
        self,
        groups: tuple[Hashable, ...],
        codes: NDArray[np.int64],
        lower: NDArray[np.int64],
        upper: NDArray[np.int64],
        name: str = "at_least",
    ) -> None:
        sizes = np.bincount(codes, minlength=len(groups))
        for group, size, low, high in zip(groups, sizes, lower, upper, strict=True):
            if low > size:
                raise InvalidProblem(
                    f"{name} asks for {low} of {group!r}, which has {size} candidates; give "
                    f"numbers by group, for {group!r} at most {size}"
                )
            if low > high:
                raise InvalidProblem(
                    f"at_least asks for {low} of {group!r}, at_most for {high}; lower the first or "
                    "raise the second"
                )
        arrays = {"codes": codes, "lower": lower, "upper": np.minimum(upper, sizes)}
        object.__setattr__(self, "groups", groups)
        for name, array in arrays.items():
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def proportional(cls, labels: Any, k: int) -> "Quota":
        """Return exact quotas that share k among the groups as their sizes do.

        Each group gets its share ``k * size / n`` rounded down, and the rest goes one by one to
        the largest remainders (Hamilton's method), of equal ones to the group that comes first:
        no group is off its share by one or more.

        Parameters
        ----------
        labels : array_like (n,)
        k : int
            1 <= k <= n.

        Examples
        --------
        >>> quota = Quota.proportional(["a", "a", "a", "b", "b", "c"], k=4)
        >>> dict(zip(quota.groups, quota.lower.tolist()))
        {'a': 2, 'b': 1, 'c': 1}
        """
        groups, codes = encoded(labels)
        size = _validation.subset_size(k, len(codes))
        counts = proportional_shares(np.bincount(codes), size)
        quota = cls.__new__(cls)
        quota._set(groups, codes, counts, counts.copy())
        return quota

    @property
    def n(self) -> int:
        """The number of candidates."""
        return len(self.codes)

    def counts(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of the chosen are of each group."""
        return np.bincount(self.codes[chosen], minlength=len(self.groups))

    def require(self, chosen: NDArray[np.int64]) -> None:
        """Raise InvalidSelection, naming the group, unless the chosen keep the quota."""
        counts = self.counts(chosen)
        few, many = counts < self.lower, counts > self.upper
        if (few | many).any():
            g = int((few | many).argmax())
            limit = f"at least {self.lower[g]}" if few[g] else f"at most {self.upper[g]}"
            raise InvalidSelection(
                f"the selection has {counts[g]} of {self.groups[g]!r}; its quota is {limit}"
            )

    @cached_property
    def _key(self) -> tuple[object, ...]:
        return (self.groups, *(part.tobytes() for part in (self.codes, self.lower, self.upper)))

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Quota) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored_quota, (self.groups, self.codes, self.lower, self.upper)

    def __repr__(self) -> str:
        sizes = np.bincount(self.codes, minlength=len(self.groups))
        if np.array_equal(self.lower, self.upper):
            limits = [_shown("exactly", self.groups, self.lower, np.full_like(sizes, -1))]
        else:
            limits = [
                _shown("at_least", self.groups, self.lower, np.zeros_like(sizes)),
                _shown("at_most", self.groups, self.upper, sizes),
            ]
            if (self.lower == self.upper).any() and (self.lower == 0)[self.upper == sizes].all():
                fixed = (self.lower == self.upper) | ((self.lower == 0) & (self.upper == sizes))
                if fixed.all():
                    free = np.where(self.lower == self.upper, -1, self.lower)
                    limits = [_shown("exactly", self.groups, self.lower, free)]
        return (
            ", ".join([f"Quota(n={self.n}", f"groups={len(self.groups)}", *filter(None, limits)])
            + ")"
        )


def _restored_quota(*parts: Any) -> Quota:
    quota = Quota.__new__(Quota)
    quota._set(*parts)
    return quota


def _shown(
    name: str, groups: tuple[Hashable, ...], bounds: NDArray[np.int64], free: NDArray[np.int64]
) -> str:
    """Return the numbers of the groups that are not free, as the argument that says so."""
    bound = {group: int(b) for group, b, f in zip(groups, bounds, free, strict=True) if b != f}
    if not bound:
        return ""
    if len(bound) == len(groups) and len(set(bound.values())) == 1:
        return f"{name}={bounds[0]}"
    shown = dict(list(bound.items())[:4])
    return f"{name}={shown!r}" if len(shown) == len(bound) else f"{name}={str(shown)[:-1]}, ...}}"


def _by_group(
    name: str, given: Bound, groups: tuple[Hashable, ...], free: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the number of each group; `free` has those of groups without one."""
    numbers = free.astype(np.int64)
    if given is None:
        return numbers
    if not isinstance(given, Mapping):
        numbers[:] = _count(name, given)
        return numbers
    position = {group: g for g, group in enumerate(groups)}
    for group, number in given.items():
        if group not in position:
            known = ", ".join(map(repr, groups[:10])) + (", ..." if len(groups) > 10 else "")
            hint = nearest(group, groups)
            raise InvalidProblem(f"{name} names the group {group!r}{hint}; labels has only {known}")
        numbers[position[group]] = _count(f"{name}[{group!r}]", number)
    return numbers


def _count(name: str, number: object) -> int:
    fits = is_integer(number) and number >= 0  # type: ignore[operator]
    require(name, number, fits, "an integer >= 0, or a mapping to such", error=InvalidProblem)
    return min(int(number), 2**62)  # type: ignore[call-overload, no-any-return]
