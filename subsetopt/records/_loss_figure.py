"""The figure of losses over time."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from subsetopt.report import Axis, Chart, Series, Strip, Style

from ._distribution import Distribution

_LOOKS = {"all": Style("#0072b2", (), "o"), "chosen": Style("#d55e00", (5.0, 1.6), "s")}


def over_time(found: Distribution) -> Chart:
    """Show the median and the 10 to 90 % band of the losses, and the share of unknown ones.

    Returns
    -------
    Chart
        Its ``save(path)`` writes .svg, .png or .pdf, and needs matplotlib.
    """
    about = f"{found.records:,} records; line: median, band: 10 to 90 %"
    if found.chosen is not None:
        about += f"; of these {found.chosen_records:,} were chosen by stream {found.stream}"
    middle = (found.edges[:-1] + found.edges[1:]) / 2
    shown = {"all": found.quantiles, "chosen": found.chosen}
    quantiles = {name: q for name, q in shown.items() if q is not None}
    first = datetime.fromtimestamp(float(found.edges[0]), UTC)
    edges = (float(found.edges[0]), float(found.edges[-1]))
    return Chart(
        "Recorded losses over time",
        about,
        "",
        [
            Series(name, middle, median, low, high, note=_last(median))
            for name, (low, median, high) in quantiles.items()
        ],
        Axis(f"time, UTC, from {first:%Y-%m-%d %H:%M}", "time", edges),
        Axis("loss", reach=_reach(list(quantiles.values()))),
        looks=_LOOKS,
        strip=Strip(found.edges, found.unknown, "unknown"),
        tall=520,
    )


def _last(median: NDArray[np.float64]) -> str:
    known = median[np.isfinite(median)]
    return f"{known[-1]:.3g}" if len(known) else "none"


def _reach(shown: list[NDArray[np.float64]]) -> tuple[float, float]:
    values = np.concatenate([one[np.isfinite(one)] for one in shown])
    if not len(values):
        return 0.0, 1.0
    low, high = min(0.0, float(values.min())), float(values.max())
    return low, high + 0.06 * ((high - low) or 1.0)
