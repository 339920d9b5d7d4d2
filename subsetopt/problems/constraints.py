"""Constraints on a selection, as people state them: by candidates, groups, costs and pairs."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._checks import is_integer, is_number, require
from subsetopt.errors import InvalidProblem, InvalidSelection

from . import _validation
from ._costs import Costs
from .quotas import Quota

__all__ = ["Constraints"]


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Constraints:
    """What a selection has to keep besides its size.

    Handed to a problem as `constraints`, which checks it against the candidates.

    Parameters
    ----------
    include, exclude : array_like of int, optional
        Candidates that must, and that must not, be chosen. Those excluded stay part of what the
        selection is compared with.
    quotas : Quota or iterable of Quota, optional
        All of them hold; they may group the candidates in different ways.
    costs : array_like (n,), optional
        Of each candidate, >= 0. Numbers stand for the decimals that they print as, and sums are
        compared without rounding: 0.1 and 0.2 are within a budget of 0.3.
    budget : float, optional
        What the chosen may cost together; given with `costs`.
    conflicts : array_like of int (pairs, 2), optional
        Pairs of candidates that may not be chosen together.

    Raises
    ------
    InvalidProblem
        For indices that are no integers >= 0, one given twice or both included and excluded, a pair
        of a candidate with itself, costs that are negative, NaN or infinite, or of costs and budget
        only one.

    Examples
    --------
    >>> rules = Constraints(include=[3], quotas=Quota(["a", "a", "b", "b"], at_least=1))
    >>> rules
    Constraints(include=[3], quotas=[Quota(n=4, groups=2, at_least=1)])
    """

    include: NDArray[np.int64]
    exclude: NDArray[np.int64]
    quotas: tuple[Quota, ...]
    costs: NDArray[Any] | None
    budget: float | None
    conflicts: NDArray[np.int64]

    def __init__(
        self,
        include: ArrayLike = (),
        exclude: ArrayLike = (),
        quotas: Quota | Iterable[Quota] = (),
        costs: ArrayLike | None = None,
        budget: float | None = None,
        conflicts: ArrayLike = (),
    ) -> None:
        include, exclude = _indices("include", include), _indices("exclude", exclude)
        both = np.intersect1d(include, exclude)
        if both.size:
            raise InvalidProblem(f"candidate {both[0]} is in both include and exclude; drop one")
        quotas = (quotas,) if isinstance(quotas, Quota) else tuple(quotas)
        for quota in quotas:
            require(
                "quotas", quota, isinstance(quota, Quota), "Quota objects", error=InvalidProblem
            )
        if (costs is None) != (budget is None):
            missing = "budget" if budget is None else "costs"
            raise InvalidProblem(f"costs and budget are given together; {missing} is missing")
        fields = {
            "include": include,
            "exclude": exclude,
            "quotas": quotas,
            "costs": None if costs is None else _validation.numeric_array("costs", costs, (1,)),
            "budget": None if budget is None else _budget(budget),
            "conflicts": _pairs(conflicts),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        if self.costs is not None and self.costs.min() < 0:
            i = int(self.costs.argmin())
            raise InvalidProblem(f"costs[{i}] must be >= 0; got {self.costs[i]}")

    @cached_property
    def priced(self) -> Costs | None:
        """The costs and the budget in whole units."""
        return None if self.costs is None else Costs.of(self.costs, self.budget)

    def require(self, chosen: NDArray[np.int64]) -> None:
        """Raise InvalidSelection, naming what is broken, unless sorted indices keep everything."""
        missing = np.setdiff1d(self.include, chosen)
        if missing.size:
            raise InvalidSelection(f"candidate {missing[0]} is to be included; it is not chosen")
        barred = np.intersect1d(self.exclude, chosen)
        if barred.size:
            raise InvalidSelection(f"candidate {barred[0]} is excluded; it is chosen")
        for quota in self.quotas:
            quota.require(chosen)
        if self.priced is not None and not self.priced.within(chosen):
            raise InvalidSelection(
                f"the selection costs {self.priced.total(chosen)!r}, above the budget "
                f"{self.budget!r}"
            )
        if len(self.conflicts):
            broken = np.isin(self.conflicts, chosen).all(axis=1)
            if broken.any():
                one, other = self.conflicts[broken.argmax()].tolist()
                raise InvalidSelection(f"candidates {one} and {other} conflict; both are chosen")

    # -- identity ---------------------------------------------------------------------------------

    @cached_property
    def _key(self) -> tuple[object, ...]:
        costs = None if self.costs is None else (self.costs.dtype.str, self.costs.tobytes())
        arrays = (self.include, self.exclude, self.conflicts)
        return (*(part.tobytes() for part in arrays), self.quotas, costs, self.budget)

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, Constraints) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (self.include, self.exclude, self.quotas, self.costs, self.budget, self.conflicts)
        return Constraints, parts

    def __repr__(self) -> str:
        parts = [
            f"{name}={_briefly(value)}"
            for name, value in (("include", self.include), ("exclude", self.exclude))
            if value.size
        ]
        if self.quotas:
            parts.append(f"quotas={list(self.quotas)!r}")
        if self.budget is not None:
            parts.append(f"budget={self.budget!r}")
        if len(self.conflicts):
            parts.append(f"conflicts={_briefly(self.conflicts)}")
        return f"Constraints({', '.join(parts)})"


def _briefly(array: NDArray[np.int64]) -> str:
    some = str(array[:6].tolist())
    return some if len(array) <= 6 else f"{some[:-1]}, ...]"


def _indices(name: str, given: ArrayLike) -> NDArray[np.int64]:
    """Return candidates, sorted; InvalidProblem if they are no such."""
    try:
        chosen = _validation.selection(given, 2**62, 0, 2**62)
    except InvalidSelection as error:
        raise InvalidProblem(f"{name} must hold different candidates, 0..n-1: {error}") from error
    chosen.setflags(write=False)
    return chosen


def _budget(given: object) -> float:
    fits = is_number(given) and 0 <= given < np.inf  # type: ignore[operator]
    require("budget", given, fits, "a finite number >= 0", error=InvalidProblem)
    return int(given) if is_integer(given) else float(given)  # type: ignore[call-overload, arg-type]


def _pairs(given: ArrayLike) -> NDArray[np.int64]:
    """Return pairs of candidates, each ascending, in order and once."""
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise InvalidProblem(f"conflicts must hold pairs of candidates: {error}") from error
    if array.size == 0:
        array = np.empty((0, 2), np.int64)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise InvalidProblem(
            "conflicts must hold pairs of candidates, integers of shape (pairs, 2); got shape "
            f"{array.shape}, dtype {array.dtype}"
        )
    if (array < 0).any():
        raise InvalidProblem(f"conflicts must hold candidates 0..n-1; got {array.min()}")
    loops = array[:, 0] == array[:, 1]
    if loops.any():
        raise InvalidProblem(
            f"conflicts must hold pairs of two candidates; got {array[loops.argmax()].tolist()}: "
            "put a candidate that may not be chosen into exclude"
        )
    pairs = np.unique(np.sort(array.astype(np.int64), axis=1), axis=0)
    pairs.setflags(write=False)
    return pairs
