"""What only comparisons of solvers have to say: errors, gaps, lists of sizes."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from subsetopt.benchmarks.best_known import TOLERANCE
from subsetopt.report.number_format import FAR, NOTHING, distance


def error(value: float | None) -> str:
    """Return an error with two digits."""
    return NOTHING if value is None else "0" if value == 0 else f"{value:.1e}"


def factor(value: float | None) -> str:
    """Return a ratio: whole from 10 on, with two digits below."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def gap(value: float | None) -> str:
    """Return a relative distance in per cent, signed where it is below 0.

    As `distance` does, it gives no number where that would be beyond 1,000 %.
    """
    if value is None:
        return NOTHING
    if abs(value) > FAR:
        return distance(value).removesuffix(" %")
    if abs(value) <= TOLERANCE:
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
