"""Report and figure of a split."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subsetopt._files import suffix_of
from subsetopt.report import (
    Chart,
    Column,
    Document,
    Facts,
    Notes,
    Panels,
    Picture,
    Section,
    Table,
    styles,
)
from subsetopt.report._document import write_text
from subsetopt.report._figure import figure_svg
from subsetopt.report._number_format import NOTHING
from subsetopt.report._overview import Gauge, Overview
from subsetopt.report._samples import ALL, LOOKS, SHEET, distributions, principal_plane

from ._part_comparison import PartColumn
from ._row_report import reading_lines
from ._table_columns import TableColumn

if TYPE_CHECKING:
    from ._row_split import RowSplit

SUFFIXES = (".html", ".svg", ".png", ".pdf")
SHOWN = 12
"""Columns of the table, of more those that are furthest off; a page shows all."""
_DRAWN = 8
_POINTS = 5000  # of a picture, else a random sample
_LINES = 10  # parts whose distribution functions are drawn
_DAY = 86_400.0
_LONGEST = 28  # letters of a name of a column
_LISTED = 6  # parts whose sizes are in the title, and the last


def split_document(split: "RowSplit", shown: int | None = SHOWN) -> Document:
    """Return the report of a split, with at most so many columns."""
    sizes = " / ".join(f"{size:,}" for size in split.sizes[:_LISTED])
    if len(split) > _LISTED:
        sizes += f" / ... / {split.sizes[-1]:,}"
    listed, left_out = _furthest(split.columns, shown)
    notes = [
        "distance: of a part and all rows, the largest of all parts (numbers and dates: "
        "Kolmogorov-Smirnov; categories: total variation); random"
        + (", stratified" if split.by else "")
        + ": median of such partitions"
    ]
    if left_out:
        notes.insert(
            0, f"{left_out} columns with smaller distances are left out; --json and .html have all"
        )
    picture = Picture(
        name="split",
        title="Rows of each part, and how far their columns are from all rows",
        figure=lambda: overview(split),
        linked=False,
    )
    title = (
        f"{Path(split.table.name).name}: {len(split.table):,} rows in {len(split)} parts, {sizes}"
    )
    return Document(
        title,
        [
            Section(title, [Facts(facts_of(split))], titled=("terminal",), link=None),
            Section("Picture", [picture], media=("markdown", "html")),
            Section("Parts", [part_table(split)], titled=("markdown", "html")),
            Section("Columns", [column_table(split, listed), Notes(notes)],
                    titled=("markdown", "html")),
            Section("Each part", [distance_table(split)], media=("html",)),
            Section("Numbers", _distributions(split), media=("html",)),
        ],
        kind="split",
    )  # fmt: skip


def facts_of(split: "RowSplit") -> dict[str, str]:
    """Return what a report begins with."""
    result = split.partition
    lines = reading_lines(split.found, split.table)
    if split.by:
        lines["balanced"] = (
            f"{', '.join(split.by)}; counts are within {result.off_balance:.3g} rows of "
            "proportional"
        )
    if split.keep_together is not None:
        lines["kept together"] = f"rows of the same {split.keep_together}"
    lines["MMD"] = f"{split.mmd:.4g} between the two parts that are furthest apart"
    if np.isnan(split.mmd):
        lines["MMD"] = "unknown: stopped before the kernel was summed over all pairs"
    lines["random parts"] = _times(split.random_mmd, split.mmd)
    if split.stratified_mmd is not None:
        lines["stratified parts"] = _times(split.stratified_mmd, split.mmd)
    lines["search"] = f"{str(result.termination).replace('_', ' ')} after {result.seconds:.3g} s"
    return {label: text for label, text in lines.items() if text}


def _times(other: float, own: float) -> str:
    if np.isnan(other):
        return ""
    return f"{other:.4g}" + (f", {other / own:.3g} times as far" if own > 0 else "")


def part_table(split: "RowSplit") -> Table[Any]:
    """Return a table of the parts."""
    columns: list[Column[dict[str, Any]]] = [
        Column("part", "name"),
        Column("rows", "rows", ",d"),
        Column("share", lambda row: 100 * row["rows"] / len(split.table), ".1f", unit="%"),
        Column("MMD to all rows", "mmd_to_whole", ".4g"),
    ]
    rows = split.to_dict()["parts"]
    if any(row["rows"] != row["asked"] for row in rows):
        columns.insert(2, Column("asked for", "asked", ",d"))
    return Table(columns, rows)


def column_table(split: "RowSplit", columns: Sequence[PartColumn]) -> Table[PartColumn]:
    """Return a table of columns: all rows, the part that is furthest off, and the baselines."""
    shown: list[Column[PartColumn]] = [
        Column("column", lambda column: _short(column.name)),
        Column("all rows", "mean", cell=lambda column: _mean(column, column.mean), group="mean of"),
        Column(
            "furthest part",
            "furthest_mean",
            cell=lambda column: _mean(column, column.furthest_mean),
            group="mean of",
        ),
        Column("split", "distance", ".3f", group="distance"),
        Column("random", "random_distance", ".3f", group="distance"),
    ]
    if split.by:
        shown.append(Column("stratified", "stratified_distance", ".3f", group="distance"))
    return Table(shown, columns)


def distance_table(split: "RowSplit") -> Table[PartColumn]:
    """Return a table of the distances of every part."""
    shown: list[Column[PartColumn]] = [Column("column", "name")]
    for part, name in enumerate(split.names):
        shown.append(Column(name, partial(_distance, part), ".3f", group="distance of part"))
    return Table(shown, split.columns)


def _distance(part: int, column: PartColumn) -> float:
    return column.distances[part]


def _mean(column: PartColumn, mean: float | None) -> str:
    """Return a mean as text, of dates the day."""
    if mean is None or np.isnan(mean):
        return NOTHING
    return str(np.datetime64(int(mean), "D")) if column.kind == "date" else f"{mean:.4g}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _furthest(columns: Sequence[PartColumn], most: int | None) -> tuple[list[PartColumn], int]:
    """Return the columns of largest distance in their own order, and how many are left out."""
    order = sorted(range(len(columns)), key=lambda c: -columns[c].distance)[:most]
    return [columns[c] for c in sorted(order)], len(columns) - len(order)


# -- pictures --------------------------------------------------------------------------------------


def draw_split(split: "RowSplit", target: str | os.PathLike[str] | None) -> Any:
    """Return the figure, or write it, or a page with it."""
    if target is None:
        return overview(split).draw()
    if suffix_of(target, SUFFIXES) != ".html":
        overview(split).save(target)
        return None
    page = split_document(split, None)
    drawn = {one.name: figure_svg(one.figure().draw()) for one in page.pictures}
    write_text(Path(target), page.to_html(drawn))
    return None


def overview(split: "RowSplit") -> Overview:
    """Return the picture of a split."""
    (points,), shares = principal_plane(split.features.matrix)
    shown = np.arange(len(points))
    if len(points) > _POINTS:
        shown = np.random.default_rng(0).choice(len(points), _POINTS, replace=False)
    listed, _ = _furthest(split.columns, _DRAWN)
    return Overview(
        f"{len(split.table):,} rows in {len(split)} parts",
        "each part lies like all rows; distances further left are better",
        points=points[shown],
        groups=split.parts[shown],
        names=split.names,
        measures=[Gauge(column.name, dict(_methods(column))) for column in listed],
        label="distance of the furthest part from all rows",
        axes_about=f"two principal components, {100 * sum(shares):.0f} % of the variance",
    )


def _distributions(split: "RowSplit") -> list[Picture]:
    """Return the distribution functions of the columns of numbers that are furthest off."""
    numbers = [one for one in split.features.columns if one.kind != "category"]
    far = {one.name: one for one in split.columns}
    numbers = sorted(numbers, key=lambda one: -far[one.name].distance)[:SHOWN]
    if not numbers:
        return []
    charts = [_distribution(split, one, far[one.name]) for one in numbers]
    looks = {ALL: LOOKS[ALL], **styles(split.names)}
    figure = Panels(title="Numbers", about="those that are furthest off first", charts=charts,
                    looks=looks, **SHEET | {"tall": 260})  # fmt: skip
    return [
        Picture(
            name="numbers",
            title="Distribution functions of all rows and of each part",
            figure=lambda: figure,
            caption="Share of rows up to each value; the closer the lines, the better.",
            linked=False,
        )
    ]


def _distribution(split: "RowSplit", column: TableColumn, far: PartColumn) -> Chart:
    assert column.numbers is not None
    values = column.numbers * (_DAY if column.kind == "date" else 1.0)
    named = {ALL: values}
    named |= {name: values[split.parts == part] for part, name in enumerate(split.names[:_LINES])}
    about = f"KS {far.distance:.3f}, random {far.random_distance:.3f}"
    return distributions(column.name, about, named, time=column.kind == "date")


def _methods(column: PartColumn) -> Iterator[tuple[str, float]]:
    yield "this split", column.distance
    yield "random", column.random_distance
    if column.stratified_distance is not None:
        yield "stratified", column.stratified_distance
