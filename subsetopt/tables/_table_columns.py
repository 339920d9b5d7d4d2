"""What the columns of a table are: numbers, dates, categories, names of the rows, or other text."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subsetopt._registry import nearest
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats._table_text import MISSING, shortened

from ._column_values import days_of, floats_of, is_plain, is_text, loses_digits
from ._number_texts import as_moments, as_numbers, has_decimal_commas, like_thousands
from ._row_names import is_distinct, is_id, with_id
from ._row_table import RowTable, texts_of

Kind = Literal["number", "date", "category", "id", "repeated", "text", "constant", "empty"]
"""What a column is; the last four are left out. ``repeated`` is called id, but names rows twice."""

MOST_CATEGORIES = 50
"""Different texts up to which a column is one of categories, if each stands for several rows."""
_SEVERAL = 2  # rows for each category, on average
_NEARLY = 0.9  # share of numbers from which on the rest look like mistakes
_CODE = r"^0\d+$"  # 007 and 01067 are names: as numbers they would lose their zeros


@dataclass(frozen=True, eq=False)
class TableColumn:
    """A column and what it is.

    Parameters
    ----------
    name : str
    kind : str
    numbers : ndarray (n,), optional
        Of numbers, and of dates in days since 1970; NaN where there is none.
    labels : ndarray (n,) of str, optional
        Of categories and text; "" where there is none.
    """

    name: str
    kind: Kind
    numbers: NDArray[np.float64] | None = None
    labels: NDArray[Any] | None = None

    @cached_property
    def missing(self) -> int:
        """How many rows have no value."""
        if self.numbers is not None:
            return int(np.isnan(self.numbers).sum())
        return 0 if self.labels is None else int((self.labels == "").sum())

    @cached_property
    def levels(self) -> list[str]:
        """The different labels, sorted, without that for missing."""
        return [] if self.labels is None else sorted(set(self.labels.tolist()) - {""})

    @property
    def cells(self) -> NDArray[Any]:
        """The labels of categories, else the numbers."""
        cells = self.labels if self.kind == "category" else self.numbers
        assert cells is not None
        return cells

    @property
    def is_feature(self) -> bool:
        """Whether rows are compared by it unless the caller says otherwise."""
        return self.kind in ("number", "date", "category")


def columns_of(
    table: RowTable,
    *,
    wanted: Sequence[str] | None = None,
    id: str | None = None,  # noqa: A002 - what it is called everywhere
    categories: Collection[str] = (),
    ignore: Collection[str] = (),
    constant: bool = False,
) -> list[TableColumn]:
    """Tell what the columns of a table are.

    Parameters
    ----------
    table : RowTable
    wanted : sequence of str, optional
        Columns that the caller wants as features: these must be numbers, dates or categories.
    id : str, optional
        The column that names the rows; None finds one that looks like it.
    categories : collection of str
        Columns whose values are labels even if they are numbers.
    ignore : collection of str
        Columns that are neither looked at nor complained about.
    constant : bool
        Whether columns with one value are compared too, as those of a target are.

    Returns
    -------
    list of TableColumn
        Those that are looked at, in the order of the table: with `wanted` these, the id and the
        categories alone. O(n) for each.

    Raises
    ------
    InvalidOption
        Naming a column that is not there or cannot be what it is wanted for.
    InvalidFile
        For a column of numbers with a few cells that are none.
    """
    for name in (*(wanted or ()), *([] if id is None else [id]), *categories, *ignore):
        if name not in table.columns:
            listed = ", ".join(map(repr, table.columns[:8]))
            more = f" and {len(table.columns) - 8} more" if len(table.columns) > 8 else ""
            raise InvalidOption(
                f"{table.name}: there is no column {name!r}; there are {listed}{more}"
                + nearest(name, table.columns)
            )
    asked = set(table.columns if wanted is None else wanted) | set(categories) | {id}
    reader = _Columns(table, frozenset(wanted or ()), frozenset(categories))
    found = [
        _named_by(table, name) if name == id else reader.read(name)
        for name in table.columns
        if name in asked and name not in ignore
    ]
    if id is None and wanted is None and table.ids is None:
        found = with_id(found, table)
    if wanted is None:
        labels = {*categories, id}
        found = [one if one.name in labels else _unless_repeated(one) for one in found]
    if constant:
        found = [_kept_constant(one) for one in found]
    unfit = [one for one in found if one.name in (wanted or ()) and not one.is_feature]
    if unfit:
        raise InvalidOption(f"{table.name}: {_unfit(unfit[0])}")
    return found


def column_of(table: RowTable, name: str) -> TableColumn:
    """Tell what one column of a table is, whatever it is wanted for."""
    return _Columns(table, frozenset(), frozenset()).read(name)


def _named_by(table: RowTable, name: str) -> TableColumn:
    """Return the column that the caller says names the rows."""
    labels = texts_of(table, name)
    places: dict[str, int] = {}
    for row, label in enumerate(labels.tolist()):
        first = places.setdefault(label, row)
        if not label or first != row:
            what = f"{table.row(first)} and {table.row(row)} are both called {label!r}"
            raise InvalidFile(
                f"{table.name}: column {name!r} must have a name of its own for each row; "
                f"{what if label else f'{table.row(row)} has none'}; name another column with id, "
                "or none"
            )
    return TableColumn(name, "id", labels=labels)


def _kept_constant(column: TableColumn) -> TableColumn:
    if column.kind != "constant":
        return column
    return replace(column, kind="category" if column.numbers is None else "number")


def _unless_repeated(column: TableColumn) -> TableColumn:
    """Return a column of numbers or categories that is called id as one that is left out."""
    whole = column.numbers is None or not np.mod(column.numbers, 1).any()
    if column.kind not in ("number", "category") or not is_id(column.name) or not whole:
        return column
    if is_distinct(column):  # one that was named otherwise names the rows
        return column
    return replace(column, kind="repeated")


def _unfit(column: TableColumn) -> str:
    said = f"column {column.name!r} "
    if column.kind == "id":
        return f"{said}names the rows; leave it out of the columns to compare"
    if column.kind == "text":
        return (
            f"{said}holds {len(column.levels):,} different texts, which cannot be compared; leave "
            f"it out, or name it among the categories (at most {MOST_CATEGORIES} are taken without)"
        )
    what = "no value" if column.kind == "empty" else "the same value in all rows"
    return f"{said}has {what}; leave it out of the columns to compare"


@dataclass(frozen=True, eq=False)
class _Columns:
    """Reads columns one by one."""

    table: RowTable
    wanted: frozenset[str]
    categories: frozenset[str]

    def read(self, name: str) -> TableColumn:
        """Return a column and what it is."""
        import pyarrow as pa

        kind = self.table.data.schema.field(name).type
        if name in self.categories:
            return self._of_labels(name, True)
        if pa.types.is_integer(kind) and loses_digits(self.table.data[name]):
            return self._of_labels(name)
        if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return self._of_numbers(name, floats_of(self.table.data[name]), "number")
        if pa.types.is_decimal(kind):
            return self._of_numbers(name, floats_of(self.table.data[name]), "number")
        if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            return self._of_numbers(name, days_of(self.table.data[name]), "date")
        if pa.types.is_duration(kind):
            spans = self.table.data[name].cast(pa.duration("us"), safe=False)
            return self._of_numbers(name, days_of(spans.cast(pa.int64())), "number")
        if is_text(kind):
            return self._of_texts(name)
        if pa.types.is_null(kind):
            return TableColumn(name, "empty")
        if name in self.wanted:
            raise InvalidOption(f"{self.table.name}: column {name!r} holds {kind}, no numbers")
        return TableColumn(name, "text")

    def _of_texts(self, name: str) -> TableColumn:
        import pyarrow.compute as pc

        cells = self.table.data[name]
        if not self.table.first_line and not is_plain(cells.type):
            return self._of_labels(name)  # categories of pandas or polars
        cells = pc.utf8_trim_whitespace(cells)
        cells = pc.if_else(pc.is_in(cells, value_set=_missing()), None, cells)
        some = len(cells) - cells.null_count
        if not some:
            return TableColumn(name, "empty")
        if pc.any(pc.match_substring_regex(cells, _CODE)).as_py():
            return self._of_labels(name)
        numbers = as_numbers(cells)
        count = pc.sum(numbers.fits).as_py() or 0
        if count and numbers.doubtful is not None:
            self._refuse_doubtful(name, numbers.doubtful)
        if count == some and loses_digits(numbers.cells):
            return self._of_labels(name)
        if count == some:
            self._refuse_thousands(name, cells)
            return self._of_numbers(name, floats_of(numbers.cells), "number")
        if count >= _NEARLY * some:
            self._refuse_few(name, cells, numbers.fits, some - count)
        moments = as_moments(cells)
        if moments is None:
            return self._of_labels(name)
        return self._of_numbers(name, days_of(moments), "date")

    def _refuse_doubtful(self, name: str, text: str) -> None:
        raise InvalidFile(
            f"{self.table.name}: column {name!r}: {text!r} may be {text.replace(',', '.')} or "
            f"{text.replace(',', '')}; write decimals with a point, and thousands without sign"
        )

    def _refuse_thousands(self, name: str, cells: Any) -> None:
        text = like_thousands(cells, False) or (
            like_thousands(cells, True) if self._has_decimal_commas else None
        )
        if text is not None:
            raise InvalidFile(
                f"{self.table.name}: column {name!r}: {text!r} may be {text} or "
                f"{text.replace('.', '')}; write thousands without sign, and decimals with a "
                f"digit more ({text}0)"
            )

    @cached_property
    def _has_decimal_commas(self) -> bool:
        return any(
            has_decimal_commas(column)
            for column in self.table.data.columns
            if self.table.separator == ";" and is_text(column.type) and is_plain(column.type)
        )

    def _refuse_few(self, name: str, cells: Any, fits: Any, count: int) -> None:
        """Raise InvalidFile about the first cell that is no number in a column of numbers."""
        odd = next(i for i, fit in enumerate(fits.to_pylist()) if fit is False)
        raise InvalidFile(
            f"{self.table.name}: column {name!r} holds numbers, but on {self.table.row(odd)} "
            f"{shortened(str(cells[odd].as_py()))}"
            + (f" and {count - 1} more such cells" if count > 1 else "")
            + "; write nan for a missing value and decimals with a point, or name the column "
            "among those to ignore or among the categories"
        )

    def _of_labels(self, name: str, sure: bool = False) -> TableColumn:
        labels = texts_of(self.table, name)
        labels[np.isin(labels, MISSING)] = ""
        some = int((labels != "").sum())
        distinct = len(set(labels.tolist()) - {""})
        kind: Kind = "text"
        if distinct == 0:
            kind = "empty"
        elif distinct == 1 and some == len(labels):
            kind = "constant"
        elif sure or (distinct <= MOST_CATEGORIES and (distinct * _SEVERAL <= some)):
            kind = "category"
        return TableColumn(name, kind, labels=labels)

    def _of_numbers(self, name: str, values: NDArray[np.float64], kind: Kind) -> TableColumn:
        infinite = np.flatnonzero(np.isinf(values))
        if infinite.size:
            raise InvalidFile(
                f"{self.table.name}: column {name!r} has an infinite value on "
                f"{self.table.row(int(infinite[0]))}; write nan for a missing value, or name the "
                "column among those to ignore"
            )
        known = values[~np.isnan(values)]
        if not known.size:
            return TableColumn(name, "empty")
        same = known.size == values.size and known.min() == known.max()
        return TableColumn(name, "constant" if same else kind, numbers=values)


def _missing() -> Any:
    import pyarrow as pa

    return pa.array(["", *MISSING])
