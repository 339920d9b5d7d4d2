"""Figures of samples: points among all points, and shares side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._figure import DPI, GREY, PAPER, OneAxes, Style, frame, styles, text_width
from ._figure_axes import Axis
from ._name_fitting import fitting_apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PairedBars", "Scatter"]

_BELOW, _ABOVE = 56, 74
_FEW = 4  # categories, of which there are at least as many in height
_MANY = 10  # categories, from which shares are whole %
_THICK = 0.38  # of a bar, of the room for two


@dataclass(frozen=True, kw_only=True)
class Scatter(OneAxes):
    """Points on two axes: the last ones large, on top of all others, which are small and pale.

    Parameters
    ----------
    points : mapping of str to ndarray (n, 2)
    x, y : Axis
    looks : mapping of str to Style
        Of names that stand in other figures too; others get styles of their own.
    """

    points: Mapping[str, NDArray[np.float64]]
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    looks: Mapping[str, Style] = field(default_factory=dict)

    @property
    def names(self) -> Sequence[str]:
        """What is drawn."""
        return list(self.points)

    def _drawn(self) -> "Axes":
        _, axes = frame(self.title, self.about, right=20)
        self._fill(axes)
        return axes

    def _fill(self, axes: "Axes") -> None:
        self.fill(axes, styles(self.points) | dict(self.looks))
        axes.legend(frameon=False, loc="best", handletextpad=0.2)

    def fill(self, axes: "Axes", looks: Mapping[str, Style]) -> None:
        """Draw all but the title and the names."""
        self.x.apply(axes, "x")
        self.y.apply(axes, "y")
        for place, (name, points) in enumerate(self.points.items()):
            style = looks[name]
            look: Any = {"color": style.colour, "linestyle": "", "label": name, "zorder": 3 + place}
            if place == len(self.points) - 1:
                look |= {"markersize": 6.5, "markeredgecolor": PAPER, "markeredgewidth": 0.8}
            else:
                look |= {"markersize": 3.2, "markeredgewidth": 0, "alpha": 0.45}
            axes.plot(points[:, 0], points[:, 1], style.marker, **look)


@dataclass(frozen=True, kw_only=True)
class PairedBars(OneAxes):
    """Shares of categories, one bar below the other for each name that is compared.

    Parameters
    ----------
    shares : mapping of str to mapping of str to float
        For each name the share of each category.
    looks : mapping of str to Style
        Of names that stand in other figures too; others get styles of their own.
    """

    shares: Mapping[str, Mapping[str, float]]
    looks: Mapping[str, Style] = field(default_factory=dict)

    @property
    def names(self) -> Sequence[str]:
        """What is compared."""
        return list(self.shares)

    def _drawn(self) -> "Axes":
        height = _ABOVE + _BELOW + 40 * max(2, len(self._levels))
        left = 30 + min(220.0, max((text_width(one, 9) for one in self._levels), default=0))
        _, axes = frame(self.title, self.about, height=height, left=left, right=60)
        self._fill(axes)
        return axes

    @property
    def _levels(self) -> list[str]:
        return list(next(iter(self.shares.values())))

    def _fill(self, axes: "Axes") -> None:
        self.fill(axes, styles(self.shares) | dict(self.looks))
        axes.legend(frameon=False, loc="lower right")

    def fill(self, axes: "Axes", looks: Mapping[str, Style]) -> None:
        """Draw all but the title and the names."""
        levels = self._levels
        most = max((max(one.values()) for one in self.shares.values()), default=1.0)
        percent = lambda share: f"{100 * share:.0f} %"  # noqa: E731 - as ticks are written
        Axis("", reach=(0.0, 1.35 * most), text=percent).apply(axes, "x")
        axes.locator_params(axis="x", nbins=3)
        axes.set_ylim(max(len(levels), _FEW) - 0.45, -0.55)
        axes.grid(visible=False, axis="y")
        axes.set_yticks(range(len(levels)), fitting_apart(levels, 9, max(40, _room(axes))))
        axes.tick_params(axis="y", length=0)
        for place, (name, shares) in enumerate(self.shares.items()):
            at = np.arange(len(levels)) + (place - (len(self.shares) - 1) / 2) * _THICK
            lengths = [shares.get(level, 0.0) for level in levels]
            colour = looks[name].colour
            axes.barh(at, lengths, height=_THICK, color=colour, linewidth=0, label=name)
        for y, level in enumerate(levels):
            lengths = [shares.get(level, 0.0) for shares in self.shares.values()]
            whole = len(levels) >= _MANY
            note = " / ".join(_percent(length, whole) for length in lengths)
            end = max(lengths) + 0.03 * most
            axes.text(end, y, note, fontsize=8, color=GREY, va="center")


def _percent(share: float, whole: bool) -> str:
    if whole and share >= 0.0995:
        return f"{100 * share:.0f}"
    return f"{100 * share:.1f}".removesuffix(".0")


def _room(axes: "Axes") -> float:
    """Return the pixels on the left of axes, up to the next ones or the edge of the figure."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    own = axes.get_position()
    others = [other.get_position() for other in figure.axes if other is not axes]
    abreast = [one.x1 for one in others if one.x1 <= own.x0 and one.y0 < own.y1 and one.y1 > own.y0]
    return float((own.x0 - max(abreast, default=0.0)) * figure.get_size_inches()[0] * DPI) - 14
