"""Figures of rows: intervals, stacked bars, and matrices of shades."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING

from ._figure import (
    FAST,
    GREY,
    INK,
    LIGHT,
    PAPER,
    SLOW,
    WIDTH,
    Figure,
    OneAxes,
    fitting,
    frame,
    text_width,
    write,
)
from ._figure_axes import Axis
from ._name_fitting import fitting_apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Bars", "Forest", "Interval", "Matrix", "Shade"]

_COLOURS = {"good": FAST, "bad": SLOW, "": "#8a919b"}
_SHADES = ("#f4efe7", "#d3e3e4", "#86b9c2", "#3b8599", "#12495c")
_WIDEST, _CELL, _HEAD = 200, 40, 52


def _left(names: Sequence[str], points: float) -> float:
    return 32 + min(_WIDEST, max((text_width(name, points) for name in names), default=0))


@dataclass(frozen=True)
class Interval:
    """A row of a forest plot; `kind` is good, bad or empty, `is_part` of the row above."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""
    kind: str = ""
    is_part: bool = False

    def draw(self, axes: "Axes", i: int, name: str) -> None:
        """Draw it, called `name`; what lies beyond the axes is an arrow at their edge."""
        across = axes.get_yaxis_transform()
        colour, points = _COLOURS[self.kind], 8.5 if self.is_part else 9.5
        ink = GREY if self.is_part else INK
        write(axes, -0.02, i, name, points, ink, "right", transform=across)
        note = colour if self.kind else GREY
        write(axes, 1.025, i, self.note, 8.5, note, "left", transform=across)
        first, last = axes.get_xlim()
        if self.low is not None and self.high is not None:
            ends, width = (max(self.low, first), min(self.high, last)), 1.4 if self.is_part else 2.2
            axes.plot(ends, [i, i], color=colour, linewidth=width)
            for end, cut, marker in ((first, self.low < first, "<"), (last, self.high > last, ">")):
                if cut:
                    axes.plot([end], [i], marker=marker, color=colour, markersize=6, clip_on=False)
        if self.value is not None and first <= self.value <= last:
            face, edge = (PAPER, colour) if self.low is None else (colour, PAPER)
            wide = 5 if self.is_part else 6.5
            axes.plot([self.value], [i], "o", markersize=wide, mfc=face, mec=edge, mew=0.9)


@dataclass(frozen=True)
class Forest(OneAxes):
    """Intervals below each other, with a line at a value that stands for no difference.

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
    width : float
        In pixels.
    """

    rows: Sequence[Interval] = ()
    x: Axis = field(default_factory=Axis)
    zero: float = 0.0
    shade: tuple[float, float] | None = None
    sides: tuple[str, str] | None = None
    width: float = WIDTH

    def _drawn(self) -> "Axes":
        right = 26 + max((text_width(row.note, 8.5) for row in self.rows), default=100)
        top, down = 88 if self.sides else 74, max(3, len(self.rows))
        left = _left([row.name for row in self.rows], 9.5)
        _, axes = frame(
            self.title,
            self.about,
            height=top + 24 * down + 62,
            left=left,
            right=right,
            top=top,
            width=self.width,
        )
        self._fill(axes)
        return axes

    def _fill(self, axes: "Axes") -> None:
        self.x.apply(axes, "x")
        axes.set_ylim(max(3, len(self.rows)) - 0.4, -0.6)
        axes.set_yticks([])
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        if self.shade is not None:
            axes.axvspan(*self.shade, color=LIGHT, alpha=0.6, linewidth=0)
        axes.axvline(self.zero, color=GREY, linewidth=0.9)
        for x, side in enumerate(self.sides or ()):
            text, colour = (f"{side} →" if x else f"← {side}"), SLOW if side == "worse" else FAST
            place = {"transform": axes.transAxes, "fontsize": 9, "va": "bottom"}
            axes.text(x, 1.0, text, ha="right" if x else "left", color=colour, **place)  # type: ignore[arg-type]
        names = fitting_apart([row.name for row in self.rows], 9.5, _WIDEST)
        for i, (row, name) in enumerate(zip(self.rows, names, strict=True)):
            row.draw(axes, i, name)


@dataclass(frozen=True)
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

    rows: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    label: str = ""

    def _drawn(self) -> "Axes":
        left, down = _left(list(self.rows), 9), max(1, len(self.rows))
        tall = 74 + 22 + 26 * down + 46
        figure, axes = frame(
            self.title, self.about, height=tall, left=left, right=80, top=96, bottom=46
        )
        most = max((sum(parts.values()) for parts in self.rows.values()), default=0.0)
        Axis(self.label, reach=(0, most * 1.02 or 1.0)).apply(axes, "x")
        axes.set_ylim(down - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_yticks(range(len(self.rows)), fitting_apart(list(self.rows), 9, _WIDEST))
        axes.tick_params(axis="y", length=0)
        for i, (name, parts) in enumerate(self.rows.items()):
            start = 0.0
            for part, colour in self.colours.items():
                long = parts.get(part, 0.0)
                axes.barh([i], [long], left=[start], height=0.68, color=colour, linewidth=0)
                start += long
            note = f"  {self.notes.get(name, '')}"
            write(axes, start, i, note, 9, GREY, "left")
        x, y = left, 1 - 76 / tall
        for part, colour in self.colours.items():  # named in a line above the bars
            figure.text(x / WIDTH, y, "■", color=colour, fontsize=11, va="center")
            figure.text((x + 15) / WIDTH, y, part, color=GREY, fontsize=9, va="center")
            x += 15 + text_width(part, 9) + 22
        return axes


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
        write(axes, j + 0.5, i + 0.34, self.text, 10, ink, weight="bold")
        write(axes, j + 0.5, i + 0.71, fitting(self.below, 8, width - 6), 8, ink)


@dataclass(frozen=True)
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

    rows: Sequence[str] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[tuple[str, str], Shade] = field(default_factory=dict)

    def _drawn(self) -> "Axes":
        across, down, left = (
            max(1, len(self.columns)),
            max(1, len(self.rows)),
            _left(self.rows, 9.5),
        )
        width = min(190.0, (WIDTH - left - 24) / across)
        tall, right = 74 + _HEAD + _CELL * down + 16, WIDTH - left - width * across
        _, axes = frame(
            self.title, self.about, height=tall, left=left, top=66, right=right, bottom=8
        )
        axes.set_axis_off()
        axes.set_xlim(0, across)
        axes.set_ylim(down, -_HEAD / _CELL)
        for j, (name, below) in enumerate(self.columns.items()):
            self._head(axes, j, name, below, width)
        for i, row in enumerate(self.rows):
            write(axes, -10 / width, i + 0.5, fitting(row, 9.5, _WIDEST), 9.5, ha="right")
            for j, column in enumerate(self.columns):
                if (cell := self.cells.get((row, column))) is not None:
                    cell.draw(axes, i, j, width)
                else:
                    write(axes, j + 0.5, i + 0.5, "–", 9, "#b4b9c0")
        return axes

    def _head(self, axes: "Axes", j: int, name: str, below: str, width: float) -> None:
        top = -_HEAD / _CELL
        points = next((x for x in (9.5, 8.5) if text_width(name, x, bold=True) < width - 6), 7.5)
        head = fitting(name, points, 0.9 * width)
        write(axes, j + 0.5, top + 0.22, head, points, weight="bold")
        for line, text in enumerate(wrap(below, max(10, int(width / 6.2)))[:2]):
            text = fitting(text, 7.5, width - 2)
            write(axes, j + 0.5, top + 0.58 + 0.33 * line, text, 7.5, GREY)
