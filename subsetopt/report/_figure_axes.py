"""Axes with round ticks, and labels at the ends of lines."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ._figure import GREY, INK, Style, fitting, size, text_width, write
from ._number_format import round_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .charts import Series

MOST = 9
"""Ticks."""
_GAP = 17  # pixels between the middles of two labels
_POINTS, _SAMPLE, _LEADER, _WIDEST = 9, 24, 16, 170


@dataclass(frozen=True)
class Axis:
    """What an axis shows.

    Parameters
    ----------
    label : str
    scale : {"linear", "log", "share", "time"}
        A share is from 0 to 100 %; times are seconds since 1970, shown in UTC.
    reach : tuple of two floats, optional
        Its ends; else around the data. Logarithmic axes and those of time need them.
    text : callable, optional
        How a tick is written.
    ticks : iterable of float, optional
        Else round numbers.
    """

    label: str = ""
    scale: Literal["linear", "log", "share", "time"] = "linear"
    reach: tuple[float, float] | None = None
    text: Callable[[float], str] | None = None
    ticks: Iterable[float] | None = None

    def apply(self, axes: "Axes", which: Literal["x", "y"]) -> None:
        """Make an axis of matplotlib look like this."""
        axis = axes.xaxis if which == "x" else axes.yaxis
        reach, text, ticks = self.reach, self.text, self.ticks
        if self.label:
            axis.set_label_text(self.label)
        if self.scale == "log":
            assert reach is not None
            (axes.set_xscale if which == "x" else axes.set_yscale)("log")
            text, ticks = text or round_number, log_ticks(*reach) if ticks is None else ticks
        elif self.scale == "share":
            reach, ticks = (-0.012, 1.025), [i / 5 for i in range(6)]
            text = lambda tick: f"{100 * tick:.0f} %"  # noqa: E731 - a default like any other
        elif self.scale == "time":
            assert reach is not None
            names = dates(*reach)
            ticks, text = list(names), names.__getitem__
        if reach is not None:
            (axes.set_xlim if which == "x" else axes.set_ylim)(*reach)
        _write(axis, text, None if ticks is None else list(ticks))


def _write(
    axis: object, text: Callable[[float], str] | None, ticks: Sequence[float] | None
) -> None:
    from matplotlib.axis import Axis as Drawn
    from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, NullLocator

    assert isinstance(axis, Drawn)
    if ticks is not None:
        axis.set_major_locator(FixedLocator(list(ticks)))
        axis.set_minor_locator(NullLocator())
        if text is not None:
            axis.set_major_formatter(FixedFormatter([text(tick) for tick in ticks]))
    elif text is not None:
        written = text
        axis.set_major_formatter(FuncFormatter(lambda x, _: written(x)))


def dates(first: float, last: float) -> dict[float, str]:
    """Return round moments from `first` to `last`, seconds since 1970, as they are written."""
    from matplotlib import dates as drawn

    made: Any = drawn  # has no types
    ends = [datetime.fromtimestamp(end, UTC) for end in (first, last)]
    locator = made.AutoDateLocator(tz=UTC, minticks=3, maxticks=7)
    low, high, epoch = made.date2num([*ends, datetime(1970, 1, 1, tzinfo=UTC)])
    days = [day for day in locator.tick_values(*ends) if low <= day <= high]
    texts = made.ConciseDateFormatter(locator, tz=UTC).format_ticks(days)
    return {(day - epoch) * 86400: text for day, text in zip(days, texts, strict=True)}


def log_ticks(low: float, high: float, most: int = MOST) -> list[float]:
    """Return round numbers from `low` to `high`: 1, 2, 5 in short ranges, else powers of ten."""
    first, last = floor(log10(low) - 1e-9), ceil(log10(high) + 1e-9)
    for digits in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        ticks = [d * 10.0**p for p in range(first, last + 1) for d in digits]
        ticks = [tick for tick in ticks if low * 0.9999 <= tick <= high * 1.0001]
        if len(ticks) <= most:
            return ticks
    return ticks[:: ceil(len(ticks) / most)]


def extent(values: Iterable[float], margin: float = 1.25) -> tuple[float, float]:
    """Return limits of a logarithmic axis around positive values, at least a factor 4 apart."""
    found = [value for value in values if value > 0 and isfinite(value)]
    if not found:
        return 0.1, 10.0
    low, high = min(found) / margin, max(found) * margin
    widen = max(1.0, (4 / (high / low)) ** 0.5)
    return low / widen, high * widen


def around(values: Iterable[float], margin: float = 0.06) -> tuple[float, float]:
    """Return limits of a linear axis around values, with a margin that is a share of the range."""
    finite = [value for value in values if isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    room = margin * (high - low) or 0.05 * abs(high) or 0.5
    return low - room, high + room


# -- names at the ends of lines -------------------------------------------------------------------


def _widths(labels: "Sequence[Series]") -> tuple[float, float]:
    names = [min(_WIDEST, text_width(x.name, _POINTS)) for x in labels]
    return max(names, default=0), max((text_width(x.note, _POINTS) for x in labels), default=0)


def label_room(labels: "Sequence[Series]") -> float:
    """Return the width that labels take on the right of the axes, in pixels."""
    name, note = _widths(labels)
    return _LEADER + _SAMPLE + 8 + name + (10 + note if note else 0) + 14


def label_height(labels: "Sequence[Series]", least: float = 460) -> float:
    """Return the height of a figure in which they all have room."""
    return max(least, len(labels) * _GAP + 150)


def put_labels(
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
