"""Figures of rows: intervals, stacked bars, and matrices of shades."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING

from .charts import Figure
from .figure_axes import Axis
from .figure_style import FAST, GREY, INK, LIGHT, PAPER, SLOW, WIDTH, fitting, frame, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"good": FAST, "bad": SLOW, "": "#8a919b"}
_SHADES = ("#f4efe7", "#d3e3e4", "#86b9c2", "#3b8599", "#12495c")
_WIDEST, _CELL, _HEAD = 200, 40, 52


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A row of a forest plot; `kind` is good, bad or empty, `is_part` of the row above."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""
    kind: str = ""
    is_part: bool = False

    def draw(self, axes: "Axes", i: int) -> None:
        """Draw it; what lies beyond the axes is an arrow at their edge."""
        from matplotlib.transforms import blended_transform_factory

        across = blended_transform_factory(axes.transAxes, axes.transData)
        colour, points = COLOURS[self.kind], 8.5 if self.is_part else 9.5
        axes.text(-0.02, i, fitting(self.name, points, _WIDEST), transform=across, ha="right",
                  va="center", fontsize=points, color=GREY if self.is_part else INK)  # fmt: skip
        axes.text(1.025, i, self.note, transform=across, va="center", fontsize=8.5,
                  color=colour if self.kind else GREY)  # fmt: skip
        first, last = axes.get_xlim()
        if self.low is not None and self.high is not None:
            axes.plot([max(self.low, first), min(self.high, last)], [i, i], color=colour,
                      linewidth=1.4 if self.is_part else 2.2)  # fmt: skip
            for end, cut, marker in ((first, self.low < first, "<"), (last, self.high > last, ">")):
                if cut:
                    axes.plot([end], [i], marker=marker, color=colour, markersize=6, clip_on=False)
        if self.value is not None and first <= self.value <= last:
            axes.plot(
                [self.value], [i], marker="o", markersize=5 if self.is_part else 6.5,
                markerfacecolor=PAPER if self.low is None else colour,
                markeredgecolor=colour if self.low is None else PAPER, markeredgewidth=0.9,
            )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Forest(Figure):
    """Intervals below each other, beside a value that stands for no difference.

    Parameters
    ----------
    rows : sequence of Interval
    x : Axis
    zero : float
        Where a line is drawn.
    shade : tuple of two floats, optional
        What is too little to matter.
    sides : tuple of two str
        What it means to lie on the left and on the right: worse or better.
    """

    rows: Sequence[Interval]
    x: Axis
    zero: float = 0.0
    shade: tuple[float, float] | None = None
    sides: tuple[str, str] = ("", "")

    def _drawn(self) -> "Axes":
        rows = self.rows
        left = 32 + min(_WIDEST, max((text_width(row.name, 9.5) for row in rows), default=0))
        right = 26 + max((text_width(row.note, 8.5) for row in rows), default=100)
        top = 88 if any(self.sides) else 74
        height = top + 24 * max(3, len(rows)) + 62
        _, axes = frame(self.title, self.about, height=height, left=left, right=right, top=top)
        self.x.apply(axes, "x")
        axes.set_ylim(max(3, len(rows)) - 0.4, -0.6)
        axes.set_yticks([])
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        if self.shade is not None:
            axes.axvspan(*self.shade, color=LIGHT, alpha=0.6, linewidth=0)
        axes.axvline(self.zero, color=GREY, linewidth=0.9)
        for x, side, where in zip((0.0, 1.0), self.sides, ("left", "right"), strict=True):
            axes.text(x, 1.0, f"← {side}" if x == 0.0 and side else f"{side} →" if side else "",
                      transform=axes.transAxes, ha=where, va="bottom", fontsize=9,
                      color=SLOW if side == "worse" else FAST)  # fmt: skip
        for i, row in enumerate(rows):
            row.draw(axes, i)
        return axes


@dataclass(frozen=True, kw_only=True)
class Bars(Figure):
    """A bar of parts for each name.

    Parameters
    ----------
    rows : mapping of str to mapping of str to float
        The parts of each name.
    colours : mapping of str to str
        Of the parts.
    notes : mapping of str to str
        Behind the bar of a name.
    label : str
        Of the axis.
    """

    rows: Mapping[str, Mapping[str, float]]
    colours: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)
    label: str = ""

    def _drawn(self) -> "Axes":
        left = 26 + min(_WIDEST, max((text_width(name, 9) for name in self.rows), default=0))
        tall = 74 + 22 + 26 * max(1, len(self.rows)) + 46
        _, axes = frame(self.title, self.about, height=tall, left=left, right=80, top=96, bottom=46)
        most = max((sum(parts.values()) for parts in self.rows.values()), default=0.0)
        axes.set_xlim(0, most * 1.02 or 1.0)
        axes.set_ylim(max(1, len(self.rows)) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_yticks(range(len(self.rows)), [fitting(name, 9, _WIDEST) for name in self.rows])
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(self.label)
        for i, (name, parts) in enumerate(self.rows.items()):
            start = 0.0
            for part, colour in self.colours.items():
                long = parts.get(part, 0.0)
                axes.barh([i], [long], left=[start], height=0.68, color=colour, linewidth=0)
                start += long
            axes.annotate(self.notes.get(name, ""), (start, i), (6, 0), fontsize=9, color=GREY,
                          textcoords="offset points", va="center",
                          annotation_clip=False)  # fmt: skip
        self._legend(axes, left, tall)
        return axes

    def _legend(self, axes: "Axes", left: float, tall: float) -> None:
        """Name the colours in a line above the bars."""
        figure = axes.get_figure(root=True)
        assert figure is not None
        x, y = left, 1 - 76 / tall
        for part, colour in self.colours.items():
            figure.text(x / WIDTH, y, "■", color=colour, fontsize=11, va="center")
            figure.text((x + 15) / WIDTH, y, part, color=GREY, fontsize=9, va="center")
            x += 15 + text_width(part, 9) + 22


@dataclass(frozen=True)
class Shade:
    """A cell of a matrix: a share from 0 to 1, what stands there, and what below it."""

    share: float
    text: str
    below: str = ""

    def draw(self, axes: "Axes", i: int, j: int, width: float) -> None:
        """Draw it in row i and column j."""
        from matplotlib.colors import LinearSegmentedColormap
        from matplotlib.patches import Rectangle

        colour = LinearSegmentedColormap.from_list("shades", _SHADES)(self.share)
        corner, sides = (j + 1.5 / width, i + 1.5 / _CELL), (1 - 3 / width, 1 - 3 / _CELL)
        axes.add_patch(Rectangle(corner, *sides, facecolor=colour, linewidth=0))
        ink = PAPER if self.share > 0.55 else INK
        axes.text(j + 0.5, i + 0.34, self.text, ha="center", va="center", fontsize=10,
                  weight="bold", color=ink)  # fmt: skip
        axes.text(j + 0.5, i + 0.71, fitting(self.below, 8, width - 6), ha="center", va="center",
                  fontsize=8, color=ink)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Matrix(Figure):
    """Shades under headings.

    Parameters
    ----------
    rows : sequence of str
    columns : mapping of str to str
        Headings, and what is said below them.
    cells : mapping of (row, column) to Shade
        Others are empty.
    """

    rows: Sequence[str]
    columns: Mapping[str, str]
    cells: Mapping[tuple[str, str], Shade]

    def _drawn(self) -> "Axes":
        across, down = max(1, len(self.columns)), max(1, len(self.rows))
        left = 30 + min(_WIDEST, max((text_width(name, 9.5) for name in self.rows), default=0))
        width = min(190.0, (WIDTH - left - 24) / across)
        _, axes = frame(
            self.title, self.about, height=74 + _HEAD + _CELL * down + 16, left=left, top=66,
            right=WIDTH - left - width * across, bottom=8,
        )  # fmt: skip
        axes.set_axis_off()
        axes.set_xlim(0, across)
        axes.set_ylim(down, -_HEAD / _CELL)
        for j, (name, below) in enumerate(self.columns.items()):
            self._head(axes, j, name, below, width)
        for i, row in enumerate(self.rows):
            axes.text(-10 / width, i + 0.5, fitting(row, 9.5, _WIDEST), ha="right", va="center",
                      fontsize=9.5)  # fmt: skip
            for j, column in enumerate(self.columns):
                if (cell := self.cells.get((row, column))) is not None:
                    cell.draw(axes, i, j, width)
                else:
                    axes.text(j + 0.5, i + 0.5, "–", ha="center", va="center", color="#b4b9c0")
        return axes

    def _head(self, axes: "Axes", j: int, name: str, below: str, width: float) -> None:
        top = -_HEAD / _CELL
        points = next((x for x in (9.5, 8.5) if text_width(name, x, bold=True) < width - 6), 7.5)
        middle = {"ha": "center", "va": "center"}
        axes.text(j + 0.5, top + 0.22, fitting(name, points, 0.9 * width), fontsize=points,
                  weight="bold", **middle)  # type: ignore[arg-type]  # fmt: skip
        for line, text in enumerate(wrap(below, max(10, int(width / 6.2)))[:2]):
            axes.text(j + 0.5, top + 0.58 + 0.33 * line, fitting(text, 7.5, width - 2),
                      fontsize=7.5, color=GREY, **middle)  # type: ignore[arg-type]  # fmt: skip
