"""What the figures have in common: looks, the axis of the metric, a legend beside the axes."""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import TYPE_CHECKING

from subsetopt.report.end_labels import Label
from subsetopt.report.figure_style import GREY, PAPER, Style, styles
from subsetopt.training.analysis import Family, Judged
from subsetopt.training.reporting.findings import where
from subsetopt.training.reporting.metrics import Format

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Looks = Mapping[str, Style] | None


def looks(given: Looks, family: Family) -> Mapping[str, Style]:
    """Return the styles given, and those that the rules would have alone where one lacks."""
    return styles(family.rules) | dict(given or {})


def title(family: Family, judged: Judged | None = None) -> str:
    """Return ``mnist, budget of 10 %``."""
    return family.task if judged is None else f"{family.task}, {where(judged)}"


def metric_axis(axes: "Axes", family: Family, values: Iterable[float], which: str = "y") -> None:
    """Make an axis one of the metric, around the values."""
    from matplotlib.ticker import FuncFormatter

    finite = [value for value in values if isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    (axes.set_ylim if which == "y" else axes.set_xlim)(low - margin, high + margin)
    axis = axes.yaxis if which == "y" else axes.xaxis
    scale, unit = (100, " %") if Format(family.metric).is_share else (1, "")
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{round(scale * x, 6):.6g}{unit}"))
    axis.set_label_text(f"{family.metric} ({family.better} is better)")


def level(axes: "Axes", value: float | None) -> float | None:
    """Return where a value is on the y axis, as a share of its height."""
    if value is None or not isfinite(value):
        return None
    low, high = axes.get_ylim()
    return min(1.0, max(0.0, (value - low) / (high - low)))


def labels(
    shown: Mapping[str, Style],
    ends: Mapping[str, float | None],
    notes: Mapping[str, str],
    axes: "Axes | None" = None,
) -> list[Label]:
    """Return the labels of rules whose lines end at values; their heights need the axes."""
    return [
        Label(rule, notes[rule], shown[rule], end if axes is None else level(axes, end))
        for rule, end in ends.items()
    ]


def dot(axes: "Axes", x: float, y: float, style: Style, hollow: bool = False) -> None:
    """Draw one mark."""
    axes.plot(
        [x], [y], linestyle="none", marker=style.marker, markersize=6.2, clip_on=False, zorder=3,
        markerfacecolor=PAPER if hollow else style.colour,
        markeredgecolor=style.colour if hollow else PAPER,
        markeredgewidth=1.3 if hollow else 0.5,
    )  # fmt: skip


def nothing(axes: "Axes", text: str) -> None:
    """Say that there is nothing to draw, on axes without numbers."""
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
    axes.grid(visible=False)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)
