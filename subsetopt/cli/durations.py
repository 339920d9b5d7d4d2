"""Times and ages, as they are written on the command line."""

from datetime import UTC, datetime
from math import isfinite

from subsetopt._options import quantity
from subsetopt.errors import InvalidOption

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def age(name: str, text: str) -> float:
    """Return seconds: of ``30d``, ``12h``, ``90m``, ``45s``, ``2w`` or a plain number.

    Raises
    ------
    InvalidOption
        For another text, or nothing above 0.
    """
    return quantity(
        name, text, _UNITS, "a number > 0 of seconds, or with a unit: 90m, 12h, 30d, 2w"
    )


def moment(name: str, text: str) -> float:
    """Return seconds since 1970: of ``2026-11-27``, ``2026-11-27T18:00``, or of such a number.

    What names no zone is UTC.

    Raises
    ------
    InvalidOption
        For another text.
    """
    try:
        seconds = float(text)
    except ValueError:
        try:
            found = datetime.fromisoformat(text.strip())
        except ValueError:
            found = None
        if found is not None:
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    else:
        if isfinite(seconds):
            return seconds
    raise InvalidOption(
        f"{name} must be a date such as 2026-11-27, 2026-11-27T18:00, or seconds since 1970; got "
        f"{text!r}"
    )


def shown(seconds: float) -> str:
    """Return seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
