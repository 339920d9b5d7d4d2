"""Charts side by side, with one legend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from ._figure_style import WIDTH, Style, frame, styles
from .charts import Chart, Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn

__all__ = ["Panels"]

_ABREAST, _NAMES = 2, 4
"""Panels in a row, and names in a row of the legend."""
_TALL, _TOP, _HEADING, _TICKS, _LEGEND, _SIDE = 300, 70, 30, 62, 22, 80
"""Of a panel, above the panels, above and below its axes, of a row of the legend, on the left."""


@dataclass(frozen=True, kw_only=True)
class Panels(Figure):
    """Charts in rows of two, their titles above them; the names of all series stand below.

    Parameters
    ----------
    charts : sequence of Chart
    looks : mapping of str to Style
        Of names that stand in other figures too; others get styles of their own.
    """

    charts: Sequence[Chart]
    looks: Mapping[str, Style] = field(default_factory=dict)

    def _drawn(self) -> "Axes":
        names = dict.fromkeys(one.name for chart in self.charts for one in chart.series)
        looks = {name: (styles(names) | dict(self.looks))[name] for name in names}
        abreast = min(_ABREAST, max(1, len(self.charts)))
        down = max(1, ceil(len(self.charts) / abreast))
        below = ceil(len(looks) / _NAMES) * _LEGEND + 14
        height = _TOP + down * _TALL + below
        wide, tall = (WIDTH - 20) / abreast, _TALL - _TICKS - _HEADING
        figure, first = frame(
            self.title, self.about, height=height, left=_SIDE, right=WIDTH - _SIDE - wide + 100,
            top=_TOP + _HEADING, bottom=height - _TOP - _HEADING - tall,
        )  # fmt: skip
        for place, chart in enumerate(self.charts):
            row, column = divmod(place, abreast)
            left, bottom = _SIDE + column * wide, below + (down - 1 - row) * _TALL + _TICKS
            box = (left / WIDTH, bottom / height, (wide - 100) / WIDTH, tall / height)
            axes = figure.add_axes(box) if place else first
            axes.tick_params(length=3, width=0.8, pad=4)
            axes.set_title(chart.title, fontsize=10, loc="left")
            chart.fill(axes, looks)
        _legend(figure, looks, height)
        return first


def _legend(figure: "Drawn", looks: Mapping[str, Style], height: float) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D(
            [], [], color=x.colour, linestyle=x.line, marker=x.marker, markersize=5, linewidth=1.7
        )
        for x in looks.values()
    ]
    figure.legend(
        lines, list(looks), loc="lower center", ncols=_NAMES, frameon=False, fontsize=9,
        handlelength=2.6, bbox_to_anchor=(0.5, 4 / height),
    )  # fmt: skip
