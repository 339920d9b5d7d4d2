"""Constraints on very many rows, and what they are on the few of a pool."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import count
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt._registry import require_options
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.formats._constraint_documents import stated_options
from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.formats._constraint_words import (
    COMMAND_LINE,
    PROPORTIONAL,
    ConstraintReading,
    GroupCount,
    NamedRows,
    Pairs,
    Wording,
    cost_numbers,
    is_file,
    require_compatible,
    require_shared_groups,
)
from subsetopt.problems import Constraints, Quota
from subsetopt.problems._labels import proportional_shares

from ._asked_rows import (
    EXCLUDED,
    INCLUDED,
    AskedOfRows,
    Grouping,
    NamedAmongAll,
    SeenGroups,
    ranks_within,
)
from ._row_sources import Source
from ._surveying import Survey

_SHARE = 2  # of the pool one part may be held for the sake of groups


class Rules(Protocol):
    """Constraints on all rows."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of labels and costs."""

    def asked(self, source: Source) -> AskedOfRows:
        """Return what is to be known of each row."""

    def of_pool(self, seen: Survey, rows: NDArray[np.int64]) -> Constraints:
        """Return the constraints on some of the rows that are held."""

    def counts(self, seen: Survey, rows: NDArray[np.int64]) -> dict[str, dict[str, int]]:
        """Return how many of some rows each group has, by columns; nothing where they have none."""


def rules_of(given: Any, k: int) -> Rules | None:
    """Return the constraints that are given as `coreset` takes them; None where there are none.

    Raises
    ------
    InvalidOption
        For what is none.
    """
    if given is None:
        return None
    if isinstance(given, Constraints):
        return None if given == Constraints() else StatedRules(given, k)
    wording = COMMAND_LINE
    if isinstance(given, Mapping):
        words = [field.name for field in fields(ConstraintOptions)]
        require_options("constraints", given, words)
        given, wording = stated_options(given), Wording()
    if not isinstance(given, ConstraintOptions):
        raise InvalidOption(
            "constraints must be Constraints, or a mapping such as {'at_least': {'region': 20}}; "
            f"got {type(given).__name__}"
        )
    return None if given == type(given)() else WordedRules(given, k, wording)


@dataclass(frozen=True, eq=False)
class StatedRules:
    """`Constraints` on all n rows by their numbers.

    Parameters
    ----------
    rules : Constraints
    k : int
    """

    rules: Constraints
    k: int
    columns: tuple[str, ...] = ()

    def asked(self, source: Source) -> AskedOfRows:
        """Return what is to be known of each row; groups go by their numbers."""
        rules, groupings = self.rules, []
        for number, quota in enumerate(rules.quotas):
            limits = _limits_of(quota)
            codes = {group: str(code) for code, group in enumerate(quota.groups)}
            given = {
                word: {codes[group]: m for group, m in named.items()}
                for word, named in limits.items()
            }
            name = f"quotas[{number}]"
            groupings.append(Grouping(name, tuple(given.items()), self.k, quota.codes))
        include, exclude = (
            NamedAmongAll(word, rows) if len(rows) else None
            for word, rows in (("include", rules.include), ("exclude", rules.exclude))
        )
        return AskedOfRows(tuple(groupings), include, exclude)

    def of_pool(self, seen: Survey, rows: NDArray[np.int64]) -> Constraints:
        """Return the constraints on some of the rows that are held."""
        rules, numbers = self.rules, seen.rows[rows]
        lengths = [quota.n for quota in rules.quotas]
        lengths += [] if rules.costs is None else [len(rules.costs)]
        odd = next((length for length in lengths if length != seen.n), None)
        if odd is not None:
            raise InvalidProblem(
                f"constraints must have labels and costs of all {seen.n} rows; got {odd}"
            )
        quotas = []
        for quota in rules.quotas:
            labels = np.array([*quota.groups, None], np.object_)[quota.codes[numbers]]
            sizes = dict(zip(quota.groups, np.bincount(quota.codes).tolist(), strict=True))
            limits = {
                word: _there(word, named, labels.tolist(), sizes)
                for word, named in _limits_of(quota).items()
            }
            if any(limits.values()):
                quotas.append(Quota(labels, **limits))
        pairs = np.isin(rules.conflicts, numbers).all(axis=1)
        return Constraints(
            include=np.flatnonzero(np.isin(numbers, rules.include)),
            quotas=quotas,
            costs=None if rules.costs is None else rules.costs[numbers],
            budget=rules.budget,
            conflicts=np.searchsorted(numbers, rules.conflicts[pairs]),
        )

    def counts(self, seen: Survey, rows: NDArray[np.int64]) -> dict[str, dict[str, int]]:
        """Return nothing: labels have no names."""
        return {}


