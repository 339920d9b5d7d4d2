"""The errors that subsetopt raises; every one derives from `SubsetOptError`."""

from functools import partial
from typing import Any

__all__ = [
    "InvalidFile",
    "InvalidOption",
    "InvalidProblem",
    "InvalidResult",
    "InvalidSelection",
    "MissingDependency",
    "SubsetOptError",
    "TooLarge",
    "UnknownSolver",
    "UnscaledColumns",
    "UnsupportedProblem",
]


class SubsetOptError(Exception):
    """Base class: catch this one to catch everything that subsetopt raises on purpose."""


class InvalidProblem(SubsetOptError, ValueError):
    """The data do not state a problem: NaN, k out of range, a wrong shape or dtype."""


class InvalidSelection(SubsetOptError, ValueError):
    """Indices that are not a selection for the problem: wrong count, duplicate, out of range."""


class InvalidOption(SubsetOptError, ValueError):
    """A limit or a solver option outside its domain."""


class InvalidFile(SubsetOptError, ValueError):
    """A file that cannot be read as what it was given for."""


class UnknownSolver(SubsetOptError, LookupError):
    """No solver of that name is registered."""


class UnsupportedProblem(SubsetOptError, TypeError):
    """The solver does not handle this family of problems; the message names those that do."""


class MissingDependency(SubsetOptError, ImportError):
    """A package that the solver stands on is missing or unusable; the message says the fix."""


class InvalidResult(SubsetOptError, RuntimeError):
    """A solver returned something that is no valid answer; never passed on to the caller."""


class TooLarge(SubsetOptError, RuntimeError):
    """Refused before it began: the estimate of time or memory is past the limit.

    Attributes
    ----------
    seconds : float
        Estimated time in seconds.
    bytes : float
        Estimated memory in bytes.
    """

    def __init__(self, message: str, *, seconds: float, bytes: float) -> None:  # noqa: A002
        super().__init__(message)
        self.seconds = seconds
        self.bytes = bytes

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), str(self), seconds=self.seconds, bytes=self.bytes), ()


class UnscaledColumns(UserWarning):
    """Columns of features differ so much in spread that some of them do not count."""
