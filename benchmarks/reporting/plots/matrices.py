"""Rows of solvers: the heat map solver x family, and the comparison of two results."""

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from subsetopt.benchmarks.analysis.changes import TimeChange, changed
from subsetopt.benchmarks.analysis.comparison import Comparison
from subsetopt.benchmarks.analysis.goals import goal
from subsetopt.benchmarks.analysis.heat import Cell, HeatMap
from subsetopt.report import figure_axes as scales
from subsetopt.report import number_format as words
from subsetopt.report.figure_style import (
    FAST,
    GREY,
    INK,
    LIGHT,
    PAPER,
    SLOW,
    WIDTH,
    fitting,
    frame,
    plain_rc,
    text_width,
)

from .curves import nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEAT = ("#f4efe7", "#d3e3e4", "#86b9c2", "#3b8599", "#12495c")
_ROW, _HEAD = 40, 52
_FOREST = 24
_MANY = 30
_FARTHEST = 8.0
"""The ratio at which intervals are cut off."""


def heat_map(heat: HeatMap) -> "Figure":
    """Draw, for each solver and family, the share of cases with a good answer, and the time."""
    left = 30 + min(190, max((text_width(name, 9.5) for name in heat.solvers), default=0))
    width = min(190.0, (WIDTH - left - 24) / max(1, len(heat.families)))
    tall = 74 + _HEAD + _ROW * max(1, len(heat.solvers)) + 16
    about = "share of the cases with an answer as good as said below the family, and mean time "
    about += "(geometric)"
    with plain_rc():
        figure, axes = frame(
            "What each solver is good at", about, height=tall, left=left, top=66, bottom=8,
            right=WIDTH - left - width * max(1, len(heat.families)),
        )  # fmt: skip
        axes.set_axis_off()
        axes.set_xlim(0, max(1, len(heat.families)))
        axes.set_ylim(max(1, len(heat.solvers)), -_HEAD / _ROW)
        for j, family in enumerate(heat.families):
            _head(axes, j, family, width)
        for i, solver in enumerate(heat.solvers):
            name = fitting(solver, 9.5, 190)
            axes.text(-10 / width, i + 0.5, name, ha="right", va="center", fontsize=9.5)
            for j, family in enumerate(heat.families):
                _cell(axes, i, j, heat.cell(solver, family), width)
        if not heat.cells:
            nothing(axes, "there are no results")
    return figure


def _head(axes: "Axes", j: int, family: str, width: float) -> None:
    top = -_HEAD / _ROW
    points = next((x for x in (9.5, 8.5) if text_width(family, x, bold=True) < width - 6), 7.5)
    name = fitting(family, points, 0.9 * width)
    axes.text(j + 0.5, top + 0.22, name, ha="center", va="center", fontsize=points, weight="bold")
    lines = wrap(goal(family, "good").text, max(10, int(width / 6.2)))
    for line, text in enumerate(lines[:2]):
        text = fitting(text, 7.5, width - 2)
        axes.text(j + 0.5, top + 0.58 + 0.33 * line, text, ha="center", va="center", fontsize=7.5,
                  color=GREY)  # fmt: skip


def _cell(axes: "Axes", i: int, j: int, cell: Cell | None, width: float) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    if cell is None:
        axes.text(j + 0.5, i + 0.5, "–", ha="center", va="center", color="#b4b9c0")
        return
    colour = LinearSegmentedColormap.from_list("heat", _HEAT)(cell.good)
    corner, sides = (j + 1.5 / width, i + 1.5 / _ROW), (1 - 3 / width, 1 - 3 / _ROW)
    axes.add_patch(Rectangle(corner, *sides, facecolor=colour, linewidth=0))
    ink = PAPER if cell.good > 0.55 else INK
    share = f"{100 * cell.good:.0f} %"
    below = words.duration(cell.seconds)
    if cell.answered < cell.cases:
        missing = f"answers {cell.answered}/{cell.cases}"
        below = missing if cell.seconds is None else f"{below}, {missing}"
    axes.text(j + 0.5, i + 0.34, share, ha="center", va="center", fontsize=10, weight="bold",
              color=ink)  # fmt: skip
    axes.text(j + 0.5, i + 0.71, fitting(below, 8, width - 6), ha="center", va="center",
              fontsize=8, color=ink)  # fmt: skip


