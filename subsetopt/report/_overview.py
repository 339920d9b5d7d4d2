"""A picture of groups of rows: where they lie, and how far each column of them is from all."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ._figure import DPI, GREY, INK, LIGHT, PAPER, OneAxes, fitting, styles, text_width
from ._name_fitting import fitting_apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

_WIDE, _LEFT, _RIGHT = 640, 26, 24
_TOP, _CLOUD, _GAP, _ROW, _FOOT = 92, 330, 96, 32, 64
_TITLE, _TEXT, _SMALL = 15.0, 12.5, 11.5
"""Points; at 400 pixels five eighths of it are left."""
_NAMES = 210  # pixels for the names of rows
_TURNS = 8


@dataclass(frozen=True)
class Gauge:
    """What a row of the lower half shows: a value of each method, the first set off."""

    name: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Overview(OneAxes):
    """Points of several groups, and below them values of several methods for each row.

    It is narrower than other figures and its text larger, so that it can be read at 400 pixels.

    Parameters
    ----------
    points : array_like (n, 2)
    groups : array_like of int (n,)
        The group of each point.
    names : sequence of str
        Of the groups.
    measures : sequence of Measure
    label : str
        Of the axis of the measures.
    axes_about : str
        What the plane of the points is.
    """

    points: ArrayLike = ()
    groups: ArrayLike = ()
    names: Sequence[str] = ()
    _: KW_ONLY
    measures: Sequence[Gauge] = field(default_factory=tuple)
    label: str = ""
    axes_about: str = ""

    def _drawn(self) -> "Axes":
        from matplotlib.figure import Figure as Drawing

        rows = len(self.measures)
        tall = _TOP + _CLOUD + (_GAP + _ROW * rows + _FOOT if rows else 40)
        figure = Drawing(figsize=(_WIDE / DPI, tall / DPI), dpi=DPI)
        figure.set_label(self.title)
        self._head(figure, tall)
        low = (tall - _TOP - _CLOUD) / tall
        cloud = figure.add_axes(
            (_LEFT / _WIDE, low, (_WIDE - _LEFT - _RIGHT) / _WIDE, _CLOUD / tall)
        )
        self._cloud(cloud)
        if rows:
            left = 22 + min(_NAMES, max(text_width(one.name, _TEXT) for one in self.measures))
            self._measures(
                figure.add_axes(
                    (left / _WIDE, _FOOT / tall, (_WIDE - left - 30) / _WIDE, _ROW * rows / tall)
                )
            )
            self._key(figure, tall, _FOOT + _ROW * rows + 30)
        return cloud

    def _head(self, figure: "Drawn", tall: float) -> None:
        room = _WIDE - 28
        title = fitting(self.title, _TITLE, room * 0.93)
        figure.text(14 / _WIDE, 1 - 24 / tall, title, fontsize=_TITLE, weight="bold", va="center")
        about = fitting(self.about, _SMALL, room)
        figure.text(14 / _WIDE, 1 - 49 / tall, about, fontsize=_SMALL, color=GREY, va="center")
        looks, x = styles(self.names), 14.0
        for number, name in enumerate(self.names):
            text = fitting(name, _TEXT, 150)
            wide = 24 + text_width(text, _TEXT) + 20
            if x + wide > _WIDE - 40 and number + 1 < len(self.names):
                rest = f"and {len(self.names) - number} more"
                figure.text(x / _WIDE, 1 - 76 / tall, rest, fontsize=_TEXT, va="center", color=GREY)
                break
            look = looks[name]
            _mark(figure, (x + 8) / _WIDE, 1 - 76 / tall, look.colour, look.marker)
            figure.text((x + 22) / _WIDE, 1 - 76 / tall, text, fontsize=_TEXT, va="center")
            x += wide

    def _fill(self, axes: "Axes") -> None:
        """Draw the groups alone, and name them."""
        self._cloud(axes)
        axes.legend(frameon=False, loc="best", handletextpad=0.2)

    def _cloud(self, axes: "Axes") -> None:
        points = np.asarray(self.points, dtype=float).reshape(-1, 2)
        groups, looks = np.asarray(self.groups), styles(self.names)
        sizes = np.bincount(groups, minlength=len(self.names))
        dot = float(np.clip(90 / max(1, len(points)) ** 0.5, 1.2, 6.0))
        several = [points[groups == part] for part in range(len(self.names))]
        for turn in range(_TURNS):  # so that no group lies on top of all others
            for part in np.argsort(-sizes, kind="stable"):
                look, own = looks[self.names[part]], several[part][turn::_TURNS]
                axes.plot(
                    own[:, 0], own[:, 1], look.marker, color=look.colour, markersize=dot + 1,
                    markeredgewidth=0.3, markeredgecolor=PAPER, alpha=0.75, linestyle="none",
                    label="" if turn else self.names[part],
                )  # fmt: skip
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(True)
            side.set_color(LIGHT)
        axes.grid(visible=False)
        axes.set_xlabel(self.axes_about, fontsize=_SMALL, color=GREY, labelpad=6)
        axes.set_xlim(*_ends(points[:, 0]))
        axes.set_ylim(*_ends(points[:, 1]))

    def _measures(self, axes: "Axes") -> None:
        for i, one in enumerate(self.measures):
            known = [value for value in one.values.values() if np.isfinite(value)]
            if known:
                axes.plot([min(known), max(known)], [i, i], color=LIGHT, linewidth=2.4, zorder=1)
            for number, value in reversed(list(enumerate(one.values.values()))):
                axes.plot([value], [i], zorder=3, clip_on=False, **_look(number))
        names = fitting_apart([one.name for one in self.measures], _TEXT, _NAMES)
        axes.set_yticks(range(len(names)), names, fontsize=_TEXT, color=INK)
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=_SMALL, length=3)
        axes.set_ylim(len(names) - 0.5, -0.5)
        most = max((v for one in self.measures for v in one.values.values()), default=0.0)
        axes.set_xlim(0, 1.06 * most or 1.0)
        axes.locator_params(axis="x", nbins=5)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(self.label, fontsize=_SMALL)

    def _key(self, figure: "Drawn", tall: float, y: float) -> None:
        x = 14.0
        for number, name in enumerate(self.measures[0].values):
            look = _look(number)
            _mark(figure, (x + 8) / _WIDE, y / tall, look["mec"], look["marker"], look["mfc"])
            figure.text((x + 22) / _WIDE, y / tall, name, fontsize=_TEXT, va="center", color=INK)
            x += 22 + text_width(name, _TEXT) + 24


_LOOKS = (("o", "#0072b2", "#0072b2"), ("s", "#d55e00", PAPER), ("^", "#444a52", PAPER))


def _look(number: int) -> dict[str, Any]:
    """Return how values of a method are drawn: the first filled."""
    marker, edge, face = _LOOKS[min(number, len(_LOOKS) - 1)]
    return {"marker": marker, "mec": edge, "mfc": face, "markersize": 8.5, "mew": 1.6}


def _mark(
    figure: "Drawn", x: float, y: float, edge: str, marker: str, face: str | None = None
) -> None:
    from matplotlib.lines import Line2D

    figure.add_artist(
        Line2D(
            [x], [y], marker=marker, markersize=8, mec=edge, mfc=face or edge, linestyle="none",
            mew=1.5,
        )
    )  # fmt: skip


def _ends(values: Any) -> tuple[float, float]:
    """Return ends of an axis that leave a margin; 1 of 1,000 points may lie outside on a side."""
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [0.001, 0.999])
    room = 0.06 * (high - low) or 0.5
    return float(low - room), float(high + room)
