"""Verification errors, and strict readers of proof fields."""

from fractions import Fraction
from itertools import pairwise
from typing import Any, NoReturn

__all__ = ["VerificationFailed"]


class VerificationFailed(ValueError):
    """A claim does not hold, or a proof does not prove it; the message says which and where."""


def failed(message: str) -> NoReturn:
    """Raise VerificationFailed."""
    raise VerificationFailed(message)


def whole(name: str, value: Any, low: int | None = None, high: int | None = None) -> int:
    """Return an integer within limits; everything else fails, True and 1.0 too."""
    if type(value) is not int:
        failed(f"{name} must be an integer; got {value!r} ({type(value).__name__})")
    if (low is not None and value < low) or (high is not None and value > high):
        failed(f"{name} must be in [{low}, {'inf' if high is None else high}]; got {value}")
    return value


def wholes(name: str, values: Any, length: int | None = None) -> list[int]:
    """Return a list of integers, of a given length if there is one."""
    if type(values) is not list or any(type(value) is not int for value in values):
        failed(f"{name} must be a list of integers")
    if length is not None and len(values) != length:
        failed(f"{name} must have {length} entries; got {len(values)}")
    return values


def indices(name: str, values: Any, n: int) -> list[int]:
    """Return ascending candidates of n, none twice."""
    found = wholes(name, values)
    if any(a >= b for a, b in pairwise(found)):
        failed(f"{name} must be ascending, with no candidate twice")
    if found and not 0 <= found[0] <= found[-1] < n:
        failed(f"{name} must be candidates in [0, {n - 1}]; got {found[0]}..{found[-1]}")
    return found


def fraction(name: str, text: Any) -> Fraction:
    """Return the rational number that a text of the form "p" or "p/q" states."""
    if type(text) is not str or not text.isascii() or len(text) > 10_000:
        failed(f"{name} must be a string 'p/q' or 'p'")
    above, slash, below = text.partition("/")
    digits = above.removeprefix("-")
    if not digits.isdigit() or (slash and (not below.isdigit() or int(below) == 0)):
        failed(f"{name} must be a string 'p/q' or 'p'; got {text[:40]!r}")
    return Fraction(int(above), int(below) if slash else 1)
