"""Models as free-format MPS, with RANGES, integer markers and QUADOBJ."""

import math
from collections.abc import Iterator

import numpy as np

from subsetopt.models import LinearModel, QuadraticModel

from ._canonical import Quadratic, split

_OBJECTIVE = "OBJ"


def mps_lines(model: LinearModel | QuadraticModel) -> Iterator[str]:
    """Yield the lines of a free-format MPS file that minimises `model`.

    A row limited on both sides is written as one limit and a range, which is what MPS offers: the
    other limit is read back as their sum, so it is exact up to one rounding. Rows without limits
    state nothing and are left out.
    """
    linear, quadratic = split(model)
    yield f"NAME {linear.name}"
    yield from _rows(linear)
    yield from _columns(linear)
    yield from _right_hand_sides(linear)
    yield from _bounds(linear)
    yield from _quadratic(linear, quadratic)
    yield "ENDATA"


def _kind(lower: float, upper: float) -> str:
    """Return E, L or G, or nothing for a row without limits."""
    if lower == upper:
        return "E"
    if lower > -math.inf:
        return "G"
    return "L" if upper < math.inf else ""


def _limits(linear: LinearModel) -> Iterator[tuple[str, str, float, float]]:
    names, lower, upper = linear.row_names, linear.row_lower.tolist(), linear.row_upper.tolist()
    for name, low, high in zip(names, lower, upper, strict=True):
        kind = _kind(low, high)
        if kind:
            yield kind, name, low, high


def _rows(linear: LinearModel) -> Iterator[str]:
    yield "ROWS"
    yield f" N {_objective_name(linear)}"
    for kind, name, _, _ in _limits(linear):
        yield f" {kind} {name}"


def _objective_name(linear: LinearModel) -> str:
    name = _OBJECTIVE
    while name in linear.row_names:
        name += "_"
    return name


def _columns(linear: LinearModel) -> Iterator[str]:
    yield "COLUMNS"
    written = [bool(_kind(*pair)) for pair in zip(linear.row_lower, linear.row_upper, strict=True)]
    row_of = np.repeat(np.arange(len(linear.rows)), np.diff(linear.rows.starts))
    by_column = np.argsort(linear.rows.columns, kind="stable")
    starts = np.searchsorted(linear.rows.columns[by_column], np.arange(linear.variables + 1))
    objective_name = _objective_name(linear)
    markers = _Markers()
    for j, (name, cost) in enumerate(
        zip(linear.variable_names, linear.objective.tolist(), strict=True)
    ):
        yield from markers.before(bool(linear.integer[j]))
        entries = by_column[starts[j] : starts[j + 1]]
        rows, coefficients = row_of[entries], linear.rows.coefficients[entries]
        pairs = zip(rows.tolist(), coefficients.tolist(), strict=True)
        kept = [(linear.row_names[i], value) for i, value in pairs if value != 0.0 and written[i]]
        # A column without any entry still has to be declared.
        if cost != 0.0 or not kept:
            yield f" {name} {objective_name} {cost!r}"
        for row_name, value in kept:
            yield f" {name} {row_name} {value!r}"
    yield from markers.before(False)


class _Markers:
    """Brackets around runs of integer columns."""

    def __init__(self) -> None:
        self.inside = False
        self.count = 0

    def before(self, integer: bool) -> Iterator[str]:
        if integer != self.inside:
            self.inside = integer
            word = "INTORG" if integer else "INTEND"
            yield f" MARKER{self.count} 'MARKER' '{word}'"
            self.count += 1


def _right_hand_sides(linear: LinearModel) -> Iterator[str]:
    yield "RHS"
    ranges = []
    for kind, name, lower, upper in _limits(linear):
        limit = upper if kind == "L" else lower
        if limit != 0.0:
            yield f" RHS {name} {limit!r}"
        if kind == "G" and upper < math.inf:
            ranges.append(f" RANGE {name} {upper - lower!r}")
    if ranges:
        yield "RANGES"
        yield from ranges


def _bounds(linear: LinearModel) -> Iterator[str]:
    yield "BOUNDS"
    names, lower, upper = linear.variable_names, linear.lower.tolist(), linear.upper.tolist()
    for name, low, high, integer in zip(names, lower, upper, linear.integer.tolist(), strict=True):
        for kind, limit in _bound(low, high, integer):
            yield f" {kind} BOUND {name}" + ("" if limit is None else f" {limit!r}")


def _bound(lower: float, upper: float, integer: bool) -> Iterator[tuple[str, float | None]]:
    """Yield what differs from [0, inf); for integers all, since readers default them apart."""
    if integer and (lower, upper) == (0.0, 1.0):
        yield "BV", None
    elif lower == upper:
        yield "FX", lower
    elif (lower, upper) == (-math.inf, math.inf):
        yield "FR", None
    else:
        if lower == -math.inf:
            yield "MI", None
        elif lower != 0.0 or integer:
            yield "LO", lower
        if upper < math.inf:
            yield "UP", upper
        elif integer:
            yield "PL", None


def _quadratic(linear: LinearModel, quadratic: Quadratic) -> Iterator[str]:
    """Yield the upper triangle of Q in x'Qx / 2: a square counts half, a product i < j whole."""
    if not quadratic:
        return
    yield "QUADOBJ"
    names = linear.variable_names
    for i, j, coefficient in quadratic:
        yield f" {names[i]} {names[j]} {2.0 * coefficient if i == j else coefficient!r}"
