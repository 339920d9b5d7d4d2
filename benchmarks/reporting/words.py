"""Numbers as people read them: few digits, and the unit that suits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from subsetopt.benchmarks.best_known import TOLERANCE

NOTHING = "-"


def error(value: float | None) -> str:
    """Return an error with two digits."""
    return NOTHING if value is None else "0" if value == 0 else f"{value:.1e}"


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


def factor(value: float | None) -> str:
    """Return a ratio: whole from 10 on, with two digits below."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def gap(value: float | None) -> str:
    """Return a relative distance in per cent, signed where it is below 0."""
    if value is None:
        return NOTHING
    if abs(value) <= TOLERANCE:
        return "0"
    number = 100 * value
    if abs(number) < 0.0005:
        return f"{number:.0e}"
    digits = next((d for d, end in ((3, 0.1), (2, 10), (1, 100)) if abs(number) < end), 0)
    return f"{number:,.{digits}f}"


def size(count: int | None) -> str:
    """Return bytes in MiB or GiB."""
    if count is None:
        return NOTHING
    mib = count / 2**20
    if mib >= 1000:
        return f"{mib / 1024:.1f} GiB"
    return f"{mib:.0f} MiB" if mib >= 10 else f"{mib:.1f} MiB"


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


def enumerated(texts: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return ", ".join(texts[:-1]) + " and " + texts[-1] if len(texts) > 1 else "".join(texts)


def day(moment: str) -> str:
    """Return an ISO 8601 moment as ``2025-01-31 12:00 UTC``; what is none as it stands."""
    try:
        return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return moment
