"""Models in the CPLEX LP format."""

import math
from collections.abc import Iterable, Iterator

from subsetopt.models import LinearModel, QuadraticModel

from ._canonical import Quadratic, split

_WIDTH = 200  # readers may cut lines at 255 characters


def lp_lines(model: LinearModel | QuadraticModel) -> Iterator[str]:
    """Yield the lines of an LP file that minimises `model`.

    A row limited on both sides becomes two rows, ``NAME.lower`` and ``NAME.upper``, since readers
    differ on ranges. Rows without limits state nothing and are left out.
    """
    linear, quadratic = split(model)
    yield f"\\ {linear.name}"
    yield "Minimize"
    yield from _objective(linear, quadratic)
    yield "Subject To"
    for i in range(len(linear.rows)):
        yield from _row(linear, i)
    yield "Bounds"
    yield from _bounds(linear)
    yield from _integers(linear)
    yield "End"


def _objective(linear: LinearModel, quadratic: Quadratic) -> Iterator[str]:
    costs = linear.objective.tolist()
    terms = _terms(linear, enumerate(costs))
    if quadratic:
        names = linear.variable_names
        terms.append("+ [")
        # Squares and products alike: the bracket is a polynomial, and half of it counts. No blank
        # between ^ and 2: SCIP would take the 2 for a coefficient.
        for i, j, coefficient in quadratic:
            product = f"{names[i]} ^2" if i == j else f"{names[i]} * {names[j]}"
            terms.append(_signed(2.0 * coefficient, product))
        terms.append("] / 2")
    yield from _wrapped("obj:", terms or [_nothing(linear)])


def _row(linear: LinearModel, i: int) -> Iterator[str]:
    lower, upper = float(linear.row_lower[i]), float(linear.row_upper[i])
    columns, coefficients = linear.rows.row(i)
    pairs = zip(columns.tolist(), coefficients.tolist(), strict=True)
    terms = _terms(linear, pairs) or [_nothing(linear)]
    name = linear.row_names[i]
    if lower == upper:
        yield from _wrapped(f"{name}:", [*terms, f"= {lower!r}"])
        return
    ranged = lower > -math.inf and upper < math.inf
    if lower > -math.inf:
        yield from _wrapped(f"{name}{'.lower' * ranged}:", [*terms, f">= {lower!r}"])
    if upper < math.inf:
        yield from _wrapped(f"{name}{'.upper' * ranged}:", [*terms, f"<= {upper!r}"])


def _terms(linear: LinearModel, pairs: Iterable[tuple[int, float]]) -> list[str]:
    names = linear.variable_names
    return [_signed(coefficient, names[j]) for j, coefficient in pairs if coefficient != 0.0]


def _signed(coefficient: float, name: str) -> str:
    return f"{'-' if coefficient < 0 else '+'} {abs(coefficient)!r} {name}"


def _nothing(linear: LinearModel) -> str:
    """Return an expression that is zero: the format has no empty one."""
    return f"0 {linear.variable_names[0]}"


def _bounds(linear: LinearModel) -> Iterator[str]:
    names, lower, upper = linear.variable_names, linear.lower.tolist(), linear.upper.tolist()
    for name, low, high, integer in zip(names, lower, upper, linear.integer.tolist(), strict=True):
        if (low, high) == (0.0, math.inf) or (integer and (low, high) == (0.0, 1.0)):
            continue
        if (low, high) == (-math.inf, math.inf):
            yield f" {name} free"
        elif low == high:
            yield f" {name} = {low!r}"
        elif high == math.inf:
            yield f" {name} >= {low!r}"
        else:
            yield f" {low!r} <= {name} <= {high!r}"  # -inf included


def _integers(linear: LinearModel) -> Iterator[str]:
    binary = linear.integer & (linear.lower == 0.0) & (linear.upper == 1.0)
    for section, chosen in (("Binaries", binary), ("Generals", linear.integer & ~binary)):
        names = [name for name, wanted in zip(linear.variable_names, chosen, strict=True) if wanted]
        if names:
            yield section
            yield from _wrapped("", names)


def _wrapped(start: str, words: Iterable[str]) -> Iterator[str]:
    line = f" {start}" if start else ""
    for word in words:
        if len(line) + len(word) + 1 > _WIDTH:
            yield line
            line = ""
        line += f" {word}"
    yield line
