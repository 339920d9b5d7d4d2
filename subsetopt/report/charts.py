"""Charts of series, alone or side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._figure import (
    DPI,
    GREY,
    INK,
    PAPER,
    WIDTH,
    Figure,
    OneAxes,
    Style,
    frame,
    size,
    styles,
)
from ._figure_axes import Axis, label_height, label_room, put_labels
from ._name_fitting import fitting_apart
from ._number_format import round_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["Chart", "Panels", "Series", "Strip"]

_STRIP, _GAP = 70, 30  # pixels
_ABREAST, _NAMES = 2, 4
"""Panels in a row, and names in a row of the legend."""
_LEAD = 380.0  # of the panel above the others
_TALL, _TOP, _HEADING, _TICKS, _LEGEND, _SIDE = 300, 70, 44, 62, 22, 80
"""Of a panel, above the panels, above and below its axes, of a row of the legend, on the left."""
Points = NDArray[np.float64]
_MARKS: Mapping[str, dict[str, object]] = {
    "filled": {"markersize": 6.2, "markeredgewidth": 0.5},
    "hollow": {"markersize": 6.2, "markeredgewidth": 1.2},
    "small": {"markersize": 3.6, "markeredgewidth": 0, "alpha": 0.45},
    "large": {"markersize": 9, "markeredgewidth": 0.5},
}


@dataclass(frozen=True)
class Series:
    """Points of one thing that is compared.

    Parameters
    ----------
    name : str
        Series of one name look alike.
    x, y : array_like (n,)
        NaN and infinities are gaps.
    low, high : array_like (n,), optional
        Intervals: a band below a line, bars at marks.
    note : str
        Beside the name, where the series ends.
    line : {"plain", "steps", ""}
    marks : {"filled", "hollow", "small", "large", ""}
    end : float, optional
        The y there, else the last one that is finite.
    label : bool
        Whether its name is written.
    bold : bool
        For what the others are compared with.
    """

    name: str
    x: ArrayLike
    y: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    _: KW_ONLY
    note: str = ""
    line: Literal["plain", "steps", ""] = "plain"
    marks: Literal["filled", "hollow", "small", "large", ""] = ""
    end: float | None = None
    label: bool = True
    bold: bool = False

    def draw(self, axes: "Axes", style: Style) -> None:
        """Draw it; what is not finite is left out."""
        x, y = np.asarray(self.x, dtype=float), _finite(self.y)
        if self.low is not None and self.high is not None:
            self._interval(axes, x, y, style)
        if self.line:
            steps, width = self.line == "steps", 2.6 if self.bold else 1.8
            known = np.pad(np.isfinite(y), 1)
            alone = known[1:-1] & ~known[:-2] & ~known[2:]  # no line runs through these points
            axes.plot(x[alone], y[alone], style.marker, color=style.colour, markersize=4)
            axes.plot(x, y, color=style.colour, linestyle=style.line, clip_on=not steps,
                      drawstyle="steps-post" if steps else "default", linewidth=width)  # fmt: skip
        if self.marks:
            edge = style.colour if self.marks == "hollow" else PAPER
            if self.marks == "large":
                edge = INK if self.bold else GREY
            face = PAPER if self.marks == "hollow" else style.colour
            options: Any = _MARKS[self.marks] | {"markerfacecolor": face, "markeredgecolor": edge}
            axes.plot(x, y, style.marker, zorder=3, clip_on=False, **options)

    def _interval(self, axes: "Axes", x: Points, y: Points, style: Style) -> None:
        low, high = (np.asarray(values, dtype=float) for values in (self.low, self.high))
        known = np.isfinite(y) & np.isfinite(high)
        if self.marks:
            axes.vlines(x[known], low[known], high[known], color=style.colour, linewidth=1.1)
        else:
            step: Any = "post" if self.line == "steps" else None
            axes.fill_between(x, low, high, where=known.tolist(), color=style.colour, alpha=0.13,
                              linewidth=0, step=step)  # fmt: skip

    def ending(self, axes: "Axes") -> float | None:
        """Return where it ends, as a share of the height of the axes; None without a point."""
        y = _finite(self.y)
        known = y[np.isfinite(y)]
        end = self.end if self.end is not None or not known.size else float(known[-1])
        if end is None or not np.isfinite(end):
            return None
        place = axes.transData.transform((axes.get_xlim()[1], end))
        share = float(axes.transAxes.inverted().transform(place)[1])
        return min(1.0, max(0.0, share)) if np.isfinite(share) else 0.0


def _finite(values: ArrayLike) -> Points:
    found = np.asarray(values, dtype=float)
    return np.where(np.isfinite(found), found, np.nan)


@dataclass(frozen=True)
class Strip:
    """Shares (n,) below a chart, between edges (n + 1,) on its x axis."""

    edges: ArrayLike
    shares: ArrayLike
    label: str

    def draw(self, above: "Axes", x: Axis) -> None:
        """Draw it below axes, and the x axis below itself."""
        figure = above.get_figure(root=True)
        assert figure is not None
        box, tall = above.get_position(), figure.get_size_inches()[1] * DPI
        place = (box.x0, box.y0 - (_GAP + _STRIP) / tall, box.width, _STRIP / tall)
        axes = figure.add_axes(place, sharex=above)
        shares, edges = np.nan_to_num(np.asarray(self.shares, dtype=float)), np.asarray(self.edges)
        highest = float(shares.max(initial=0.0))
        top = next((one for one in (0.1, 0.2, 0.5) if highest <= one), 1.0)
        width = np.diff(edges)
        axes.bar(edges[:-1], shares, width, align="edge", color="#aeb4bc", linewidth=0)
        Axis(self.label, reach=(0, top), text=round_percent, ticks=[0, top]).apply(axes, "y")
        x.apply(axes, "x")
        axes.tick_params(length=3, width=0.8, pad=4)
        above.tick_params(axis="x", labelbottom=False)
        above.set_xlabel("")
        for one in (above, axes):
            one.yaxis.set_label_coords(-52 / size(above)[0], 0.5)


@dataclass(frozen=True)
class Chart(OneAxes):
    """Series on two axes, their names where they end.

    Parameters
    ----------
    series : sequence of Series
        The first lies on top.
    x, y : Axis
    looks : mapping of str to Style
        Of names that stand in other figures too; others get styles of their own.
    level : float, optional
        A dashed line across.
    strip : Strip, optional
    left, tall, width : float
        The margin on the left, the least height and the width, in pixels.
    """

    series: Sequence[Series] = ()
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    _: KW_ONLY
    looks: Mapping[str, Style] | None = None
    level: float | None = None
    strip: Strip | None = None
    left: float = 78
    tall: float = 460
    width: float = WIDTH

    def _drawn(self) -> "Axes":
        looks = styles(sorted({one.name for one in self.series})) | dict(self.looks or {})
        named = [one for one in self.series if one.label]
        bottom = 56 if self.strip is None else 56 + _STRIP + _GAP
        right, tall = label_room(named), label_height(named, self.tall)
        _, axes = frame(
            self.title,
            self.about,
            height=tall,
            left=self.left,
            right=right,
            bottom=bottom,
            width=self.width,
        )
        self.fill(axes, looks)
        put_labels(axes, named, looks, markers=any(one.marks for one in self.series))
        if self.strip is not None:
            self.strip.draw(axes, self.x)
        return axes

    @property
    def names(self) -> Sequence[str]:
        """The names of the series."""
        return [one.name for one in self.series]

    def _fill(self, axes: "Axes") -> None:
        every = styles(sorted(set(self.names))) | dict(self.looks or {})
        looks = {name: every[name] for name in dict.fromkeys(self.names)}
        self.fill(axes, looks)
        axes.legend(_samples(looks), list(looks), frameon=False)

    def fill(self, axes: "Axes", looks: Mapping[str, Style]) -> None:
        """Draw all but the title and the names."""
        self.x.apply(axes, "x")
        self.y.apply(axes, "y")
        if self.level is not None:
            axes.axhline(self.level, color=INK, linestyle=(0, (6.0, 3.0)), linewidth=1.1)
        for one in reversed(self.series):
            one.draw(axes, looks[one.name])


class Panel(Protocol):
    """What fills one of several pairs of axes of a figure."""

    @property
    def title(self) -> str:
        """What stands above it."""

    @property
    def about(self) -> str:
        """What stands below that."""

    @property
    def names(self) -> Sequence[str]:
        """What the legend of the figure has to name."""

    def fill(self, axes: "Axes", looks: Mapping[str, Style]) -> None:
        """Draw all but the title and the names."""


@dataclass(frozen=True, kw_only=True)
class Panels(Figure):
    """Charts in rows of two, their titles above them; the names of all series stand below.

    Parameters
    ----------
    charts : sequence of Panel
    looks : mapping of str to Style
        Of names that stand in other figures too; others get styles of their own.
    lead : Panel, optional
        As wide as the figure, above the others.
    width, tall, foot : float
        Of the figure, of a panel with its title and ticks, and of what is below its axes, in
        pixels.
    """

    charts: Sequence[Panel]
    looks: Mapping[str, Style] = field(default_factory=dict)
    lead: Panel | None = None
    width: float = WIDTH
    tall: float = _TALL
    foot: float = _TICKS

    def _drawn(self) -> "Axes":
        every = [*([] if self.lead is None else [self.lead]), *self.charts]
        names = dict.fromkeys(name for chart in every for name in chart.names)
        looks = {name: (styles(names) | dict(self.looks))[name] for name in names}
        down = ceil(len(self.charts) / _ABREAST)
        lead = 0.0 if self.lead is None else _LEAD
        below = ceil(len(looks) / _NAMES) * _LEGEND + 14
        height = _TOP + lead + max(1 - bool(lead), down) * self.tall + below
        abreast = min(_ABREAST, max(1, len(self.charts)))
        boxes = [(0.0, height - _TOP - lead, self.width - 20.0, lead)] if lead else []
        wide = (self.width - 20) / abreast
        for place in range(max(len(self.charts), 1 - bool(lead))):
            row, column = divmod(place, abreast)
            boxes.append((column * wide, below + (down - 1 - row) * self.tall, wide, self.tall))
        axes: list[Axes] = []
        for box in boxes:
            axes.append(self._axes(axes[0] if axes else None, height, *box))
        width = min(size(one)[0] for one in axes) + 12
        titles = fitting_apart([chart.title for chart in every], 10, width)
        for one, chart, title in zip(axes, every, titles, strict=False):
            one.set_title(title, fontsize=10, loc="left", pad=18 if chart.about else 6)
            offset: Any = {"xytext": (0, 5), "textcoords": "offset points", "fontsize": 8.5}
            one.annotate(chart.about, (0, 1), xycoords="axes fraction", color=GREY, **offset)
            chart.fill(one, looks)
        figure = axes[0].get_figure(root=True)
        assert figure is not None
        _legend(figure, looks, height)
        return axes[0]

    def _axes(
        self, first: "Axes | None", height: float, x: float, y: float, wide: float, tall: float
    ) -> "Axes":
        """Return new axes in a box, in pixels; without others those of a new figure."""
        foot = _TICKS if tall == _LEAD else self.foot
        left, bottom = x + _SIDE, y + foot
        across, up = wide - _SIDE - 20, tall - foot - _HEADING
        if first is None:
            right, top = self.width - left - across, height - bottom - up
            _, axes = frame(
                self.title, self.about, height=height, left=left, right=right, top=top,
                bottom=bottom, width=self.width,
            )  # fmt: skip
            return axes
        figure = first.get_figure(root=True)
        assert figure is not None
        box = (left / self.width, bottom / height, across / self.width, up / height)
        axes = figure.add_axes(box)
        axes.tick_params(length=3, width=0.8, pad=4)
        return axes


def _legend(figure: "Drawn", looks: Mapping[str, Style], height: float) -> None:
    figure.legend(
        _samples(looks), list(looks), loc="lower center", ncols=_NAMES, frameon=False, fontsize=9,
        handlelength=2.6, bbox_to_anchor=(0.5, 4 / height),
    )  # fmt: skip


def _samples(looks: Mapping[str, Style]) -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D(
            [], [], color=x.colour, linestyle=x.line, marker=x.marker, markersize=5, linewidth=1.7
        )
        for x in looks.values()
    ]
