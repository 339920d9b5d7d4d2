"""Figure of the results of an experiment: a panel for each part."""

from collections.abc import Sequence
from math import ceil, inf
from typing import TYPE_CHECKING

from subsetopt.report import Axis, Chart, Panels, Series, styles
from subsetopt.report._figure_axes import around, extent
from subsetopt.report._number_format import round_percent
from subsetopt.training.analysis import Spread

from ._parts import Part, Quantity
from .measuring import Line

if TYPE_CHECKING:
    from ._outcome import ExperimentResult


def figure_of(outcome: "ExperimentResult") -> Panels:
    """Return the figure; parts without results are left out."""
    own = outcome.experiment.sheet
    parts = [part for part in outcome.measured.parts if part.cells]
    about = f"{own.item} of {own.paper}; scale {outcome.scale}; mean and 95 % interval of the seeds"
    if own.figure.over == "epochs":
        charts = [_over_epochs(outcome, part) for part in parts]
    else:
        charts = [
            _over_columns(outcome, part, part.quantities[place])
            for place in range(own.figure.quantities)
            for part in parts
            if place < len(part.quantities)
        ]
    rows = (row for part in parts for row in part.rows)
    empty = "" if charts else "nothing was run"
    return Panels(title=own.title, about=about, charts=charts, looks=styles(rows), empty=empty)


# -- over columns ----------------------------------------------------------------------------------


def _over_columns(outcome: "ExperimentResult", part: Part, quantity: Quantity) -> Chart:
    lines = [
        line
        for line in outcome.measured.of(part.label)
        if line.quantity.name == quantity.name and line.spread.mean is not None
    ]
    is_log = outcome.experiment.sheet.figure.log
    y = Axis(
        label=quantity.name,
        text=round_percent if quantity.share else None,
        reach=around(end for line in lines for end in _interval(line.spread)),
    )
    if is_log:
        y = Axis(label=quantity.name, scale="log", reach=extent(_means(lines), 1.6))
    rows = list(dict.fromkeys(line.cell.row for line in lines))
    if len({line.cell.column for line in lines}) > 1:
        return _lines(part, lines, rows, y, is_log)
    names = [row.replace(", ", ",\n").replace(" (", "\n(") for row in rows] or [""]
    return Chart(
        title=part.label,
        series=[_marked([x], [line], is_log) for x, line in enumerate(lines)],
        x=Axis(
            reach=(-0.5, len(names) - 0.5), ticks=range(len(names)), text=lambda x: names[int(x)]
        ),
        y=y,
    )


def _lines(part: Part, lines: Sequence[Line], rows: Sequence[str], y: Axis, is_log: bool) -> Chart:
    """Return a line for each method; across, of one with a column of its own: full training."""
    of_row = {row: [line for line in lines if line.cell.row == row] for row in rows}
    every = list(dict.fromkeys(line.cell.column for line in lines))
    shared = {line.cell.column for own in of_row.values() if len(own) > 1 for line in own}
    columns = [name for name in every if name in shared] or every
    numeric = _are_numbers(columns)
    places = {name: float(name) if numeric else float(i) for i, name in enumerate(columns)}
    names = {place: name for name, place in places.items()}
    x = Axis(label=part.x, reach=around(names), ticks=sorted(names), text=lambda x: names[x])
    low, high = min(names), max(names)
    if low > 0 and high > 10 * low:
        x = Axis(label=part.x, scale="log", reach=(low / 1.15, high * 1.15))
    return Chart(
        title=part.label,
        series=[
            _marked([places[line.cell.column] for line in own], own, is_log)
            if own[0].cell.column in places
            else Series(name=row, x=x.reach or (), y=_means(own) * 2)
            for row, own in of_row.items()
        ],
        x=x,
        y=y,
    )


def _are_numbers(columns: Sequence[str]) -> bool:
    return all(name.replace(".", "", 1).isdigit() for name in columns)


def _means(lines: Sequence[Line]) -> list[float]:
    return [line.spread.mean for line in lines if line.spread.mean is not None]


def _marked(x: Sequence[float], lines: Sequence[Line], is_log: bool) -> Series:
    means = _means(lines)
    low, high = zip(*(_interval(line.spread) for line in lines), strict=True)
    if is_log:  # of what reaches down to zero there is no logarithm
        low = tuple(a if a > 0 else mean for a, mean in zip(low, means, strict=True))
    is_joined = len(x) > 1 and _are_numbers([line.cell.column for line in lines])
    return Series(name=lines[0].cell.row, x=x, y=means, low=low, high=high, marks="filled",
                  line="plain" if is_joined else "")  # fmt: skip


def _interval(spread: Spread) -> tuple[float, float]:
    mean, half = inf if spread.mean is None else spread.mean, spread.half or 0.0
    return mean - half, mean + half


# -- over epochs -----------------------------------------------------------------------------------

Curve = dict[float, Spread]
"""Of the seeds, by epoch."""


def _over_epochs(outcome: "ExperimentResult", part: Part) -> Chart:
    metric = outcome.experiment.sheet.figure.metric
    curves = {row: _curve(outcome, part, row, metric) for row in part.rows}
    curves = {row: curve for row, curve in curves.items() if curve}
    late = [
        end
        for curve in curves.values()
        for spread in list(curve.values())[len(curve) // 5 :]
        for end in _interval(spread)
    ]
    epochs = [epoch for curve in curves.values() for epoch in curve] or [1.0]
    first, last = min(epochs), max(epochs)
    ticks = range(int(first), int(last) + 1, max(1, ceil((last - first) / 8)))
    name = "error" if metric == "accuracy" else metric.replace("_", " ")
    text = round_percent if metric in ("accuracy", "pixel_error") else None
    return Chart(
        title=part.label,
        series=[_drawn(row, curve) for row, curve in curves.items()],
        x=Axis(label="epochs", reach=around((first, last)), ticks=ticks, text=str),
        y=Axis(label=f"test {name}", reach=around(late, 0.08), text=text),
    )


def _curve(outcome: "ExperimentResult", part: Part, row: str, metric: str) -> Curve:
    """Return a metric of a method; accuracies as errors."""
    points: dict[float, list[float]] = {}
    for run, cell in part.cells.items():
        result = outcome.measured.results.get(run)
        for one in result.history if result and cell.row == row else ():
            if (value := one.get(f"test_{metric}")) is not None:
                own = 1 - value if metric == "accuracy" else value
                points.setdefault(one["epoch"], []).append(own)
    return {epoch: Spread.of(points[epoch]) for epoch in sorted(points)}


def _drawn(row: str, curve: Curve) -> Series:
    low, high = zip(*map(_interval, curve.values()), strict=True)
    y = [inf if spread.mean is None else spread.mean for spread in curve.values()]
    return Series(name=row, x=list(curve), y=y, low=low, high=high)
