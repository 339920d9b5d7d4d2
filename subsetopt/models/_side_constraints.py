"""Compiled constraints of a selection: sparse rows, without labels.

`problem.side` is a `SideConstraints` over the candidates of the problem, `form.side` one over the
rows of its quadratic form; None where there are none. A solver never meets `include` or `exclude`:
what they fix is taken out before, see `subsetopt.problems._reduction`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONSTRAINT_KINDS", "BudgetRow", "QuotaRows", "SideConstraints"]

CONSTRAINT_KINDS = ("quotas", "overlapping-quotas", "budget", "conflicts")
"""The kinds of constraints that a solver may take, as `Solver.takes` declares them.

"quotas" are those of which every candidate counts for one at most, "overlapping-quotas" all others.
"""

_NATURAL_BITS = 20  # of costs in floating point, whose rows are kept to some 1e-6


class ModelRow(NamedTuple):
    """A row of a linear model over the selectors."""

    name: str
    columns: NDArray[np.int64]
    coefficients: NDArray[np.float64]
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class QuotaRows:
    """How many of some candidates are chosen: row r counts ``members[starts[r]:starts[r+1]]``.

    Parameters
    ----------
    n : int
        The number of candidates.
    starts : ndarray of int64 (rows + 1,)
    members : ndarray of int64 (entries,)
        The candidates of each row, ascending; every row has some.
    lower, upper : ndarray of int64 (rows,)
        0 <= lower <= upper <= the number of members.
    names : tuple of str
        Of the rows, for models and files.
    """

    n: int
    starts: NDArray[np.int64]
    members: NDArray[np.int64]
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.lower)

    def row(self, r: int) -> NDArray[np.int64]:
        """Return the members of row r."""
        return self.members[self.starts[r] : self.starts[r + 1]]

    @cached_property
    def row_of_entry(self) -> NDArray[np.int64]:
        """The row of each entry of `members`."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @cached_property
    def disjoint(self) -> bool:
        """Whether every candidate is in one row at most."""
        return len(np.unique(self.members)) == len(self.members)

    @cached_property
    def by_item(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """``(starts, rows)``: candidate i is in ``rows[starts[i]:starts[i+1]]``, ascending."""
        order = np.argsort(self.members, kind="stable")
        starts = np.searchsorted(self.members[order], np.arange(self.n + 1))
        return starts.astype(np.int64), self.row_of_entry[order]

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """The finest partition (n,): candidates of one cell, 0.., are in the same rows.

        An exchange of two candidates of one cell changes no count.
        """
        cells = np.zeros(self.n, np.int64)
        for r in range(len(self)):
            cells *= 2
            cells[self.row(r)] += 1
            cells = np.unique(cells, return_inverse=True)[1].reshape(-1).astype(np.int64)
        return cells

    def groups(self, low: int, high: int) -> "Groups":
        """Return the groups of disjoint rows; those in none are a last group without limits."""
        assert self.disjoint
        group = np.full(self.n, len(self), np.int64)
        group[self.members] = self.row_of_entry
        rest = int(np.count_nonzero(group == len(self)))
        lower, upper = self.lower, self.upper
        if rest:
            lower, upper = np.append(lower, 0), np.append(upper, min(rest, high))
        return Groups(group, lower, upper, low, high)

    def counts(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of the chosen each row counts; O(entries)."""
        mask = np.zeros(self.n, np.int64)
        mask[chosen] = 1
        return np.add.reduceat(mask[self.members], self.starts[:-1])

    def restricted(self, free: NDArray[np.int64], taken: NDArray[np.int64]) -> "QuotaRows | None":
        """Return the rows over the free, numbered from 0, with the taken counted; None if empty."""
        position = np.full(self.n, -1, np.int64)
        position[free] = np.arange(len(free))
        places = position[self.members]
        kept = places >= 0
        sizes = np.bincount(self.row_of_entry[kept], minlength=len(self))
        there = self.counts(taken) if len(taken) else np.zeros(len(self), np.int64)
        lower, upper = np.maximum(self.lower - there, 0), np.minimum(self.upper - there, sizes)
        rows = np.flatnonzero((sizes > 0) & ((lower > 0) | (upper < sizes)))
        if not len(rows):
            return None
        entries = kept & np.isin(self.row_of_entry, rows)
        starts = np.concatenate([[0], np.cumsum(sizes[rows])]).astype(np.int64)
        names = tuple(self.names[r] for r in rows.tolist())
        members = places[entries]
        return QuotaRows(len(free), starts, members, lower[rows], upper[rows], names)


@dataclass(frozen=True, eq=False)
class Groups:
    """A partition with limits: ``lower[g] <= number chosen of group g <= upper[g]``.

    Parameters
    ----------
    group : ndarray of int64 (n,)
        The group of each candidate, from 0.
    lower, upper : ndarray of int64 (groups,)
    low, high : int
        How many are chosen in all.
    """

    group: NDArray[np.int64]
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    low: int
    high: int

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The number of candidates of each group."""
        return np.bincount(self.group, minlength=len(self.lower))

    def first(self, order: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Return the `count` candidates that come first in an order, as far as limits let them.

        Of each group as many of the first as it needs, then the first of the rest. Where the order
        is that of ascending scores, their sum is least: selections are the bases of a matroid.
        O(n log n).
        """
        group, rank = self.group[order], np.empty(len(order), np.int64)
        by_group = np.argsort(group, kind="stable")
        begins = np.cumsum(self.sizes) - self.sizes
        rank[by_group] = np.arange(len(order)) - begins[group[by_group]]
        needed = rank < self.lower[group]
        rest = order[~needed & (rank < self.upper[group])]
        return np.concatenate([order[needed], rest[: count - int(np.count_nonzero(needed))]])


@dataclass(frozen=True, eq=False)
class BudgetRow:
    """What the chosen may cost, in whole units.

    Parameters
    ----------
    costs : ndarray of int64 (n,)
        Rounded down where they are too fine for 60 bits; their sum over all is below 2**60.
    limit : int
        No selection within the budget costs more than this: for models and bounds.
    safe_limit : int
        Whatever costs no more than this is within the budget: for moves. It is `limit` unless
        costs were rounded.
    units : ndarray of object (n,) or None
        The costs without rounding, as Python's integers; None where `costs` are these.
    units_limit : int
        The budget in those.
    """

    costs: NDArray[np.int64]
    limit: int
    safe_limit: int
    units: NDArray[Any] | None = None
    units_limit: int = 0

    @property
    def exact(self) -> bool:
        """Whether nothing was rounded."""
        return self.limit == self.safe_limit

    def allows(self, chosen: NDArray[np.int64]) -> bool:
        """Return whether a selection is within the budget, without rounding."""
        spent = int(self.costs[chosen].sum())
        if self.units is None or spent <= self.safe_limit:
            return spent <= self.safe_limit
        return spent <= self.limit and sum(self.units[chosen].tolist()) <= self.units_limit

    def restricted(self, free: NDArray[np.int64], taken: NDArray[np.int64]) -> "BudgetRow":
        """Return what is left for the free, numbered from 0, where the taken are chosen."""
        spent = int(self.costs[taken].sum())
        rest = BudgetRow(self.costs[free], self.limit - spent, self.safe_limit - spent)
        if self.units is None:
            return rest
        left = self.units_limit - sum(self.units[taken].tolist())
        return replace(rest, units=self.units[free], units_limit=left)

    def placed(self, rows: NDArray[np.int64], of: NDArray[np.int64], size: int) -> "BudgetRow":
        """Return it over rows of which those listed are the candidates `of`, the others free."""
        costs = np.zeros(size, np.int64)
        costs[rows] = self.costs[of]
        if self.units is None:
            return replace(self, costs=costs)
        units = np.zeros(size, np.object_)
        units[rows] = self.units[of]
        return replace(self, costs=costs, units=units)

    def model_row(self) -> ModelRow:
        """Return the row for solvers in floating point, in natural magnitudes.

        Rounded down, so that it holds for whatever is within the budget.
        """
        costs, limit = self.costs, self.limit
        largest = int(costs.max(initial=0)).bit_length()
        spare = max(0, largest - 52)  # bits that float64 has no room for
        costs, limit = costs >> spare, limit >> spare
        power = -max(0, largest - spare - _NATURAL_BITS)
        columns = np.flatnonzero(costs)
        coefficients = np.ldexp(costs[columns].astype(np.float64), power)
        upper = float(np.ldexp(float(limit), power))
        if limit >= 2**53:  # which may have been rounded down
            upper = float(np.nextafter(upper, np.inf))
        return ModelRow("budget", columns, coefficients, -np.inf, upper)


def side_of(problem: Any) -> "SideConstraints | None":
    """Return the constraints of a problem but its count; None for problems that state none."""
    side: SideConstraints | None = getattr(problem, "side", None)
    return side


_NO_INDICES = np.empty(0, np.int64)
_NO_PAIRS = np.empty((0, 2), np.int64)


@dataclass(frozen=True, eq=False)
class SideConstraints:
    """All constraints of a problem but its count, over candidates 0..n-1.

    Parameters
    ----------
    n : int
    low, high : int
        How many are chosen in all.
    quotas : QuotaRows or None
    budget : BudgetRow or None
    conflicts : ndarray of int64 (pairs, 2)
        Candidates that may not be chosen together, each pair ascending.
    include, exclude : ndarray of int64
        What is fixed, implied ones too; empty in all that solvers see.
    """

    n: int
    low: int
    high: int
    quotas: QuotaRows | None = None
    budget: BudgetRow | None = None
    conflicts: NDArray[np.int64] = field(default_factory=lambda: _NO_PAIRS)
    include: NDArray[np.int64] = field(default_factory=lambda: _NO_INDICES)
    exclude: NDArray[np.int64] = field(default_factory=lambda: _NO_INDICES)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of constraints there are, of `CONSTRAINT_KINDS`."""
        kinds = set()
        if self.quotas is not None:
            kinds.add("quotas" if self.quotas.disjoint else "overlapping-quotas")
        if self.budget is not None:
            kinds.add("budget")
        if len(self.conflicts):
            kinds.add("conflicts")
        return frozenset(kinds)

    @property
    def decided_by_counting(self) -> bool:
        """Whether counts, which were checked, say that some selection is feasible."""
        return self.kinds <= {"quotas"}

    @cached_property
    def groups(self) -> Groups:
        """The partition that disjoint quotas make; one group without limits where there are none.

        Raises AssertionError for overlapping quotas: see `QuotaRows.cells`.
        """
        if self.quotas is None:
            one = np.zeros(self.n, np.int64)
            return Groups(one, np.array([0]), np.array([self.n]), self.low, self.high)
        return self.quotas.groups(self.low, self.high)

    def keeps(self, chosen: NDArray[np.int64]) -> bool:
        """Return whether a selection of the right count keeps all; O(n + entries + pairs)."""
        mask = np.zeros(self.n, np.bool_)
        mask[chosen] = True
        if not mask[self.include].all() or mask[self.exclude].any():
            return False
        if self.quotas is not None:
            counts = self.quotas.counts(chosen)
            if (counts < self.quotas.lower).any() or (counts > self.quotas.upper).any():
                return False
        if self.budget is not None and not self.budget.allows(chosen):
            return False
        return not (mask[self.conflicts[:, 0]] & mask[self.conflicts[:, 1]]).any()

    def model_rows(self) -> Iterator[ModelRow]:
        """Yield the rows of a linear model; those that are fixed are bounds of variables there."""
        quotas = self.quotas
        if quotas is not None:
            for r, name in enumerate(quotas.names):
                members = quotas.row(r)
                limits = float(quotas.lower[r]), float(quotas.upper[r])
                yield ModelRow(name, members, np.ones(len(members)), *limits)
        if self.budget is not None:
            yield self.budget.model_row()
        for number, pair in enumerate(self.conflicts):
            yield ModelRow(f"conflict{number}", pair, np.ones(2), -np.inf, 1.0)

    def restricted(
        self, free: NDArray[np.int64], taken: NDArray[np.int64]
    ) -> "SideConstraints | None":
        """Return what is left where the taken are chosen and all others but the free are not.

        Over the free, numbered from 0; None if nothing is left but the count.
        """
        budget, count = self.budget, len(taken)
        if budget is not None:
            rest = budget.restricted(free, taken)
            most = int(np.sort(rest.costs)[::-1][: self.high - count].sum())
            budget = None if most <= rest.safe_limit else rest
        position = np.full(self.n, -1, np.int64)
        position[free] = np.arange(len(free))
        pairs = position[self.conflicts]
        left = SideConstraints(
            n=len(free),
            low=max(0, self.low - count),
            high=self.high - count,
            quotas=None if self.quotas is None else self.quotas.restricted(free, taken),
            budget=budget,
            conflicts=np.sort(pairs[(pairs >= 0).all(axis=1)], axis=1),
        )
        return left if left.kinds else None

    def placed(self, positions: NDArray[np.int64] | None, k: int) -> "SideConstraints":
        """Return the same over the rows of a form, of which k are chosen.

        Parameters
        ----------
        positions : ndarray of int64 (rows,) or None
            As `QuadraticForm` has it: rows at -1 are in no constraint.
        k : int
        """
        if positions is None:
            return self if self.low == self.high == k else replace(self, low=k, high=k)
        rows = np.flatnonzero(positions >= 0)
        place = np.full(self.n, -1, np.int64)
        place[positions[rows]] = rows
        size, quotas, budget = len(positions), self.quotas, self.budget
        if quotas is not None:  # of which some members may be no candidates
            quotas = quotas.restricted(positions[rows], _NO_INDICES)
        if quotas is not None:
            quotas = replace(quotas, n=size, members=rows[quotas.members])
        if budget is not None:
            budget = budget.placed(rows, positions[rows], size)
        exclude = place[self.exclude]
        return SideConstraints(
            size,
            k,
            k,
            quotas,
            budget,
            place[self.conflicts],
            place[self.include],
            exclude[exclude >= 0],
        )
