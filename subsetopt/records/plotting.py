"""Losses over time, and what was chosen of them, as a figure."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.report.end_labels import Label, put, room
from subsetopt.report.figure_style import GREY, MATPLOTLIB, WIDTH, Style, frame, plain_rc
from subsetopt.report.number_format import percent

from .distribution import Distribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ALL, _CHOSEN = Style("#0072b2", (), "o"), Style("#d55e00", (5.0, 1.6), "s")
_HEIGHT, _LEFT, _STRIP, _GAP = 520, 78, 70, 30


def over_time(found: Distribution) -> "Figure":
    """Draw the median and the 10 to 90 % band of the losses, and the share of unknown ones.

    Raises
    ------
    MissingDependency
        If matplotlib is not installed.
    """
    MATPLOTLIB.load()
    subtitle = f"{found.records:,} records; line: median, band: 10 to 90 %"
    if found.chosen is not None:
        subtitle += f"; of these {found.chosen_records:,} were chosen by stream {found.stream}"
    middle = (found.edges[:-1] + found.edges[1:]) / 2
    labels = _labels(found, None)
    right = room(labels)
    with plain_rc():
        figure, axes = frame(
            "Recorded losses over time", subtitle,
            height=_HEIGHT, left=_LEFT, right=right, bottom=52 + _STRIP + _GAP,
        )  # fmt: skip
        for quantiles, style in ((found.quantiles, _ALL), (found.chosen, _CHOSEN)):
            if quantiles is not None:
                _band(axes, middle, quantiles, style)
        axes.set_xlim(found.edges[0], found.edges[-1])
        axes.set_ylim(*_reach(found))
        axes.set_ylabel("loss")
        axes.tick_params(axis="x", labelbottom=False)
        put(axes, _labels(found, axes))
        box = (_LEFT / WIDTH, 52 / _HEIGHT, (WIDTH - _LEFT - right) / WIDTH, _STRIP / _HEIGHT)
        strip = figure.add_axes(box, sharex=axes)
        _unknown(strip, found)
        _dates(strip, found)
        for one in (axes, strip):
            one.yaxis.set_label_coords(-52 / (WIDTH - _LEFT - right), 0.5)
    return figure


def _band(axes: "Axes", x: NDArray[np.float64], quantiles: NDArray[np.float64], s: Style) -> None:
    low, median, high = quantiles
    known = np.isfinite(median).tolist()
    axes.fill_between(x, low, high, where=known, color=s.colour, alpha=0.16, linewidth=0)
    axes.plot(x, median, color=s.colour, linestyle=s.line, linewidth=1.9)
    alone = np.convolve(np.isfinite(median), [1, 1, 1], "same") == 1  # no line runs through it
    axes.plot(x[alone], median[alone], s.marker, color=s.colour, markersize=4)


def _reach(found: Distribution) -> tuple[float, float]:
    shown = [found.quantiles] if found.chosen is None else [found.quantiles, found.chosen]
    values = np.concatenate([one[np.isfinite(one)] for one in shown])
    if not len(values):
        return 0.0, 1.0
    low, high = min(0.0, float(values.min())), float(values.max())
    return low, high + 0.06 * ((high - low) or 1.0)


def _labels(found: Distribution, axes: "Axes | None") -> list[Label]:
    labels = []
    for text, quantiles, style in (
        ("all", found.quantiles, _ALL),
        ("chosen", found.chosen, _CHOSEN),
    ):
        if quantiles is None:
            continue
        known = quantiles[1][np.isfinite(quantiles[1])]
        note = f"{known[-1]:.3g}" if len(known) else "none"
        at = None
        if axes is not None and len(known):
            low, high = axes.get_ylim()
            at = (float(known[-1]) - low) / (high - low)
        labels.append(Label(text, note, style, at))
    return labels


def _unknown(strip: "Axes", found: Distribution) -> None:
    width = np.diff(found.edges)
    shares = np.nan_to_num(found.unknown)
    highest = float(shares.max(initial=0.0))
    top = next((one for one in (0.1, 0.2, 0.5) if highest <= one), 1.0)
    strip.bar(found.edges[:-1], shares, width, align="edge", color="#aeb4bc", linewidth=0)
    strip.set_ylim(0, top)
    strip.set_yticks([0, top], ["0 %", percent(top)])
    strip.set_ylabel("unknown")


def _dates(strip: "Axes", found: Distribution) -> None:
    """Write dates and times, in UTC, under seconds since 1970."""
    from datetime import UTC, datetime

    from matplotlib import dates
    from matplotlib.ticker import FixedFormatter, FixedLocator

    made: Any = dates  # has no types
    first, last = (datetime.fromtimestamp(float(found.edges[i]), UTC) for i in (0, -1))
    locator = made.AutoDateLocator(tz=UTC, minticks=3, maxticks=7)
    low, high, epoch = made.date2num([first, last, datetime(1970, 1, 1, tzinfo=UTC)])
    days = [day for day in locator.tick_values(first, last) if low <= day <= high]
    texts = made.ConciseDateFormatter(locator, tz=UTC).format_ticks(days)
    strip.xaxis.set_major_locator(FixedLocator([(day - epoch) * 86400 for day in days]))
    strip.xaxis.set_major_formatter(FixedFormatter(texts))
    strip.set_xlabel(f"time, UTC, from {first:%Y-%m-%d %H:%M}", color=GREY)
