"""An outcome as a figure: a panel for each part."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil, inf, isfinite, log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subsetopt._files import replacing
from subsetopt.papers.measuring import Line
from subsetopt.papers.outcome import Outcome
from subsetopt.papers.parts import Part, Quantity
from subsetopt.report.figure_axes import extent, log_axis, number
from subsetopt.report.figure_files import save
from subsetopt.report.figure_style import (
    DPI,
    GREY,
    MATPLOTLIB,
    WIDTH,
    Style,
    fitting,
    plain_rc,
    styles,
)
from subsetopt.training.analysis import Spread
from subsetopt.training.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Looks = Mapping[str, Style]
Panel = Callable[["Axes"], None]
_HEIGHT, _TOP, _BELOW, _LEGEND = 300, 70, 62, 22
_IN_A_ROW = 4
"""Names of the legend."""


def draw(outcome: Outcome, path: Path) -> None:
    """Write the figure of an outcome to a .svg, .png or .pdf file."""
    figure = figure_of(outcome)
    if path.suffix.lower() != ".pdf":
        save(figure, path)
        return
    with replacing(path) as stream, plain_rc():
        figure.savefig(stream, format="pdf", metadata={"CreationDate": None})


def figure_of(outcome: Outcome) -> "Figure":
    """Return the figure; parts without results are left out."""
    MATPLOTLIB.load()
    own = outcome.experiment.sheet.figure
    parts = [part for part in outcome.measured.parts if part.cells]
    looks = styles(row for part in parts for row in part.rows)
    panels: list[Panel] = []
    if own.over == "epochs":
        panels = [_courses(outcome, part, looks) for part in parts]
    else:
        for place in range(own.quantities):
            panels += [
                _columns(outcome, part, part.quantities[place], looks)
                for part in parts
                if place < len(part.quantities)
            ]
    with plain_rc():
        return _arranged(outcome, panels, looks)


def _arranged(outcome: Outcome, panels: Sequence[Panel], looks: Looks) -> "Figure":
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    across = min(2, max(1, len(panels)))
    down, below = ceil(len(panels) / across), ceil(len(looks) / _IN_A_ROW) * _LEGEND + 14
    height = _TOP + down * _HEIGHT + below
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI)
    own = outcome.experiment.sheet
    figure.set_label(own.title)
    figure.text(14 / WIDTH, 1 - 26 / height, own.title, fontsize=12.5, weight="bold")
    about = f"{own.item} of {own.paper}; scale {outcome.scale}; mean and 95 % interval of the seeds"
    text = fitting(about, 9, WIDTH - 28)
    figure.text(14 / WIDTH, 1 - 46 / height, text, fontsize=9, color=GREY)
    for place, panel in enumerate(panels):
        row, column = divmod(place, across)
        left = 80 + column * (WIDTH - 20) / across
        wide = (WIDTH - 20) / across - 100
        bottom = below + (down - 1 - row) * _HEIGHT + _BELOW
        box = (left / WIDTH, bottom / height, wide / WIDTH, (_HEIGHT - _BELOW - 30) / height)
        axes = figure.add_axes(box)
        axes.tick_params(length=3, width=0.8, pad=4)
        panel(axes)
    lines = [
        Line2D(
            [], [], color=x.colour, linestyle=x.line, marker=x.marker, markersize=5, linewidth=1.7
        )
        for x in looks.values()
    ]
    figure.legend(
        lines, list(looks), loc="lower center", ncols=_IN_A_ROW, frameon=False, fontsize=9,
        handlelength=2.6, bbox_to_anchor=(0.5, 4 / height),
    )  # fmt: skip
    return figure


# -- over columns ---------------------------------------------------------------------------------


def _columns(outcome: Outcome, part: Part, quantity: Quantity, looks: Looks) -> Panel:
    lines = [
        line
        for line in outcome.measured.of(part.label)
        if line.quantity.name == quantity.name and line.spread.mean is not None
    ]

    def panel(axes: "Axes") -> None:
        _name(axes, part.label, quantity.name, quantity.share)
        names = list(dict.fromkeys(line.cell.column for line in lines))
        if len(names) == 1:
            _dots(axes, lines, looks)
        else:
            _lines(axes, lines, names, looks)
            axes.set_xlabel(part.x)
        if outcome.experiment.sheet.figure.log:
            _logarithmic(axes, lines)

    return panel


def _dots(axes: "Axes", lines: Sequence[Line], looks: Looks) -> None:
    for x, line in enumerate(lines):
        _mark(axes, [float(x)], [line], looks[line.cell.row])
    axes.set_xticks(range(len(lines)), [_folded(line.cell.row) for line in lines])
    axes.set_xlim(-0.5, len(lines) - 0.5)


def _lines(axes: "Axes", lines: Sequence[Line], names: Sequence[str], looks: Looks) -> None:
    numeric = all(name.replace(".", "", 1).isdigit() for name in names)
    places = {name: float(name) if numeric else float(i) for i, name in enumerate(names)}
    shown = {row: [x for x in lines if x.cell.row == row] for row in looks}
    several = [own for own in shown.values() if len(own) > 1]
    used = {line.cell.column for own in several for line in own}
    for row, own in shown.items():
        style = looks[row]
        if len(own) == 1 and own[0].cell.column not in used:
            assert own[0].spread.mean is not None
            axes.axhline(
                own[0].spread.mean, color=style.colour, linestyle=(0, (4, 2)), linewidth=1.2
            )
        elif own:
            _mark(axes, [places[line.cell.column] for line in own], own, style, joined=numeric)
    ticks = [name for name in names if name in used or not several]
    spaced = [name for i, name in enumerate(ticks) if i == 0 or _apart(places, ticks[i - 1], name)]
    at = [places[name] for name in ticks]
    if numeric and min(at) > 0 and max(at) > 10 * min(at):
        log_axis(axes, "x", min(at) / 1.15, max(at) * 1.15, number, _spaced(sorted(at)))
    else:
        axes.set_xticks([places[name] for name in spaced], spaced)


def _spaced(at: Sequence[float]) -> list[float]:
    """Return the places of a logarithmic axis whose names have room beside each other."""
    kept = [at[0]]
    for place in at[1:]:
        if log(place / kept[-1]) >= 0.075 * log(at[-1] / at[0]):
            kept.append(place)
    return kept


def _apart(places: Mapping[str, float], one: str, other: str) -> bool:
    reach = max(places.values()) - min(places.values())
    return places[other] - places[one] >= 0.045 * reach


def _mark(
    axes: "Axes", x: list[float], lines: Sequence[Line], style: Style, joined: bool = True
) -> None:
    spreads = [line.spread for line in lines]
    means = [spread.mean or 0.0 for spread in spreads]
    halves = [spread.half or 0.0 for spread in spreads]
    axes.errorbar(
        x, means, yerr=halves, color=style.colour, marker=style.marker,
        linestyle=style.line if joined else "none",
        markersize=5, linewidth=1.5, elinewidth=0.9, capsize=2, clip_on=True,
    )  # fmt: skip


def _logarithmic(axes: "Axes", lines: Sequence[Line]) -> None:
    means = [line.spread.mean or 0.0 for line in lines]
    positive = [mean for mean in means if mean > 0]
    if not positive:
        return
    log_axis(axes, "y", *extent(positive, 1.6), number)
    for bars in axes.containers:
        for collection in getattr(bars, "lines", ((), (), ()))[2]:
            collection.set_segments([_above(segment) for segment in collection.get_segments()])


def _above(segment: Any) -> Any:
    """Return the upper half of a bar that reaches down to zero, of which there is no logarithm."""
    (x, low), (_, high) = segment
    return segment if low > 0 else [(x, (low + high) / 2), (x, high)]


# -- over epochs ----------------------------------------------------------------------------------


def _courses(outcome: Outcome, part: Part, looks: Looks) -> Panel:
    from matplotlib.ticker import MaxNLocator

    metric = outcome.experiment.sheet.figure.metric
    name = "error" if metric == "accuracy" else metric.replace("_", " ")

    def panel(axes: "Axes") -> None:
        _name(axes, part.label, f"test {name}", metric in ("accuracy", "pixel_error"))
        reach: list[float] = []
        for row in part.rows:
            runs = [run for run, cell in part.cells.items() if cell.row == row]
            results = [outcome.measured.results[r] for r in runs if r in outcome.measured.results]
            if results:
                reach += _course(axes, results, metric, looks[row])
        finite = [value for value in reach if isfinite(value)]
        if finite:
            margin = 0.08 * (max(finite) - min(finite)) or 0.01
            axes.set_ylim(min(finite) - margin, max(finite) + margin)
        axes.set_xlabel("epochs")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    return panel


def _course(axes: "Axes", results: Sequence[Result], metric: str, style: Style) -> list[float]:
    """Draw the course of some seeds; returns what has to be seen of it."""
    points: dict[float, list[float]] = {}
    for result in results:
        for row in result.history:
            if f"test_{metric}" in row:
                value = row[f"test_{metric}"]
                points.setdefault(row["epoch"], []).append(
                    1 - value if metric == "accuracy" else value
                )
    epochs = sorted(points)
    spreads = [Spread.of(points[epoch]) for epoch in epochs]
    means = [inf if spread.mean is None else spread.mean for spread in spreads]
    halves = [spread.half or 0.0 for spread in spreads]
    low = [mean - half for mean, half in zip(means, halves, strict=True)]
    high = [mean + half for mean, half in zip(means, halves, strict=True)]
    axes.plot(
        epochs, means, color=style.colour, linestyle=style.line, marker=style.marker, markersize=4,
        linewidth=1.6,
    )  # fmt: skip
    axes.fill_between(epochs, low, high, color=style.colour, alpha=0.13, linewidth=0)
    seen = len(means) // 5
    return [*low[seen:], *high[seen:]]


def _name(axes: "Axes", title: str, y: str, share: bool) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.set_title(title, fontsize=10, loc="left")
    axes.set_ylabel(y)
    if share:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.4g} %"))


def _folded(text: str) -> str:
    return text.replace(", ", ",\n").replace(" (", "\n(")
