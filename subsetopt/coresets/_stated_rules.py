"""`Constraints` on very many rows by their numbers, and what they are on the few of a pool."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem
from subsetopt.problems import Constraints, Quota

from ._asked_rows import (
    AskedOfRows,
    Grouping,
    NamedAmongAll,
)
from ._group_limits import limits_of, limits_there
from ._row_blocks import Source
from ._surveying import Survey


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
            limits = limits_of(quota)
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
                word: limits_there(word, named, labels.tolist(), sizes)
                for word, named in limits_of(quota).items()
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
