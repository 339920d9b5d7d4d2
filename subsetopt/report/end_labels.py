"""Names at the ends of lines, instead of a legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .figure_style import GREY, INK, Style, fitting, size, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP = 17
"""Pixels between the middles of two labels."""
_POINTS, _SAMPLE, _LEADER, _WIDEST = 9, 24, 16, 170


@dataclass(frozen=True)
class Label:
    """What stands at the end of a line.

    Parameters
    ----------
    text : str
    note : str
        Beside it, in grey.
    style : Style
    y : float or None
        Where the line ends, as a share of the height; None if there is no line.
    """

    text: str
    note: str
    style: Style
    y: float | None


def room(labels: Sequence[Label]) -> float:
    """Return the width that labels take on the right of the axes, in pixels."""
    name = min(_WIDEST, max((text_width(x.text, _POINTS) for x in labels), default=0))
    note = max((text_width(x.note, _POINTS) for x in labels), default=0)
    return _LEADER + _SAMPLE + 8 + name + (10 + note if note else 0) + 14


def height(labels: Sequence[Label], least: float = 460) -> float:
    """Return the height of a figure in which they all have room."""
    return max(least, len(labels) * GAP + 150)


def put(axes: "Axes", labels: Sequence[Label], markers: bool = False) -> None:
    """Write the labels on the right of the axes, none over another, with samples of the lines."""
    width, tall = size(axes)
    with_line = sorted((x for x in labels if x.y is not None), key=lambda x: -(x.y or 0.0))
    ordered = with_line + [x for x in labels if x.y is None]
    wanted = np.array([tall * (x.y if x.y is not None else -1.0) for x in ordered])
    name = min(_WIDEST, max((text_width(x.text, _POINTS) for x in labels), default=0))
    start = _LEADER / width
    for label, at in zip(ordered, spread(wanted, GAP, 0.0, tall) / tall, strict=True):
        ends = (1 + start, 1 + (_LEADER + _SAMPLE) / width)
        if label.y is not None:
            _line(axes, (1.003, ends[0] - 0.003), (label.y, at), color="#c9cdd3", linewidth=0.7)
            style = label.style
            _line(axes, ends, (at, at), color=style.colour, linewidth=1.9, linestyle=style.line)
        if markers and label.y is not None:
            middle = [sum(ends) / 2]
            axes.plot(
                middle,
                [at],
                marker=label.style.marker,
                color=label.style.colour,
                markersize=6,
                linestyle="none",
                transform=axes.transAxes,
                clip_on=False,
            )
        x = ends[1] + 8 / width
        colour = INK if label.y is not None else GREY
        text = fitting(label.text, _POINTS, _WIDEST)
        options = {"transform": axes.transAxes, "va": "center_baseline", "fontsize": _POINTS}
        axes.text(x, at, text, color=colour, **options)  # type: ignore[arg-type]
        if label.note:
            axes.text(x + (name + 10) / width, at, label.note, color=GREY, **options)  # type: ignore[arg-type]


def _line(axes: "Axes", x: tuple[float, float], y: tuple[float, float], **options: object) -> None:
    from matplotlib.lines import Line2D

    line = Line2D(x, y, transform=axes.transAxes, clip_on=False, **options)  # type: ignore[arg-type]
    axes.add_artist(line)
    line.set_clip_on(False)


def spread(wanted: NDArray[np.float64], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Return the positions nearest to those wanted, descending, that are a gap apart.

    Least squares by pooling adjacent violators; within the bounds if there is room.
    """
    steps = gap * np.arange(len(wanted))
    blocks: list[tuple[float, int]] = []
    for value in wanted + steps:
        blocks.append((float(value), 1))
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            (a, m), (b, n) = blocks[-2:]
            blocks[-2:] = [((a * m + b * n) / (m + n), m + n)]
    pooled = np.repeat([value for value, _ in blocks], [count for _, count in blocks])
    last = steps[-1] if len(steps) else 0.0
    placed: NDArray[np.float64] = np.clip(pooled, min(low + last, high), high) - steps
    return placed
