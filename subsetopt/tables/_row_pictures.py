"""Pictures of chosen rows: among all in two dimensions, and column by column."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.report import Axis, Chart, Figure, PairedBars, Panels, Scatter
from subsetopt.report._samples import (
    ALL,
    CHOSEN,
    LOOKS,
    SHEET,
    TARGET,
    distributions,
    principal_scatter,
    scatter,
)

from ._row_comparison import ColumnComparison, times
from ._table_columns import TableColumn

if TYPE_CHECKING:
    from ._row_selection import RowSelection

_LOW: Any = {"foot": SHEET["foot"], "tall": 260}
_PANELS, _MOST = 4, 12
_LEVELS = 5  # categories that are told apart; the others are one
_DAY = 86_400.0


def row_picture(chosen: "RowSelection") -> Panels:
    """Return the picture that is one file: the rows, and the columns that are furthest off."""
    numbers = _worst(chosen, ("number", "date"))
    groups = _worst(chosen, ("category",))
    numbers = numbers[: max(_PANELS // 2, _PANELS - len(groups))]
    groups = groups[: _PANELS - len(numbers)]
    return Panels(
        title=f"{len(chosen):,} of {len(chosen.table):,} rows of {Path(chosen.table.name).name}",
        about=_about(chosen),
        lead=row_map(chosen),
        charts=[*(_distribution(chosen, one) for one in numbers), *map(_shares(chosen), groups)],
        looks=LOOKS,
        **SHEET,
    )


def row_figures(chosen: "RowSelection") -> dict[str, tuple[Figure, str]]:
    """Return the pictures of a page, and how to read each."""
    found: dict[str, tuple[Figure, str]] = {
        "rows": (row_map(chosen), "Every row is a point; chosen ones are drawn large.")
    }
    numbers = _worst(chosen, ("number", "date"))[:_MOST]
    if numbers:
        charts = [_distribution(chosen, one) for one in numbers]
        about = "Share of rows up to each value; the closer the lines, the better."
        panels = Panels(
            title="Numbers", about=_furthest(numbers), charts=charts, looks=LOOKS, **_LOW
        )
        found["numbers"] = panels, about
    groups = _worst(chosen, ("category",))[:_MOST]
    if groups:
        bars = list(map(_shares(chosen), groups))
        panels = Panels(
            title="Categories", about=_furthest(groups), charts=bars, looks=LOOKS, **_LOW
        )
        found["categories"] = panels, "Shares of rows in %."
    return found


def _about(chosen: "RowSelection") -> str:
    said = times(chosen.random_mmd, chosen.mmd)
    return f"MMD {chosen.mmd:.3g}; random rows {chosen.random_mmd:.3g}, {said}"


def _furthest(shown: list[ColumnComparison]) -> str:
    return f"those that are furthest off first, up to {_MOST}" if len(shown) > 1 else ""


def _worst(chosen: "RowSelection", kinds: tuple[str, ...]) -> list[ColumnComparison]:
    found = [one for one in chosen.columns if one.kind in kinds]
    return sorted(found, key=lambda one: -one.distance)


def row_map(chosen: "RowSelection") -> Scatter:
    """Return the rows by their two numbers, else by the first principal components."""
    title, columns, aim = "The rows", chosen.features.columns, chosen.target
    if len(columns) != 2 or any(column.kind != "number" for column in columns):
        target = None if aim is None else aim.matrix
        return principal_scatter(title, chosen.features.matrix, chosen.indices, target)
    target = None if aim is None else _pair(aim.columns)
    x, y = (Axis(column.name) for column in columns)
    return scatter(title, _pair(columns), chosen.indices, target, x, y)


def _pair(columns: tuple[TableColumn, ...]) -> NDArray[np.float64]:
    return np.column_stack([one.numbers for one in columns if one.numbers is not None])


def _distribution(chosen: "RowSelection", row: ColumnComparison) -> Chart:
    column, other = _columns(chosen, row.name)
    assert column.numbers is not None
    assert other.numbers is not None
    unit = _DAY if row.kind == "date" else 1.0
    named = {
        _others(chosen): unit * other.numbers,
        CHOSEN: unit * column.numbers[chosen.indices],
    }
    about = f"KS {row.distance:.3f}, random {row.random_distance:.3f}"
    return distributions(row.name, about, named, time=row.kind == "date")


def _shares(chosen: "RowSelection") -> Callable[[ColumnComparison], PairedBars]:
    def bars(row: ColumnComparison) -> PairedBars:
        order = sorted(row.shares, key=lambda level: -row.shares[level])
        kept = order if len(order) <= _LEVELS + 1 else order[:_LEVELS]
        rest = f"{len(order) - len(kept)} others"
        shares = {}
        for who, of in ((_others(chosen), row.shares), (CHOSEN, row.chosen_shares)):
            shares[who] = {level: of[level] for level in kept}
            if len(kept) < len(order):
                shares[who][rest] = sum(of[level] for level in order[len(kept) :])
        about = f"TV {row.distance:.3f}, random {row.random_distance:.3f}"
        return PairedBars(title=row.name, about=about, shares=shares)

    return bars


def _others(chosen: "RowSelection") -> str:
    return ALL if chosen.target is None else TARGET


def _columns(chosen: "RowSelection", name: str) -> tuple[TableColumn, TableColumn]:
    own = next(one for one in chosen.features.columns if one.name == name)
    if chosen.target is None:
        return own, own
    return own, next(one for one in chosen.target.columns if one.name == name)
