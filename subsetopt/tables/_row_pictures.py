"""Pictures of chosen rows: among all in two dimensions, and column by column."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.report import Axis, Chart, Figure, PairedBars, Panels, Scatter, Series, Style

from ._principal_plane import principal_plane
from ._row_comparison import ColumnComparison
from ._table_columns import TableColumn

if TYPE_CHECKING:
    from ._row_selection import RowSelection

_ALL, _TARGET, _CHOSEN = "all rows", "target", "chosen"
_LOOKS = {
    _ALL: Style("#9aa1ab", (), "o"),
    _TARGET: Style("#d55e00", (5.0, 1.6), "^"),
    _CHOSEN: Style("#0072b2", (), "o"),
}
_WIDTH, _TALL, _FOOT = 620, 232, 38
"""Of the picture that is one file, in pixels: its text can be read at two thirds of it."""
_LOW: Any = {"foot": _FOOT, "tall": 260}
_PANELS, _MOST = 4, 12
_LEVELS = 5  # categories that are told apart; the others are one
_DRAWN = 5000  # of all rows
_STEPS = 400  # of a distribution function
_DAY = 86_400.0


def row_picture(chosen: "RowSelection") -> Panels:
    """Return the picture that is one file: the rows, and the columns that are furthest off."""
    numbers = _worst(chosen, ("number", "date"))
    groups = _worst(chosen, ("category",))
    half = _PANELS // 2
    numbers = numbers[: max(half, _PANELS - len(groups))]
    groups = groups[: _PANELS - len(numbers)]
    return Panels(
        title=_title(chosen),
        about=_about(chosen),
        lead=row_map(chosen),
        charts=[*(_distribution(chosen, one) for one in numbers), *map(_shares(chosen), groups)],
        looks=_LOOKS,
        width=_WIDTH,
        tall=_TALL,
        foot=_FOOT,
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
            title="Numbers", about=_furthest(numbers), charts=charts, looks=_LOOKS, **_LOW
        )
        found["numbers"] = panels, about
    groups = _worst(chosen, ("category",))[:_MOST]
    if groups:
        about = "Shares of rows in %."
        panels = Panels(
            title="Categories", about=_furthest(groups), charts=list(map(_shares(chosen), groups)),
            looks=_LOOKS, **_LOW,
        )  # fmt: skip
        found["categories"] = panels, about
    return found


def _title(chosen: "RowSelection") -> str:
    return f"{len(chosen):,} of {len(chosen.table):,} rows of {Path(chosen.table.name).name}"


def _about(chosen: "RowSelection") -> str:
    from ._row_report import times

    said = times(chosen.random_mmd, chosen.mmd)
    return f"MMD {chosen.mmd:.3g}; random rows {chosen.random_mmd:.3g}, {said}"


def _furthest(shown: list[ColumnComparison]) -> str:
    return f"those that are furthest off first, up to {_MOST}" if len(shown) > 1 else ""


def _worst(chosen: "RowSelection", kinds: tuple[str, ...]) -> list[ColumnComparison]:
    found = [one for one in chosen.columns if one.kind in kinds]
    return sorted(found, key=lambda one: -one.distance)


# -- the rows in two dimensions -------------------------------------------------------------------


def row_map(chosen: "RowSelection") -> Scatter:
    """Return the rows by their two numbers, else by the first principal components."""
    points, target, x, y = _plane(chosen)
    among = points
    if len(points) > _DRAWN:
        shown = np.random.default_rng(0).choice(len(points), _DRAWN, replace=False)
        among = points[np.sort(shown)]
    clouds = {_ALL: among}
    if target is not None:
        clouds[_TARGET] = target[:_DRAWN]
    clouds[_CHOSEN] = points[chosen.indices]
    return Scatter(title="The rows", points=clouds, x=x, y=y, looks=_LOOKS)


def _plane(
    chosen: "RowSelection",
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, Axis, Axis]:
    columns = chosen.features.columns
    if len(columns) == 2 and all(column.kind == "number" for column in columns):
        aim = None if chosen.target is None else _pair(chosen.target.columns)
        return _pair(columns), aim, Axis(columns[0].name), Axis(columns[1].name)
    aims = [] if chosen.target is None else [chosen.target.matrix]
    planes, shares = principal_plane(chosen.features.matrix, *aims)
    x, y = (
        Axis(f"{which} component, {100 * share:.0f} % of the variance", text=_short)
        for which, share in zip(("first", "second"), shares, strict=True)
    )
    return planes[0], planes[1] if aims else None, x, y


def _pair(columns: tuple[TableColumn, ...]) -> NDArray[np.float64]:
    return np.column_stack([one.numbers for one in columns if one.numbers is not None])


def _short(number: float) -> str:
    return f"{number:g}".replace("-", "−")


# -- column by column ------------------------------------------------------------------------------


def _distribution(chosen: "RowSelection", row: ColumnComparison) -> Chart:
    column, other = _columns(chosen, row.name)
    assert column.numbers is not None
    assert other.numbers is not None
    unit = _DAY if row.kind == "date" else 1.0
    named = {_ALL if chosen.target is None else _TARGET: other.numbers}
    named[_CHOSEN] = column.numbers[chosen.indices]
    known = {name: np.sort(values[~np.isnan(values)]) * unit for name, values in named.items()}
    ends = [end for values in known.values() if values.size for end in (values[0], values[-1])]
    reach = (min(ends), max(ends))
    series = [
        Series(name, *_steps(values, reach), line="steps", bold=name == _ALL)
        for name, values in known.items()
        if values.size
    ]
    return Chart(
        row.name,
        f"KS {row.distance:.3f}, random {row.random_distance:.3f}",
        "",
        series[::-1],
        Axis("", "time", reach) if row.kind == "date" else Axis("", reach=reach),
        Axis("", "share"),
    )


def _steps(
    values: NDArray[np.float64], reach: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a distribution function at so many values at most, from end to end."""
    at = np.unique(np.linspace(0, values.size - 1, min(_STEPS, values.size)).astype(int))
    levels = np.unique(np.concatenate([values[at], reach]))
    return levels, np.searchsorted(values, levels, side="right") / values.size


def _shares(chosen: "RowSelection") -> Any:
    name = _ALL if chosen.target is None else _TARGET

    def bars(row: ColumnComparison) -> PairedBars:
        order = sorted(row.shares, key=lambda level: -row.shares[level])
        kept = order if len(order) <= _LEVELS + 1 else order[:_LEVELS]
        rest = f"{len(order) - len(kept)} others"
        shares = {}
        for who, of in ((name, row.shares), (_CHOSEN, row.chosen_shares)):
            shares[who] = {level: of[level] for level in kept}
            if len(kept) < len(order):
                shares[who][rest] = sum(of[level] for level in order[len(kept) :])
        about = f"TV {row.distance:.3f}, random {row.random_distance:.3f}"
        return PairedBars(title=row.name, about=about, shares=shares)

    return bars


def _columns(chosen: "RowSelection", name: str) -> tuple[TableColumn, TableColumn]:
    own = next(one for one in chosen.features.columns if one.name == name)
    if chosen.target is None:
        return own, own
    return own, next(one for one in chosen.target.columns if one.name == name)