def comparison(found: Comparison) -> "Figure":
    """Draw the ratio of times after to before with its interval, for each solver and family.

    Where that is more than 30 rows, single families are shown only if they have changed.
    """
    rows = _shown(found.times)
    names = [change.solver if change.family is None else f"   {change.family}" for change in rows]
    left = 32 + min(200, max((text_width(name, 9.5) for name in names), default=0))
    notes = [_words(change) for change in rows]
    right = 26 + max((text_width(note, 8.5) for note in notes), default=100)
    ends = [x for c in rows for x in (c.low, c.high, c.ratio) if x is not None]
    far = min(_FARTHEST, max([1.3, *(max(x, 1 / x) * 1.08 for x in ends if x > 0)]))
    about = f"{found.pairs} pairs of runs; intervals hold all together with 95 %; shaded: less "
    about += f"than {100 * found.threshold:g} % of change"
    about += "" if found.same_machine else "; NOT THE SAME MACHINE"
    tall = 74 + _FOREST * max(3, len(rows)) + 62
    with plain_rc():
        figure, axes = frame("Time after over time before", about, height=tall, left=left,
                             right=right)  # fmt: skip
        scales.log_axis(axes, "x", 1 / far, far, _factor, _factors(far))
        axes.set_ylim(max(3, len(rows)) - 0.4, -0.6)
        axes.set_yticks([])
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.axvspan(1 / (1 + found.threshold), 1 + found.threshold, color=LIGHT, alpha=0.6,
                     linewidth=0)  # fmt: skip
        axes.axvline(1.0, color=GREY, linewidth=0.9)
        for i, (change, name, note) in enumerate(zip(rows, names, notes, strict=True)):
            _forest_row(axes, i, change, fitting(name, 9.5, 200), note, far)
        axes.set_xlabel("faster  ←   ratio of times   →  slower")
        if not rows:
            nothing(axes, "there is nothing in common to compare")
    return figure


def _shown(changes: Sequence[TimeChange]) -> Sequence[TimeChange]:
    """Return all, or if they are many, of single families those that have changed."""
    if len(changes) <= _MANY:
        return changes
    return [c for c in changes if c.family is None or c.verdict in ("slower", "faster")]


def _forest_row(axes: "Axes", i: int, change: TimeChange, name: str, note: str, far: float) -> None:
    from matplotlib.transforms import blended_transform_factory

    across = blended_transform_factory(axes.transAxes, axes.transData)
    seen = change.verdict in ("slower", "faster")
    colour = {"slower": SLOW, "faster": FAST}.get(change.verdict, "#8a919b")
    is_whole = change.family is None
    axes.text(-0.025, i, name.strip(), transform=across, ha="right", va="center",
              fontsize=9.5 if is_whole else 8.5, color=INK if is_whole else GREY)  # fmt: skip
    axes.text(1.025, i, note, transform=across, va="center", fontsize=8.5,
              color=colour if seen else GREY)  # fmt: skip
    if change.ratio is None or change.low is None or change.high is None:
        return
    low, high = max(change.low, 1 / far), min(change.high, far)
    axes.plot([low, high], [i, i], color=colour, linewidth=2.2 if is_whole else 1.4)
    for end, cut, marker in ((1 / far, change.low < 1 / far, "<"), (far, change.high > far, ">")):
        if cut:
            axes.plot([end], [i], marker=marker, color=colour, markersize=6, clip_on=False)
    if 1 / far <= change.ratio <= far:
        axes.plot([change.ratio], [i], marker="o", color=colour, markersize=6.5 if is_whole else 5,
                  markeredgecolor=PAPER, markeredgewidth=0.8)  # fmt: skip


def _words(change: TimeChange) -> str:
    counted = f"{change.pairs} pair{'' if change.pairs == 1 else 's'}"
    if change.ratio is None or change.low is None or change.high is None:
        return f"{change.verdict} ({change.pairs})"
    seen = change.verdict in ("slower", "faster")
    text = changed(change.ratio) if seen else change.verdict
    low, high = (f"{100 * (end - 1):+,.0f}".replace("-", "−") for end in (change.low, change.high))
    return f"{text}  ({low} to {high} %), {counted}"


def _factor(ratio: float) -> str:
    return f"{ratio:.2f}".rstrip("0").rstrip(".") + "×" if ratio != 1 else "same"


def _factors(far: float) -> Sequence[float]:
    up = [1.1, 1.2, 1.5] if far < 1.7 else [1.25, 1.5, 2, 3] if far < 3.5 else [2, 4, 8]
    up = [ratio for ratio in up if ratio <= far]
    return [*(1 / ratio for ratio in reversed(up)), 1.0, *up]
