"""Metrics as people read them: shares in per cent, other numbers with four digits."""

from dataclasses import dataclass
from math import floor, isfinite, log10

from subsetopt.report.number_format import NOTHING
from subsetopt.training.analysis import Comparison, Spread

SHARES = ("accuracy", "dice", "iou", "mean_iou")
"""Metrics from 0 to 1."""
_DIGITS = 4


@dataclass(frozen=True)
class Format:
    """How the numbers of one metric are written.

    Parameters
    ----------
    metric : str
    """

    metric: str

    @property
    def is_share(self) -> bool:
        """Whether it is written in per cent."""
        return self.metric in SHARES

    @property
    def unit(self) -> str:
        """``%`` or nothing."""
        return "%" if self.is_share else ""

    def number(self, value: float | None, like: float | None = None, sign: str = "") -> str:
        """Return a number without its unit, with as many decimals as one like the other has."""
        if value is None:
            return NOTHING
        if not isfinite(value):
            return str(value)
        if self.is_share:
            return f"{100 * value:{sign}.2f}"
        power = _power(value if like is None else like)
        if not -4 <= power < 6:
            return f"{value:{sign}.{_DIGITS - 1}e}"
        return f"{value:{sign},.{max(0, _DIGITS - 1 - power)}f}"

    def value(self, value: float | None) -> str:
        """Return a number with its unit."""
        return self.number(value) + (" %" if self.is_share and value is not None else "")

    def spread(self, spread: Spread) -> str:
        """Return ``91.23 ± 0.12``."""
        if spread.std is None:
            return self.number(spread.mean)
        return f"{self.number(spread.mean)} ± {self.number(spread.std, spread.mean)}"

    def difference(self, comparison: Comparison, like: float | None) -> str:
        """Return ``+0.35 (-0.10 to +0.80)``, in percentage points where it is a share."""
        text = self.number(comparison.difference, like, "+")
        if comparison.low is None or comparison.high is None:
            return text
        low, high = (self.number(x, like, "+") for x in (comparison.low, comparison.high))
        return f"{text} ({low} to {high})"


def _power(value: float) -> int:
    # Rounding may carry into the next power: 9.9999 is 10.00.
    return floor(log10(float(f"{abs(value):.{_DIGITS - 1}e}"))) if value else 0
