"""Numbers as people read them: few digits, and the unit that suits."""

import math
from collections.abc import Sequence

NOTHING = "-"


def share(value: float | None) -> str:
    """Return a share in per cent."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def percent(value: float | None) -> str:
    """Return a share in whole per cent; two digits below ten."""
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
    """Return a relative distance in per cent, such as ``1.25 %``; beyond `FAR` ``> 1,000 %``."""
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
