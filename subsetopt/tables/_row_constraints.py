"""Constraints in the words of a table: rows by their ids, quotas by the names of columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from subsetopt._registry import nearest
from subsetopt.errors import InvalidOption
from subsetopt.problems import Constraints, Quota

from ._row_table import RowTable
from ._table_columns import texts_of

PROPORTIONAL = "proportional"
GroupCounts = Mapping[str, int | str | Mapping[str, int]]
"""Columns, and for each how many rows of every group, or by group; or "proportional"."""


def constraints_of(
    table: RowTable,
    ids: NDArray[Any] | None,
    k: int,
    *,
    include: Sequence[object] = (),
    exclude: Sequence[object] = (),
    exactly: GroupCounts | None = None,
    at_least: GroupCounts | None = None,
    at_most: GroupCounts | None = None,
) -> Constraints | None:
    """Return what is asked for; None where that is nothing.

    Raises
    ------
    InvalidOption
        Naming a row or a column that is not there.
    InvalidProblem
        For numbers that cannot be.
    """
    quotas = [
        _quota(table, word, column, count, k)
        for word, counts in (("exactly", exactly), ("at_least", at_least), ("at_most", at_most))
        for column, count in (counts or {}).items()
    ]
    if not (quotas or include or exclude):
        return None
    named = _Rows(table, ids)
    return Constraints(
        include=[named.index("include", one) for one in include],
        exclude=[named.index("exclude", one) for one in exclude],
        quotas=quotas,
    )


def _quota(
    table: RowTable, word: str, column: str, count: int | str | Mapping[str, int], k: int
) -> Quota:
    if column not in table.columns:
        listed = ", ".join(map(repr, table.columns))
        raise InvalidOption(
            f"{word} must name a column of {table.name}, which has {listed}; got {column!r}"
            + nearest(column, table.columns)
        )
    labels = texts_of(table, column)
    if isinstance(count, str):
        if word != "exactly" or count != PROPORTIONAL:
            raise InvalidOption(
                f"{word} of {column!r} must be an integer or a mapping of groups to integers"
                + (f", or {PROPORTIONAL!r}" if word == "exactly" else "")
                + f"; got {count!r}"
            )
        return Quota.proportional(labels, k)
    return Quota(labels, **{word: count})


class _Rows:
    """Rows by their ids, else by their indices from 0."""

    def __init__(self, table: RowTable, ids: NDArray[Any] | None) -> None:
        self._table, self._named = table, ids is not None
        names = range(len(table)) if ids is None else ids.tolist()
        self._positions = {str(name): i for i, name in enumerate(names)}

    def index(self, word: str, name: object) -> int:
        """Return where a row stands."""
        found = self._positions.get(str(name))
        if found is None:
            what = "an id of" if self._named else f"an index in [0, {len(self._table) - 1}] of"
            hint = nearest(name, self._positions) if self._named else ""
            raise InvalidOption(f"{word} must name {what} {self._table.name}; got {name!r}{hint}")
        return found
