"""Seconds against the size, with the power laws that fit them."""

from math import log
from typing import TYPE_CHECKING

from subsetopt.benchmarks.analysis.scaling import Growth, Scaling
from subsetopt.report import figure_axes as scales
from subsetopt.report.end_labels import Label, height, put, room
from subsetopt.report.figure_style import PAPER, Style, frame, plain_rc

from .curves import Looks, looks, nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def scaling(growth: Scaling, style: Looks = None) -> "Figure":
    """Draw the time of each case against its size, and the fits; hollow where a limit cut it."""
    shown = looks(style, [curve.solver for curve in growth.curves])
    points = [point for curve in growth.curves for point in curve.points]
    low, high = scales.extent(point.seconds for point in points)
    first, last = scales.extent((point.n for point in points), 1.15)
    labels = [
        Label(c.solver, _note(c), shown[c.solver], _level(c, low, high)) for c in growth.curves
    ]
    what = "Time" if growth.timing == "seconds" else "Overhead of a call"
    about = "a mark for each case; power laws with the 95 % intervals of their exponents"
    if not all(point.ended for point in points):
        about += "; hollow: stopped by a limit, not fitted"
    with plain_rc():
        figure, axes = frame(f"{what} against size: {', '.join(growth.families)}", about,
                             right=room(labels), height=height(labels), left=88)  # fmt: skip
        sizes = sorted({point.n for point in points})
        scales.log_axis(axes, "x", first, last, _size, _apart(sizes) if sizes else None)
        scales.log_axis(axes, "y", low, high, scales.seconds)
        for i, curve in enumerate(growth.curves):
            aside = 1.0 + 0.005 * (i - (len(growth.curves) - 1) / 2)
            _growth(axes, curve, shown[curve.solver], aside)
        axes.set_xlabel("n, candidates")
        put(axes, labels, markers=True)
        if not points:
            nothing(axes, "nothing was timed")
    return figure


def _note(curve: Growth) -> str:
    if curve.fit is None:
        return "no fit"
    return f"n^{curve.fit.exponent:.2f} ({curve.fit.low:.1f}–{curve.fit.high:.1f})"


def _size(n: float) -> str:
    return f"{n:,.0f}".replace(",", " ")


def _apart(sizes: list[int]) -> list[float]:
    """Return the sizes that have room for their numbers, else round ones."""
    ratio = sizes[-1] / sizes[0]
    chosen = [float(sizes[0])]
    for n in sizes[1:]:
        if n / chosen[-1] >= max(1.02, ratio**0.09):
            chosen.append(float(n))
    return chosen


def _level(curve: Growth, low: float, high: float) -> float:
    last = curve.points[-1]
    end = curve.fit.seconds(last.n) if curve.fit and last.ended else last.seconds
    return min(1.0, max(0.0, log(end / low) / log(high / low))) if end > 0 else 0.0


def _growth(axes: "Axes", curve: Growth, style: Style, aside: float) -> None:
    for ended in (True, False):
        own = [point for point in curve.points if point.ended is ended]
        axes.plot(
            [point.n * aside for point in own],
            [point.seconds for point in own],
            linestyle="none",
            marker=style.marker,
            markersize=6.2,
            markerfacecolor=style.colour if ended else PAPER,
            markeredgecolor=style.colour if not ended else PAPER,
            markeredgewidth=0.5 if ended else 1.1,
            alpha=0.9,
        )
    if curve.fit is not None:
        ends = [
            min(p.n for p in curve.points if p.ended),
            max(p.n for p in curve.points if p.ended),
        ]
        axes.plot(ends, [curve.fit.seconds(n) for n in ends], color=style.colour,
                  linestyle=style.line, linewidth=1.6)  # fmt: skip