def _limits_of(quota: Quota) -> dict[str, dict[Any, int]]:
    """Return the limits of groups that have some, by the words of a quota."""
    sizes = np.bincount(quota.codes, minlength=len(quota.groups))
    bounds = list(zip(quota.groups, quota.lower.tolist(), quota.upper.tolist(), strict=True))
    free = dict(zip(quota.groups, sizes.tolist(), strict=True))
    limits = {
        "at_least": {group: low for group, low, _ in bounds if low},
        "at_most": {group: high for group, _, high in bounds if high < free[group]},
    }
    return {word: named for word, named in limits.items() if named}


def _there(
    word: str, numbers: Mapping[Any, int], labels: Sequence[Any], sizes: Mapping[Any, int]
) -> dict[Any, int]:
    """Return the numbers of the groups that are in the pool, or are none at all.

    Raises
    ------
    InvalidProblem
        Where the pool lacks what a quota asks for.
    """
    counts, kept = Counter(labels), {}
    for group, number in numbers.items():
        if word != "at_most" and counts[group] < number and group in sizes:
            remedy = "ask for less" if counts[group] == sizes[group] else "give a larger pool"
            raise InvalidProblem(
                f"quotas ask for {number} rows of {group!r}; {sizes[group]} of all rows and "
                f"{counts[group]} candidates are such, excluded ones left out; {remedy}"
            )
        if counts[group] or group not in sizes:
            kept[group] = number
    return kept


