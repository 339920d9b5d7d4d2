"""Constraints in documents, such as suites in YAML, by the words of the command line."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from subsetopt._checks import is_integer, require
from subsetopt._options import check_values

from ._constraint_options import ConstraintAndStartOptions
from ._constraint_words import GroupCount, Pairs, Rows

WORDS = tuple(one.name for one in fields(ConstraintAndStartOptions))


def stated_options(words: Mapping[str, Any]) -> ConstraintAndStartOptions:
    """Return what a document states by the words of the command line, `WORDS`.

    Values are texts as there; lists of rows, pairs or quotas; quotas also as a mapping from labels
    to numbers, or to mappings from groups to numbers.

    Raises
    ------
    InvalidOption
        For a value of another kind, and a cost without a budget.
    """
    made = {word: _TAKEN.get(word, _as_it_is)(word, value) for word, value in words.items()}
    check_values(ConstraintAndStartOptions, made)
    return ConstraintAndStartOptions(**made)


def _as_it_is(word: str, value: Any) -> Any:
    return value


def _rows(word: str, value: Any) -> Rows:
    listed = value if isinstance(value, list) else [value]
    good = all(isinstance(one, str) or is_integer(one) for one in listed)
    require(word, value, good, "ids or indices of rows, alone or in a list, or a file")
    return value if isinstance(value, str) else tuple(map(str, listed))


def _pairs(word: str, value: Any) -> Pairs:
    if isinstance(value, str):
        return value
    good = isinstance(value, list) and all(isinstance(one, list) for one in value)
    good = good and all(len(one) == 2 and not isinstance(_rows(word, one), str) for one in value)
    require(word, value, good, "a file, or a list of pairs of rows")
    return tuple((str(one), str(other)) for one, other in value)


def _quotas(word: str, value: Any) -> tuple[GroupCount, ...]:
    found: list[GroupCount] = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping):
            found += [_group_count(word, str(labels), number) for labels, number in one.items()]
        else:
            wanted = "LABELS=N, a mapping from LABELS to N, or a list of such"
            require(word, one, isinstance(one, str), wanted)
            found.append(GroupCount.parsed(word, one))
    return tuple(found)


def _group_count(word: str, labels: str, number: Any) -> GroupCount:
    if isinstance(number, Mapping):
        for group, count in number.items():
            require(f"{word} of {labels}, {group}", count, is_integer(count), "an integer")
        return GroupCount(labels, {str(group): int(count) for group, count in number.items()})
    good = isinstance(number, str) or is_integer(number)
    require(
        f"{word} of {labels}",
        number,
        good,
        "an integer, a .csv file of groups and integers, or a mapping of such",
    )
    return GroupCount(labels, number)


_TAKEN: Mapping[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("include", "exclude", "start"), _rows),
    **dict.fromkeys(("exactly", "at_least", "at_most"), _quotas),
    "conflicts": _pairs,
}
