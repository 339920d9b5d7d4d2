"""Constraints on the rows of a table that is held: its ids and its columns in their words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.formats._constraint_words import GroupCount, NamedRows

from ._row_table import RowTable, texts_of
from ._table_columns import TableColumn

GroupCounts = Mapping[str, int | str | Mapping[str, int]]
"""Columns, and for each how many rows of every group, or by group; or "proportional"."""


def worded(
    include: Sequence[object],
    exclude: Sequence[object],
    exactly: GroupCounts | None,
    at_least: GroupCounts | None,
    at_most: GroupCounts | None,
) -> ConstraintOptions:
    """Return what Python says in the words of the command line."""
    counts = {"exactly": exactly, "at_least": at_least, "at_most": at_most}
    quotas = {
        word: tuple(GroupCount(column, count) for column, count in (one or {}).items())
        for word, one in counts.items()
    }
    rows = {"include": include, "exclude": exclude}
    named = {word: tuple(map(str, one)) or None for word, one in rows.items()}
    return ConstraintOptions(**named, **quotas)  # type: ignore[arg-type]


def rows_of(table: RowTable, ids: NDArray[Any] | None, costs: TableColumn | None) -> NamedRows:
    """Return the rows by which constraints are read; `costs` is the column that holds them."""
    names = None if ids is None else ids.tolist()
    return NamedRows(len(table), table.name, names, _Texts(table, costs))


class _Texts(Mapping[str, Sequence[str]]):
    """The columns of a table as texts, made when they are asked for; costs as numbers are read."""

    def __init__(self, table: RowTable, costs: TableColumn | None) -> None:
        self._table, self._costs = table, costs

    def __getitem__(self, name: str) -> list[str]:
        if name not in self._table.columns:
            raise KeyError(name)
        if self._costs is not None and self._costs.name == name and self._costs.numbers is not None:
            return [repr(number) for number in self._costs.numbers.tolist()]
        texts: list[str] = texts_of(self._table, name).tolist()
        return texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.columns)

    def __len__(self) -> int:
        return len(self._table.columns)

    def __contains__(self, name: object) -> bool:
        return name in self._table.columns
