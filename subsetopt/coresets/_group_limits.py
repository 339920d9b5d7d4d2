"""Quotas of groups, over all rows and over those in a pool."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem
from subsetopt.formats._constraint_words import (
    PROPORTIONAL,
    require_shared_groups,
)
from subsetopt.problems import Quota
from subsetopt.problems._labels import proportional_shares

from ._asked_rows import (
    SeenGroups,
)


def limits_of(quota: Quota) -> dict[str, dict[Any, int]]:
    """Return the limits of groups that have some, by the words of a quota."""
    sizes = np.bincount(quota.codes, minlength=len(quota.groups))
    bounds = list(zip(quota.groups, quota.lower.tolist(), quota.upper.tolist(), strict=True))
    free = dict(zip(quota.groups, sizes.tolist(), strict=True))
    limits = {
        "at_least": {group: low for group, low, _ in bounds if low},
        "at_most": {group: high for group, _, high in bounds if high < free[group]},
    }
    return {word: named for word, named in limits.items() if named}


def limits_there(
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


def least_of(group: SeenGroups, k: int) -> NDArray[np.int64]:
    """Return how many of each group are to be chosen, at least."""
    least = np.zeros(len(group.groups), np.int64)
    for word, number in group.grouping.quotas:
        if word != "at_most":
            named = numbers_by_group(group, number, k)
            least = np.maximum(least, [named.get(one, 0) for one in group.groups])
    return least


def numbers_by_group(group: SeenGroups, number: Any, k: int) -> Mapping[str, int]:
    """Return how many of each group a quota asks for."""
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
