"""Numbers as text: few digits, and the unit that suits."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

NOTHING = "-"


def share(value: float | None) -> str:
    """Return a share in %."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def percent(value: float | None) -> str:
    """Return a share in whole %; two digits below ten."""
    return NOTHING if value is None else f"{100 * value:.{0 if value >= 0.1 else 1}f} %"


def duration(seconds: float | None) -> str:
    """Return seconds with three digits, in the unit that suits."""
    if seconds is None:
        return NOTHING
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if seconds * scale >= 0.9995:
            number = seconds * scale
            digits = f"{number:#.3g}".rstrip(".") if number < 999.5 else f"{number:,.0f}"
            return f"{digits} {unit}"
    return f"{seconds * 1e6:.0f} µs"


FAR = 10.0
"""Relative distances beyond it are no numbers worth reading: what they relate to is next to 0."""


def distance(value: float, digits: int = 3) -> str:
    """Return a relative distance in %, such as ``1.25 %``; beyond `FAR` ``> 1,000 %``."""
    if abs(value) > FAR:
        return f"{'>' if value > 0 else '<'} {math.copysign(100 * FAR, value):,.0f} %"
    number = 100 * value
    return f"{number:,.0f} %" if abs(number) >= 100 else f"{number:.{digits}g} %"


def span(seconds: float) -> str:
    """Return seconds as people say how long something takes: 45 s, 12 min, 3.4 h, 2.1 days."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * length:
            number = seconds / length
            return f"{number:.{0 if number >= 10 or unit == 'min' else 1}f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1.0 else f"{seconds:.2g} s"


def size(count: int | None) -> str:
    """Return bytes in MiB or GiB."""
    if count is None:
        return NOTHING
    mib = count / 2**20
    if mib >= 1000:
        return f"{mib / 1024:.1f} GiB"
    return f"{mib:.0f} MiB" if mib >= 10 else f"{mib:.1f} MiB"


def counted(number: int, thing: str) -> str:
    """Return ``1 case`` or ``2 cases``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def enumerated(texts: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return ", ".join(texts[:-1]) + " and " + texts[-1] if len(texts) > 1 else "".join(texts)


def error(value: float | None) -> str:
    """Return an error with two digits."""
    return NOTHING if value is None else "0" if value == 0 else f"{value:.1e}"


def factor(value: float | None) -> str:
    """Return a ratio: whole from 10 on, with two digits below."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def gap(value: float | None, rounding: float = 2e-8) -> str:
    """Return a relative distance in % without the sign of it, 0 where it is `rounding`.

    As `distance` does, it gives no number where that would be beyond 1,000 %.
    """
    if value is None:
        return NOTHING
    if abs(value) > FAR:
        return distance(value).removesuffix(" %")
    if abs(value) <= rounding:
        return "0"
    number = 100 * value
    if abs(number) < 0.0005:
        return f"{number:.0e}"
    digits = next((d for d, end in ((3, 0.1), (2, 10), (1, 100)) if abs(number) < end), 0)
    return f"{number:,.{digits}f}"


def listed(numbers: Iterable[int]) -> str:
    """Return distinct numbers, ascending; of many only how many and between which."""
    distinct = sorted(set(numbers))
    if len(distinct) > 12:
        return f"{len(distinct)} values from {distinct[0]} to {distinct[-1]}"
    return ", ".join(str(number) for number in distinct)


def counts(found: Mapping[str, int]) -> list[str]:
    """Return one text each, such as ``optimal 7``, the most frequent first."""
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return [f"{name} {number}" for name, number in ordered]


def day(moment: str) -> str:
    """Return an ISO 8601 moment as ``2025-01-31 12:00 UTC``; what is none as it stands."""
    try:
        return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return moment


# -- on axes ----------------------------------------------------------------------------------


_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def round_seconds(value: float) -> str:
    """Return a round time: ``20 ms``."""
    for scale, unit in _UNITS:
        if value >= 0.9999 * scale:
            return f"{value / scale:.3g} {unit}" if value < 1e4 else f"{round_number(value)} s"
    return f"{value / 1e-9:.2g} ns"


def round_number(value: float) -> str:
    """Return a round number: ``0.02``, ``5000``, ``10⁻⁶``."""
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return f"{value:.10g}"
    power = math.floor(math.log10(abs(value)) + 1e-9)
    digits = f"{value / 10.0**power:.3g}"
    raised = f"10{str(power).translate(_RAISED)}"
    return raised if digits == "1" else f"{digits}·{raised}"


def round_percent(value: float) -> str:
    """Return a share: ``0.1 %``."""
    return f"{round_number(float(f'{100 * value:.6g}'))} %"


# -- of metrics --------------------------------------------------------------------------------


@dataclass(frozen=True)
class ValueFormat:
    """How values that belong together are written: shares in %, others with few digits."""

    is_share: bool
    """From 0 to 1, written in % with two decimals."""
    digits: int = 4
    """Significant ones of other numbers."""

    @property
    def unit(self) -> str:
        """``%`` or nothing."""
        return "%" if self.is_share else ""

    def number(self, value: float | None, like: float | None = None, sign: str = "") -> str:
        """Return a number without its unit, with as many decimals as one like the other has."""
        if value is None:
            return NOTHING
        if not math.isfinite(value):
            return str(value)
        if self.is_share:
            return f"{100 * value:{sign}.2f}"
        power = self._power(value if like is None else like)
        if not -4 <= power < 6:
            return f"{value:{sign}.{self.digits - 1}e}"
        return f"{value:{sign},.{max(0, self.digits - 1 - power)}f}"

    def value(self, value: float | None) -> str:
        """Return a number with its unit."""
        return self.number(value) + (" %" if self.is_share and value is not None else "")

    def spread(self, found: Any) -> str:
        """Return ``91.23 ± 0.12`` of what has a ``mean`` and a ``std``."""
        text = self.number(found.mean)
        return text if found.std is None else f"{text} ± {self.number(found.std, found.mean)}"

    def difference(self, found: Any, like: float | None) -> str:
        """Return ``+0.35 (-0.10 to +0.80)`` of what has a ``difference``, ``low`` and ``high``.

        In percentage points where it is a share.
        """
        text = self.number(found.difference, like, "+")
        if found.low is None or found.high is None:
            return text
        low, high = (self.number(x, like, "+") for x in (found.low, found.high))
        return f"{text} ({low} to {high})"

    def _power(self, value: float) -> int:
        # Rounding may carry into the next power: 9.9999 is 10.00.
        rounded = float(f"{abs(value):.{self.digits - 1}e}")
        return math.floor(math.log10(rounded)) if value else 0