@dataclass(frozen=True, eq=False)
class WordedRules:
    """Constraints in words, by columns and names.

    Parameters
    ----------
    options : ConstraintOptions
    k : int
    wording : Wording
    """

    options: ConstraintOptions
    k: int
    wording: Wording

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of labels and costs."""
        return tuple(self.options.labels)

    def asked(self, source: Source) -> AskedOfRows:
        """Return what is to be known of each row."""
        reading = ConstraintReading(NamedRows(0, source.name), self.wording)
        quotas: dict[str, list[tuple[str, Any]]] = {}
        for word, (labels, number) in self.options.quotas:
            proportional = word == "exactly" and number == PROPORTIONAL
            number = number if proportional else reading.number(word, number)
            quotas.setdefault(labels, []).append((word, number))
        groupings = (
            Grouping(name, given, self.k, self._of_file(name, source))
            for name, given in quotas.items()
        )
        return AskedOfRows(
            tuple(groupings), self._named("include"), self._named("exclude"), self._costs(source)
        )

    def _named(self, word: str) -> NamedAmongAll | None:
        given = getattr(self.options, word)
        if given is None:
            return None
        header, names = self.wording.names(given)
        return NamedAmongAll(self.wording.spelled(word), tuple(names), header)

    def _costs(self, source: Source) -> Any:
        cost = self.options.cost
        if cost is None or not is_file(cost):
            return cost
        texts = self._of_file(cost, source)
        return None if texts is None else np.array(cost_numbers(cost, texts))

    def _of_file(self, name: str, source: Source) -> NDArray[Any] | None:
        if not is_file(name):
            return None
        if source.n is None:
            raise InvalidOption(
                f"{name} cannot be matched with {source.name}, whose rows are not counted before "
                "they are read; name a column of it"
            )
        rows = NamedRows(source.n, source.name, ())
        texts = ConstraintReading(rows, self.wording).column("labels", name)
        return np.array(texts, np.object_)

    def of_pool(self, seen: Survey, rows: NDArray[np.int64]) -> Constraints:
        """Return the constraints on some of the rows that are held."""
        named = seen.rows[rows] if seen.ids is None else seen.ids[rows]
        pool = NamedRows(len(rows), "the pool", [str(name) for name in named.tolist()])
        labels = {
            group.grouping.name: np.array(group.groups, np.object_)[seen.codes[rows, at]].tolist()
            for at, group in enumerate(seen.groups)
        }
        reading = _PoolReading(pool, self.wording, labels)
        quotas = []
        for group in seen.groups:
            of = group.grouping.name
            sizes = dict(zip(group.groups, group.counts.tolist(), strict=True))
            for word, number in group.grouping.quotas:
                wanted = _by_group(group, number, self.k)
                kept = _there(word, wanted, labels[of], sizes)
                one = GroupCount(of, kept)
                quotas.append((self.wording.spelled(word), one, reading.quota(word, one, self.k)))
        require_compatible(quotas)
        pairs = (
            () if self.options.conflicts is None else reading.known_pairs(self.options.conflicts)
        )
        return Constraints(
            include=np.flatnonzero(seen.flags[rows] & INCLUDED),
            quotas=[quota for *_, quota in quotas],
            costs=None if self.options.cost is None else seen.costs[rows],
            budget=self.options.budget,
            conflicts=pairs,
        )

    def counts(self, seen: Survey, rows: NDArray[np.int64]) -> dict[str, dict[str, int]]:
        """Return how many of some rows each group has, by columns."""
        return {
            group.grouping.name: {
                name: int((seen.codes[rows, at] == code).sum())
                for name, code in sorted(zip(group.groups, count(), strict=False))
            }
            for at, group in enumerate(seen.groups)
        }


def _least(group: SeenGroups, k: int) -> NDArray[np.int64]:
    """Return how many of each group are to be chosen, at least."""
    least = np.zeros(len(group.groups), np.int64)
    for word, number in group.grouping.quotas:
        if word != "at_most":
            named = _by_group(group, number, k)
            least = np.maximum(least, [named.get(one, 0) for one in group.groups])
    return least


def _by_group(group: SeenGroups, number: Any, k: int) -> Mapping[str, int]:
    if number == PROPORTIONAL:
        return _shared(group, k)
    if isinstance(number, Mapping):
        return number
    return dict.fromkeys(group.groups, int(number))


def _shared(group: SeenGroups, k: int) -> dict[str, int]:
    """Return how many of k each group has in proportion to all rows; of equals by their names."""
    n = int(group.counts.sum())
    require_shared_groups(group.grouping.name, group.groups, n, k)
    order = np.argsort(group.groups)
    shares = proportional_shares(group.counts[order], k)
    return {
        group.groups[at]: share for at, share in zip(order.tolist(), shares.tolist(), strict=True)
    }


@dataclass(frozen=True)
class _PoolReading(ConstraintReading):
    """Reads what words say of the rows of a pool, whose labels are known."""

    labels: Mapping[str, list[str]]

    def column(self, word: str, name: str) -> list[str]:
        """Return the labels."""
        return self.labels[name]

    def known_pairs(self, given: Pairs) -> list[list[int]]:
        """Return the pairs of rows that are both in the pool."""
        at = self.rows.positions
        pairs = self.named_pairs(given)
        return [[at[one], at[other]] for one, other in pairs if one in at and other in at]


def candidates_of(
    seen: Survey, uniform: NDArray[np.int64], total: int, k: int
) -> NDArray[np.int64]:
    """Return which of the rows that are held are candidates, ascending.

    Parameters
    ----------
    seen : Survey
    uniform : ndarray of int64
        A uniform sample, in the order in which they are taken.
    total : int
        Candidates.

    Notes
    -----
    First come the rows to be included, then of each group as many as its quotas ask for, then
    further ones of each up to half of all, then the uniform sample.
    """
    allowed = (seen.flags & EXCLUDED) == 0
    rank = np.where(seen.flags & INCLUDED, 0.0, np.inf)
    for at, group in enumerate(seen.groups):
        codes = seen.codes[:, at]
        ranks = ranks_within(np.where(allowed, codes, len(group.groups)), seen.keys)
        needs = group.grouping.needs(group.groups)[codes]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(ranks < needs, ranks / needs, np.inf)
        share[ranks < _least(group, k)[codes]] = 0.0
        rank = np.minimum(rank, share)
    rank[~allowed] = np.inf
    wanted = np.argsort(rank, kind="stable")[: int(np.isfinite(rank).sum())]
    first = wanted[: max(total // _SHARE, int((rank == 0.0).sum()))]
    rest = uniform[allowed[uniform] & ~np.isin(uniform, first)]
    return np.sort(np.concatenate([first, rest[: max(0, total - len(first))]]))
