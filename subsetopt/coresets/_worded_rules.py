"""Constraints on very many rows in words, and what they are on the few of a pool."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidOption
from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.formats._constraint_words import (
    PROPORTIONAL,
    ConstraintReading,
    GroupCount,
    NamedRows,
    Pairs,
    Wording,
    cost_numbers,
    is_file,
    require_compatible,
)
from subsetopt.problems import Constraints

from ._asked_rows import (
    INCLUDED,
    AskedOfRows,
    Grouping,
    NamedAmongAll,
)
from ._group_limits import limits_there, numbers_by_group
from ._row_blocks import Source
from ._surveying import Survey


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
                wanted = numbers_by_group(group, number, self.k)
                kept = limits_there(word, wanted, labels[of], sizes)
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
