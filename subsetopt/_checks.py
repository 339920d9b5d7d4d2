"""Validation of arguments: each error names the value, its domain and, where it helps, its type."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from ._registry import nearest
from .errors import InvalidOption


def is_integer(value: object) -> bool:
    """Return whether a value is an integer, Python's or NumPy's, which a truth value is not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether a value is a real number, Python's or NumPy's, which a truth value is not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def within(value: Any, interval: str) -> bool:
    """Return whether a number lies in an interval such as ``"[0, 1)"``; NaN lies in none."""
    low, high, low_in, high_in = _ends(interval)
    above = low <= value if low_in else low < value
    return bool(above and (value <= high if high_in else value < high))


def require(
    name: str,
    value: object,
    good: bool,
    wanted: str,
    *,
    error: type[Exception] = InvalidOption,
) -> None:
    """Raise `error` unless `good`: ``name must be wanted; got value``."""
    if not good:
        raise error(f"{name} must be {wanted}; got {value!r}")


def require_integer(
    name: str,
    value: object,
    interval: str = "(-inf, inf)",
    *,
    none: bool = False,
    fix: str = "",
    error: type[Exception] = InvalidOption,
) -> None:
    """Raise `error` unless `value` is an integer in the interval, or None where that is allowed.

    `fix` follows in the message what another type than an integer is told.

    Examples
    --------
    >>> require_integer("k", 7, "[1, 5]")
    Traceback (most recent call last):
        ...
    subsetopt.errors.InvalidOption: k must be an integer in [1, 5]; got 7
    """
    fits = is_integer(value)
    _require(name, value, fits, "an integer", interval, none, error, "" if fits else fix)


def require_number(
    name: str,
    value: object,
    interval: str = "(-inf, inf)",
    *,
    none: bool = False,
    unit: str = "",
    error: type[Exception] = InvalidOption,
) -> None:
    """Raise `error` unless `value` is a number in the interval, or None where that is allowed."""
    finite = "finite " if "inf)" in interval else ""
    what = f"a {finite}number of {unit}" if unit else f"a {finite}number"
    _require(name, value, is_number(value), what, interval, none, error)


def count_of_share(
    name: str, share: object, n: int, *, error: type[Exception] = InvalidOption
) -> int:
    """Return how many of n a share in (0, 1] means: ``max(1, int(share * n))``."""
    require_number(f"{name} as a share", share, "(0, 1]", error=error)
    return max(1, int(share * n))  # type: ignore[operator]


def require_flag(name: str, value: object, *, error: type[Exception] = InvalidOption) -> None:
    """Raise `error` unless `value` is True or False."""
    require(name, value, isinstance(value, bool), "True or False", error=error)


def require_one_of(
    name: str, value: object, known: Iterable[object], *, error: type[Exception] = InvalidOption
) -> None:
    """Raise `error`, which names the most similar one too, unless `value` is one of those known."""
    listed = list(known)
    if any(value is one or value == one for one in listed):
        return
    words = [repr(each) for each in listed]
    wanted = " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
    raise error(f"{name} must be {wanted}; got {value!r}{nearest(value, listed)}")


def _require(
    name: str,
    value: Any,
    fits: bool,
    what: str,
    interval: str,
    none: bool,
    error: type[Exception],
    fix: str = "",
) -> None:
    if (none and value is None) or (fits and within(value, interval)):
        return
    low, high, low_in, _ = _ends(interval)
    where = f" in {interval}"
    if high == math.inf:
        sign, end = (">=" if low_in else ">"), interval[1:].split(",")[0]
        where = "" if low == -math.inf else f" {sign} {end}"
    got = repr(value) if fits or value is None else f"{value!r} ({type(value).__name__})"
    wanted = f"{what}{where}{' or None' if none else ''}"
    raise error(f"{name} must be {wanted}; got {got}{f'; {fix}' if fix else ''}")


_MOST_ENDS = 512
_ENDS: dict[str, tuple[float, float, bool, bool]] = {}  # torch.compile warns of an lru_cache


def _ends(interval: str) -> tuple[float, float, bool, bool]:
    """Return both ends of an interval, and whether each belongs to it."""
    ends = _ENDS.get(interval)
    if ends is None:
        low, high = interval[1:-1].split(",")
        ends = _end(low), _end(high), interval[0] == "[", interval[-1] == "]"
        if len(_ENDS) < _MOST_ENDS:
            _ENDS[interval] = ends
    return ends


def _end(text: str) -> float:
    """Return an end exactly: an integer where it is one, as floats round those above 2**53."""
    try:
        return int(text)
    except ValueError:
        return float(text)
