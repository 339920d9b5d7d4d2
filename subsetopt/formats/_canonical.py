"""Checked and merged models, for all model writers."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidProblem
from subsetopt.models import LinearModel, QuadraticModel

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,199}")
_EXPONENT = re.compile(r"[eE][0-9.]*")  # an LP reader takes e12 for the end of a number
_KEYWORDS = re.compile(
    "max|maximize|maximum|min|minimize|minimum|st|subject|such|bound|bounds|bin|binary|binaries|"
    "gen|general|generals|int|integer|integers|free|inf|infinity|semi|sec|semis|sos|end",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Quadratic:
    """The products of a quadratic objective, each pair (i <= j) once.

    Parameters
    ----------
    first, second : list of int
    coefficients : list of float
    """

    first: list[int]
    second: list[int]
    coefficients: list[float]

    def __iter__(self) -> Iterator[tuple[int, int, float]]:
        return zip(self.first, self.second, self.coefficients, strict=True)

    def __bool__(self) -> bool:
        return bool(self.first)


def split(model: LinearModel | QuadraticModel) -> tuple[LinearModel, Quadratic]:
    """Return the linear part and the quadratic one, which is empty for a `LinearModel`.

    Raises
    ------
    InvalidProblem
        For names that a reader would misread or that occur twice, numbers that are NaN or
        infinite where they must not be, and lower limits above upper ones.
    """
    if isinstance(model, LinearModel):
        linear, quadratic = model, Quadratic([], [], [])
    else:
        linear, quadratic = model.linear, _merged(model)
    _check_names(linear.name, "variable", linear.variable_names)
    _check_names(linear.name, "row", linear.row_names)
    _check_finite(linear, quadratic)
    _check_limits(linear.name, "variable", linear.variable_names, linear.lower, linear.upper)
    _check_limits(linear.name, "row", linear.row_names, linear.row_lower, linear.row_upper)
    return replace(linear, name=re.sub(r"[^A-Za-z0-9_.]", "_", linear.name)), quadratic


def _merged(model: QuadraticModel) -> Quadratic:
    """Sum the coefficients of a pair, whichever way round it is given."""
    low, high = np.minimum(model.first, model.second), np.maximum(model.first, model.second)
    keys, places = np.unique(low * model.linear.variables + high, return_inverse=True)
    sums = np.zeros(keys.size)
    np.add.at(sums, places, model.coefficients)
    kept = sums != 0.0
    first, second = np.divmod(keys[kept], model.linear.variables)
    return Quadratic(first.tolist(), second.tolist(), sums[kept].tolist())


def _check_names(model: str, what: str, names: tuple[str, ...]) -> None:
    for name in names:
        if not _NAME.fullmatch(name) or _EXPONENT.fullmatch(name) or _KEYWORDS.fullmatch(name):
            raise InvalidProblem(
                f"model {model}: the {what} name {name!r} would be misread; use letters, digits, "
                "'_' and '.', not a keyword of the LP format"
            )
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise InvalidProblem(f"model {model}: the {what} name {twice!r} occurs more than once")


def _check_finite(linear: LinearModel, quadratic: Quadratic) -> None:
    parts = {
        "objective": linear.objective,
        "rows": linear.rows.coefficients,
        "quadratic form": np.asarray(quadratic.coefficients),
    }
    for part, numbers in parts.items():
        if not np.isfinite(numbers).all():
            raise InvalidProblem(f"model {linear.name}: a coefficient of the {part} is not finite")


def _check_limits(
    model: str,
    what: str,
    names: tuple[str, ...],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> None:
    # NaN fails the comparison, and a lower limit of +inf or an upper one of -inf has no notation.
    wrong = ~(lower <= upper) | (lower == np.inf) | (upper == -np.inf)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise InvalidProblem(f"model {model}: {what} {names[i]} has limits {lower[i]}..{upper[i]}")
