"""Distribution of losses over time, in constant memory, and its figure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.report import Axis, Chart, Series, Strip, Style

from ._choices import kept_streams, read_choices
from ._exporting import Joined
from .store import RecordStore

LEVELS = (0.1, 0.5, 0.9)
MOST = 400
"""Stretches of time."""
_CODES = 1 << 16


@dataclass(frozen=True)
class Distribution:
    """Losses in stretches of time of equal length; NaN where a stretch has none."""

    edges: NDArray[np.float64]
    """(bins + 1,): seconds since 1970."""
    quantiles: NDArray[np.float64]
    """(3, bins): 10, 50 and 90 % of the losses known."""
    unknown: NDArray[np.float64]
    """(bins,): the share of records whose loss is unknown."""
    records: int
    stream: str = ""
    """Whose choices the following are of; "" where none are kept."""
    chosen: NDArray[np.float64] | None = None
    """(3, bins): the quantiles of what was chosen."""
    chosen_records: int = 0


def distribution(
    store: RecordStore,
    bins: int = 60,
    stream: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> Distribution:
    """Return the distribution of losses over time, to 0.5 % of each loss.

    Parameters
    ----------
    store : RecordStore
    bins : int
        Stretches of time.
    stream : str, optional
        Whose choices are shown too; None is the one that kept any, if it is the only one.
    progress : callable, optional
        Called with the number of records read so far.

    Raises
    ------
    InvalidOption
        For an option outside its domain, or a stream that kept no choices.
    InvalidFile
        If there are no records.
    """
    require_integer("bins", bins, f"[1, {MOST}]")
    stream = _stream(store, stream)
    info = store.info()
    if info.first is None or info.last is None:
        raise InvalidFile(f"{store.root} holds no records yet")
    edges = np.linspace(info.first, max(info.last, info.first + 1e-3), bins + 1)
    all_of, joined = _Histogram(edges), Joined(store)
    read = 0
    for block in store.blocks(joined.columns):
        all_of.add(block.times, joined.losses(block))
        read += len(block)
        if progress is not None:
            progress(read)
    with np.errstate(invalid="ignore"):
        unknown = all_of.unknown / all_of.total
    found = Distribution(edges, all_of.quantiles(), unknown, read)
    if not stream:
        return found
    chosen = _Histogram(edges)
    for times, losses in read_choices(store.root, stream):
        chosen.add(times, losses)
    return Distribution(
        edges,
        found.quantiles,
        unknown,
        read,
        stream,
        chosen.quantiles(),
        int(chosen.total.sum()),
    )


def _stream(store: RecordStore, wanted: str | None) -> str:
    known = kept_streams(store.root)
    if wanted is None:
        return known[0] if len(known) == 1 else ""
    if wanted not in known:
        names = ", ".join(known) or "none"
        raise InvalidOption(
            f"stream {wanted!r} has kept no choices; of {names} there are: "
            "RecordStream(..., keep_choices=True) keeps them"
        )
    return wanted


class _Histogram:
    """Counts of losses by time and by the first 16 bits of their float32, in their order."""

    def __init__(self, edges: NDArray[np.float64]) -> None:
        self._edges = edges
        self._bins = len(edges) - 1
        self._counts = np.zeros((self._bins, _CODES), np.int32)
        self.total, self.unknown = np.zeros(self._bins), np.zeros(self._bins)

    def add(self, times: NDArray[np.int64], losses: NDArray[np.float32]) -> None:
        """Count losses of these times, in microseconds; what lies outside counts at the end."""
        if not len(times):
            return
        low, high = self._edges[0], self._edges[-1]
        where = ((times / 1e6 - low) * (self._bins / (high - low))).astype(np.int64)
        where = np.clip(where, 0, self._bins - 1)
        known = ~np.isnan(losses)
        self.total += np.bincount(where, minlength=self._bins)
        self.unknown += np.bincount(where[~known], minlength=self._bins)
        where, codes = where[known], _codes(losses[known])
        keys, counts = np.unique(where * _CODES + codes, return_counts=True)
        self._counts.reshape(-1)[keys] += counts.astype(np.int32)

    def quantiles(self) -> NDArray[np.float64]:
        """Return the quantiles (3, bins)."""
        found = np.full((len(LEVELS), self._bins), np.nan)
        for i, counts in enumerate(self._counts):
            reached = np.cumsum(counts)
            if reached[-1]:
                wanted = np.array(LEVELS) * (reached[-1] - 1) + 1
                found[:, i] = _values(np.searchsorted(reached, wanted.astype(np.int64)))
        return found


def _codes(losses: NDArray[np.float32]) -> Any:
    """Return 0..65535, rising with the losses."""
    bits = np.ascontiguousarray(losses).view(np.uint32)
    rising = np.where(bits >> 31 == 1, ~bits, bits | np.uint32(1 << 31))
    return (rising >> np.uint32(16)).astype(np.int64)


def _values(codes: Any) -> NDArray[np.float64]:
    """Return the middle of what has that code."""
    rising = (codes.astype(np.uint32) << np.uint32(16)) | np.uint32(1 << 15)
    bits = np.where(rising >> 31 == 1, rising & np.uint32(0x7FFFFFFF), ~rising)
    found: NDArray[np.float64] = bits.astype(np.uint32).view(np.float32).astype(np.float64)
    return found


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
