"""Names at the ends of lines, instead of a legend."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._figure_style import GREY, INK, Style, fitting, size, text_width, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .charts import Series

_GAP = 17  # pixels between the middles of two labels
_POINTS, _SAMPLE, _LEADER, _WIDEST = 9, 24, 16, 170


def _widths(labels: "Sequence[Series]") -> tuple[float, float]:
    names = [min(_WIDEST, text_width(x.name, _POINTS)) for x in labels]
    return max(names, default=0), max((text_width(x.note, _POINTS) for x in labels), default=0)


def room(labels: "Sequence[Series]") -> float:
    """Return the width that labels take on the right of the axes, in pixels."""
    name, note = _widths(labels)
    return _LEADER + _SAMPLE + 8 + name + (10 + note if note else 0) + 14


def height(labels: "Sequence[Series]", least: float = 460) -> float:
    """Return the height of a figure in which they all have room."""
    return max(least, len(labels) * _GAP + 150)


def put(
    axes: "Axes", labels: "Sequence[Series]", looks: Mapping[str, Style], markers: bool
) -> None:
    """Write the labels on the right of the axes, none over another, with samples of the lines."""
    width, tall = size(axes)
    placed = [(label, label.ending(axes)) for label in labels]
    placed.sort(key=lambda pair: (pair[1] is None, -(pair[1] or 0.0)))
    wanted = np.array([tall * (-1.0 if end is None else end) for _, end in placed])
    outside: Any = {"transform": axes.transAxes, "clip_on": False, "scalex": False, "scaley": False}
    first, last = 1 + _LEADER / width, 1 + (_LEADER + _SAMPLE) / width
    for (label, end), y in zip(placed, spread(wanted, _GAP, 0.0, tall) / tall, strict=True):
        if end is not None:
            style = looks[label.name]
            leader: Any = {"color": "#c9cdd3", "linewidth": 0.7}
            axes.plot((1.003, first - 0.003), (end, y), **leader, **outside)
            sample: Any = {"color": style.colour, "linestyle": style.line, "linewidth": 1.9}
            axes.plot((first, last), (y, y), **sample, **outside)
            if markers:
                mark: Any = {"color": style.colour, "marker": style.marker, "markersize": 6}
                axes.plot([(first + last) / 2], [y], **mark, **outside)
        text, x = fitting(label.name, _POINTS, _WIDEST), last + 8 / width
        colour = GREY if end is None else INK
        write(axes, x, y, text, _POINTS, colour, "left", transform=axes.transAxes)
        x += (_widths(labels)[0] + 10) / width
        write(axes, x, y, label.note, _POINTS, GREY, "left", transform=axes.transAxes)


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
