"""Chosen rows of a table for people: how it was read, what they are like, and a page with both."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from subsetopt._version import __version__
from subsetopt.report import Column, Document, Facts, Figure, Notes, Picture, Section, Table
from subsetopt.report._document import write_text
from subsetopt.report._figure import MATPLOTLIB
from subsetopt.report._number_format import counted, enumerated, percent, share

from ._columns_left_out import doubtful_labels, why_left_out
from ._row_comparison import ColumnComparison, times
from ._row_names import numbers_like_ids
from ._row_table import RowTable
from ._table_columns import TableColumn

if TYPE_CHECKING:
    from ._row_selection import RowSelection

_IDS = 20
_SOURCES = {
    "example:earthquakes": "all earthquakes of the week to 2018-02-07, U.S. Geological Survey, "
    "public domain: https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/all_week.geojson"
}
_LABEL = 5  # characters of a category in the table
_MANY_LEVELS = 10  # of a column, from which shares are whole %
_MINUTES, _SHORT = 1440, 30.0  # of a day; days of spread below which dates have minutes


def row_report(chosen: "RowSelection") -> Document:
    """Return what there is to say, which `RowSelection.report` gives."""
    others = "all" if chosen.target is None else "target"
    sections = [
        Section("", [Facts(facts_of(chosen))]),
        Section("Columns", [comparison_table(chosen.columns, others), Notes(list(_notes(chosen)))]),
        Section("Pictures", _pictures(chosen), media=("html",)),
        Section("Chosen rows", [_rows(chosen)], media=("html",)),
    ]
    return Document(
        f"{len(chosen):,} of {len(chosen.table):,} rows of {Path(chosen.table.name).name}",
        sections,
        kind="Selection",
        lede=[f"Random rows: {times(chosen.random_mmd, chosen.mmd)}"],
        footer=f"subsetopt {__version__}",
    )


def facts_of(chosen: "RowSelection") -> dict[str, str]:
    """Return how the table was read and how well its rows are represented, in lines."""
    lines = {"table": _table(chosen)}
    if chosen.table.name in _SOURCES:
        lines["source"] = _SOURCES[chosen.table.name]
    lines |= reading_lines(chosen.found, chosen.table)
    if chosen.target is not None:
        lines["target"] = f"{len(chosen.target.matrix):,} rows, which the chosen represent"
    lines["chosen"] = f"{counted(len(chosen), 'row')} by {chosen.method}"
    lines["MMD"] = f"{chosen.mmd:.3g}; random rows {chosen.random_mmd:.3g}, "
    lines["MMD"] += times(chosen.random_mmd, chosen.mmd)
    if chosen.random_rank:
        lines["MMD"] += f"; {percent(chosen.random_rank)} of random selections are as close"
    named = chosen.ids if chosen.ids is not None else chosen.indices
    shown = [_safe(one) if " " not in one else repr(one) for one in map(str, named[:_IDS].tolist())]
    more = f" ... ({len(chosen):,} of them)" if len(chosen) > _IDS else ""
    lines["ids" if chosen.ids is not None else "rows, from 0"] = " ".join(shown) + more
    return lines


def reading_lines(columns: "tuple[TableColumn, ...]", table: RowTable) -> dict[str, str]:
    """Return what the columns were taken for, and why some, and lines, were left out."""
    kinds = Counter(column.kind for column in columns)
    features = [column for column in columns if column.is_feature]
    counts = [
        counted(kinds[kind], kind).replace("categorys", "categories")
        for kind in ("number", "date", "category")
        if kinds[kind]
    ]
    named = ", ".join(_safe(column.name) for column in features)
    lines = {"compared": f"{enumerated(counts)}: {named}"}
    ids = [column for column in columns if column.kind == "id"]
    if ids or table.ids is not None:
        lines["names of rows"] = _safe(ids[0].name) if ids else "the index"
    left = [
        f"{_safe(c.name)} ({why_left_out(c)})"
        for c in columns
        if not c.is_feature and c.kind != "id"
    ]
    if table.empty_lines:
        left.append(f"{counted(table.empty_lines, 'line')} with only empty cells at the end")
    if left:
        lines["left out"] = ", ".join(left)
    doubts = ((column.name, doubtful_labels(column)) for column in columns)
    if odd := "; ".join(f"{_safe(name)}: {what}" for name, what in doubts if what):
        lines["labels"] = odd
    if like_ids := numbers_like_ids(columns):
        shown = ", ".join(_safe(column.name) for column in like_ids)
        lines["like ids"] = f"{shown}: compared as numbers; leave out by --ignore"
        lines["like ids"] += ", or compare as labels by --categories"
    if missing := _missing(features):
        lines["missing"] = missing
    return lines


def _missing(features: list[TableColumn]) -> str:
    parts = {
        "taken as the median; whether a value is missing is compared too": [
            column for column in features if column.missing and column.kind != "category"
        ],
        "a category of their own": [
            column for column in features if column.missing and column.kind == "category"
        ],
    }
    return "; ".join(
        f"{', '.join(f'{_safe(one.name)} {one.missing:,}' for one in those)}: {what}"
        for what, those in parts.items()
        if those
    )


def _table(chosen: "RowSelection") -> str:
    table = chosen.table
    said = f"{_safe(table.name)}: {len(table):,} rows, {counted(len(table.columns), 'column')}"
    if table.first_line:
        kinds = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "blanks", "": ""}
        sign = kinds.get(table.separator, table.separator)
        said += f", {sign} between" if sign else ""
        said += f", rows from line {table.first_line}" if table.first_line != 2 else ""
    return said


def _safe(text: str) -> str:
    return text if text.isprintable() and text else repr(text)


# -- the comparison -------------------------------------------------------------------------------


def comparison_table(
    rows: "tuple[ColumnComparison, ...]", others: str = "all"
) -> "Table[ColumnComparison]":
    """Return the columns of chosen and other rows, with the median random selection."""
    return Table(
        [
            Column("column", "name"),
            Column(others, "mean", cell=_mean, group="mean"),
            Column("chosen", "chosen_mean", cell=_chosen_mean, group="mean"),
            Column(others, "std", cell=lambda row: _spread(row, row.std), group="spread"),
            Column(
                "chosen",
                "chosen_std",
                cell=lambda row: _spread(row, row.chosen_std),
                group="spread",
            ),
            Column("chosen", "distance", ".3f", group="distance"),
            Column("random", "random_distance", ".3f", group="distance"),
        ],
        rows,
        name="columns of chosen and other rows",
    )


def _notes(chosen: "RowSelection") -> Iterator[str]:
    kinds = {column.kind for column in chosen.columns}
    if kinds & {"number", "date"}:
        yield "distance of numbers and dates: largest gap of the distribution functions (KS)"
    if "category" in kinds:
        yield "distance of categories: half the sum of all differences of shares"
    if "category" in kinds:
        yield "mean of categories: the most frequent one in all rows, and its shares"
    yield "random: the median of random selections of as many rows"
    for column in chosen.columns:
        if column.missing:
            of_all = share(column.missing / len(chosen.table))
            own = share(column.chosen_missing / len(chosen))
            yield f"missing in {_safe(column.name)}: {of_all} of all rows, {own} of the chosen"


def _mean(row: ColumnComparison) -> str:
    if row.kind == "category":
        return _commonest(row, row.shares)
    return value(row.kind, row.mean, row.std)


def _chosen_mean(row: ColumnComparison) -> str:
    if row.kind == "category":
        return _commonest(row, row.chosen_shares)
    return value(row.kind, row.chosen_mean, row.std)


def _commonest(row: ColumnComparison, shares: Mapping[str, float]) -> str:
    level = max(row.shares, key=lambda name: row.shares[name])
    name = level if len(level) <= _LABEL else level[: _LABEL - 1] + "…"
    written = share if len(row.shares) < _MANY_LEVELS else percent
    return f"{name} {written(shares[level])}"


def value(kind: str, number: float | None, spread: float | None = None) -> str:
    """Return a number of a column as its kind is written; dates by day, or by minute, yearless."""
    if number is None:
        return "-"
    if kind != "date":
        return f"{number:.4g}"
    moment = str(np.datetime64(round(number * _MINUTES), "m"))
    return moment[5:].replace("T", " ") if (spread or 0.0) < _SHORT else moment[:10]


def _spread(row: ColumnComparison, spread: float | None) -> str:
    if spread is None:
        return "-"
    return f"{spread:.3g} d" if row.kind == "date" else f"{spread:.4g}"


# -- the page -------------------------------------------------------------------------------------


def _pictures(chosen: "RowSelection") -> list[Picture]:
    from ._row_pictures import row_figures

    return [
        Picture(name=name, title=figure.title, figure=_made(figure), caption=about, linked=False)
        for name, (figure, about) in row_figures(chosen).items()
    ]


def _made(figure: Figure) -> Callable[[], Figure]:
    return lambda: figure


def _rows(chosen: "RowSelection") -> "Table[Mapping[str, str]]":
    data = chosen.table.data.take(chosen.indices[:1000])
    cells = zip(*(column.to_pylist() for column in data.columns), strict=True)
    names = list(data.column_names)
    rows = [
        {name: "" if cell is None else str(cell) for name, cell in zip(names, row, strict=True)}
        for row in cells
    ]
    return Table([Column(name, name) for name in names], rows, name="chosen rows")


def write_page(chosen: "RowSelection", path: str | os.PathLike[str]) -> None:
    """Write a page that needs nothing else."""
    MATPLOTLIB.load()
    document = row_report(chosen)
    drawn = {one.name: one.figure().to_svg() for one in document.pictures}
    write_text(Path(path), document.to_html(drawn))
