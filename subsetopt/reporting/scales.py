"""Axes that people can read: units of time, powers of ten, shares."""

from collections.abc import Callable, Iterable
from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST = 9
"""Ticks."""


def seconds(value: float) -> str:
    """Return a round time: ``20 ms``."""
    for scale, unit in _UNITS:
        if value >= 0.9999 * scale:
            return f"{value / scale:.3g} {unit}" if value < 1e4 else f"{number(value)} s"
    return f"{value / 1e-9:.2g} ns"


def number(value: float) -> str:
    """Return a round number: ``0.02``, ``5000``, ``10⁻⁶``."""
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return f"{value:.10g}"
    power = floor(log10(abs(value)) + 1e-9)
    digits = f"{value / 10.0**power:.3g}"
    raised = f"10{str(power).translate(_RAISED)}"
    return raised if digits == "1" else f"{digits}·{raised}"


def percent(value: float) -> str:
    """Return a share: ``0.1 %``."""
    return f"{number(float(f'{100 * value:.6g}'))} %"


def log_ticks(low: float, high: float, most: int = MOST) -> list[float]:
    """Return round numbers from `low` to `high`: 1, 2, 5 in short ranges, else powers of ten."""
    first, last = floor(log10(low) - 1e-9), ceil(log10(high) + 1e-9)
    for digits in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        ticks = [d * 10.0**p for p in range(first, last + 1) for d in digits]
        ticks = [tick for tick in ticks if low * 0.9999 <= tick <= high * 1.0001]
        if len(ticks) <= most:
            return ticks
    return ticks[:: ceil(len(ticks) / most)]


def log_axis(
    axes: "Axes",
    which: str,
    low: float,
    high: float,
    text: Callable[[float], str],
    ticks: Iterable[float] | None = None,
) -> None:
    """Make an axis logarithmic from `low` to `high`, with round ticks."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    chosen = list(log_ticks(low, high) if ticks is None else ticks)
    axis.set_major_locator(FixedLocator(chosen))
    axis.set_major_formatter(FixedFormatter([text(tick) for tick in chosen]))
    axis.set_minor_locator(NullLocator())


def share_axis(axes: "Axes") -> None:
    """Make the y axis one of shares, from 0 to 100 %."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    ticks = [i / 5 for i in range(6)]
    axes.set_ylim(-0.012, 1.025)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{100 * tick:.0f} %" for tick in ticks]))


def extent(values: Iterable[float], margin: float = 1.25) -> tuple[float, float]:
    """Return limits of a logarithmic axis around positive values, at least a factor 4 apart."""
    found = [value for value in values if value > 0 and isfinite(value)]
    if not found:
        return 0.1, 10.0
    low, high = min(found) / margin, max(found) * margin
    widen = max(1.0, (4 / (high / low)) ** 0.5)
    return low / widen, high * widen
