"""Presolve of constraints: `Constraints` to `SideConstraints`, by counting."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require
from subsetopt.errors import InvalidProblem
from subsetopt.models._side_constraints import QuotaRows, SideConstraints

from ._costs import Costs
from ._labels import listed
from .constraints import Constraints
from .quotas import Quota

_FREE, _IN, _OUT = 0, 1, -1


def checked(constraints: object) -> Constraints | None:
    """Return constraints, or None for none that say anything; InvalidProblem for what is none."""
    if constraints is None:
        return None
    require(
        "constraints",
        constraints,
        isinstance(constraints, Constraints),
        "a Constraints object or None",
        error=InvalidProblem,
    )
    assert isinstance(constraints, Constraints)
    return None if constraints == Constraints() else constraints


def constrained(problem: Any, constraints: object, barred: NDArray[np.int64] | None = None) -> Any:
    """Return a copy of a problem with these constraints in place of its own; nothing is evaluated.

    `barred` is as `compiled` has it.
    """
    # Not by `copy`, which asks `__reduce__`, and that leaves out what has been evaluated.
    made = object.__new__(type(problem))
    made.__dict__.update({one.name: getattr(problem, one.name) for one in fields(problem)})
    stated = checked(constraints)
    side = compiled(stated, problem.n, problem.smallest_count, problem.k, barred)
    made.__dict__.update(constraints=stated, side=side)
    return made


def compiled(
    constraints: Constraints | None,
    n: int,
    low: int,
    high: int,
    barred: NDArray[np.int64] | None = None,
) -> SideConstraints | None:
    """Return the constraints for a problem that chooses low to high of n; None if there are none.

    What they fix, in sequence, is in its `include` and `exclude`. O(n) for each round of fixing.

    Parameters
    ----------
    constraints : Constraints or None
    n, low, high : int
    barred : ndarray of int64, optional
        Indices that are no candidates.

    Raises
    ------
    InvalidProblem
        If they do not fit the problem, or counting shows that no selection keeps them.
    """
    if constraints is None:
        return None
    _require_sizes(constraints, n, barred)
    fixing = _Fixing(constraints, n, low, high)
    if barred is not None:
        fixing.state[barred] = _OUT
    fixing.run()
    include, exclude = (np.flatnonzero(fixing.state == state) for state in (_IN, _OUT))
    costs = constraints.priced
    return SideConstraints(
        n=n,
        low=low,
        high=high,
        quotas=_rows(constraints.quotas, fixing.limits, n),
        budget=None if costs is None else costs.row(high),
        conflicts=constraints.conflicts,
        include=include,
        exclude=exclude,
    )


def _require_sizes(given: Constraints, n: int, barred: NDArray[np.int64] | None) -> None:
    for name in ("include", "exclude", "conflicts"):
        indices = getattr(given, name)
        if indices.size and indices.max() >= n:
            raise InvalidProblem(
                f"{name} must hold candidates in [0, {n - 1}]; got {indices.max()}"
            )
    if barred is not None and np.isin(given.include, barred).any():
        again = given.include[np.isin(given.include, barred)][0]
        raise InvalidProblem(f"include holds {again}, which is selected already; drop it")
    for number, quota in enumerate(given.quotas):
        if quota.n != n:
            raise InvalidProblem(
                f"quotas[{number}] has {quota.n} labels; the problem has {n} candidates"
            )
    if given.costs is not None and len(given.costs) != n:
        raise InvalidProblem(f"costs must have shape ({n},); got ({len(given.costs)},)")


@dataclass(frozen=True)
class _Limits:
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]


class _Fixing:
    """Which candidates are in or out, as far as counts, budget and conflicts say."""

    def __init__(self, constraints: Constraints, n: int, low: int, high: int) -> None:
        self.stated, self.n, self.low, self.high = constraints, n, low, high
        self.state = np.zeros(n, np.int8)
        self.state[constraints.include] = _IN
        self.state[constraints.exclude] = _OUT
        self.limits: list[_Limits] = []

    def run(self) -> None:
        """Fix until nothing more follows."""
        while True:
            before = np.count_nonzero(self.state)
            self._by_count()
            self._by_conflicts()
            self.limits = [self._by_quota(quota) for quota in self.stated.quotas]
            if self.stated.priced is not None:
                self._by_budget(self.stated.priced)
            if np.count_nonzero(self.state) == before:
                return

    def _fix(self, where: NDArray[Any], state: int) -> None:
        self.state[where & (self.state == _FREE)] = state

    @property
    def _all(self) -> NDArray[np.bool_]:
        return np.ones(self.n, np.bool_)

    def _by_count(self) -> None:
        chosen = int(np.count_nonzero(self.state == _IN))
        possible = int(np.count_nonzero(self.state != _OUT))
        if chosen > self.high:
            stated = len(self.stated.include)
            also = f", with what follows from the constraints {chosen}" if chosen > stated else ""
            raise InvalidProblem(f"include holds {stated} candidates{also}, above k = {self.high}")
        if possible < self.low:
            raise InvalidProblem(
                f"the constraints leave {possible} of {self.n} candidates, below k = {self.low}"
            )
        if chosen == self.high:
            self._fix(self._all, _OUT)
        if possible == self.low:
            self._fix(self._all, _IN)

    def _by_conflicts(self) -> None:
        one, other = self.stated.conflicts.T
        both = (self.state[one] == _IN) & (self.state[other] == _IN)
        if both.any():
            a, b = self.stated.conflicts[both.argmax()].tolist()
            raise InvalidProblem(
                f"candidates {a} and {b} conflict, and the other constraints include both"
            )
        for taken, left in ((one, other), (other, one)):
            out = np.zeros(self.n, np.bool_)
            out[left[self.state[taken] == _IN]] = True
            self._fix(out, _OUT)

    def _by_quota(self, quota: Quota) -> _Limits:
        size, codes = len(quota.groups), quota.codes
        inside = np.bincount(codes[self.state == _IN], minlength=size)
        possible = np.bincount(codes[self.state != _OUT], minlength=size)
        _require_groups(quota, inside, possible)
        lower, upper = np.maximum(quota.lower, inside), np.minimum(quota.upper, possible)
        least, most = int(lower.sum()), int(upper.sum())
        if least > self.high:
            numbers = listed(quota.groups, lower)
            what = "quotas ask" if (inside <= quota.lower).all() else "quotas and include ask"
            raise InvalidProblem(f"{what} for at least {least} of k = {self.high}: {numbers}")
        if most < self.low:
            numbers = listed(quota.groups, upper)
            raise InvalidProblem(
                f"quotas allow at most {most} of k = {self.low}: {numbers or 'none'}"
            )
        # What the others cannot take, and what they leave.
        least_here, most_here = self.low - (most - upper), self.high - (least - lower)
        lower, upper = np.maximum(lower, least_here), np.minimum(upper, most_here)
        self._fix((lower == possible)[codes], _IN)
        self._fix((upper == inside)[codes], _OUT)
        return _Limits(lower, upper)

    def _by_budget(self, costs: Costs) -> None:
        chosen = self.state == _IN
        spent = int(costs.units[chosen].sum()) if chosen.any() else 0
        left = costs.limit - spent
        free = np.flatnonzero(self.state == _FREE)
        needed = max(0, self.low - int(np.count_nonzero(chosen)))
        least = spent + sum(sorted(costs.units[free].tolist())[:needed])
        if least > costs.limit:
            what = "include costs" if not needed else f"the {self.low} cheapest candidates cost"
            raise InvalidProblem(
                f"{what} {_plain(least * costs.unit)}, above the budget {self.stated.budget!r}"
            )
        dear = np.zeros(self.n, np.bool_)
        dear[free] = costs.units[free] > left
        self._fix(dear, _OUT)


def _plain(number: Fraction) -> str:
    return repr(number.numerator if number.denominator == 1 else float(number))


def _require_groups(quota: Quota, inside: NDArray[np.int64], possible: NDArray[np.int64]) -> None:
    many, few = inside > quota.upper, possible < quota.lower
    if many.any():
        g = int(many.argmax())
        raise InvalidProblem(
            f"include holds {inside[g]} of {quota.groups[g]!r}; its quota is at most "
            f"{quota.upper[g]}"
        )
    if few.any():
        g = int(few.argmax())
        raise InvalidProblem(
            f"a quota asks for at least {quota.lower[g]} of {quota.groups[g]!r}, of which the "
            f"other constraints leave {possible[g]}"
        )


def _rows(quotas: Sequence[Quota], limits: list[_Limits], n: int) -> QuotaRows | None:
    """Return the rows that can be broken."""
    members, lower, upper, names = [], [], [], []
    for number, (quota, limit) in enumerate(zip(quotas, limits, strict=True)):
        order = np.argsort(quota.codes, kind="stable")
        ends = np.cumsum(np.bincount(quota.codes, minlength=len(quota.groups)))
        for g, part in enumerate(np.split(order, ends[:-1])):
            if quota.lower[g] > 0 or quota.upper[g] < len(part):
                members.append(part)
                lower.append(limit.lower[g])
                upper.append(limit.upper[g])
                names.append(f"quota{number}_{g}")
    if not members:
        return None
    starts = np.concatenate([[0], np.cumsum([len(part) for part in members])])
    return QuotaRows(
        n,
        starts.astype(np.int64),
        np.concatenate(members).astype(np.int64),
        np.array(lower, np.int64),
        np.array(upper, np.int64),
        tuple(names),
    )
