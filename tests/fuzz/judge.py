"""The judge: exact rational arithmetic and enumeration, with no function of the library."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .instances import Instance

Chosen = tuple[int, ...]

_DIGITS = Context(prec=60)
_ZERO = Fraction(0)
_SMALLEST = Fraction(2) ** -1060
"""What sums of subnormal numbers may lose."""


class Judged(Protocol):
    """What is read of a `Solution`; all of it is checked."""

    @property
    def indices(self) -> Any: ...

    @property
    def objective(self) -> Any: ...

    @property
    def bound(self) -> Any: ...

    @property
    def certificate(self) -> Any: ...

    @property
    def termination(self) -> Any: ...


@dataclass(frozen=True)
class Truth:
    """What is true of an instance.

    Parameters
    ----------
    values : dict
        The exact objective of every selection.
    slack : Fraction
        What evaluating the objective in floating point may cost.
    exact : bool
        The library states this objective exactly, so that bounds need no slack.
    """

    values: dict[Chosen, Fraction]
    slack: Fraction
    exact: bool

    @property
    def optimum(self) -> Fraction:
        """The least objective."""
        return min(self.values.values())


def truth(instance: Instance) -> Truth:
    """Enumerate an instance."""
    known = _truth(instance)
    values = {chosen: value for chosen, value in known.values.items() if _kept(instance, chosen)}
    return replace(known, values=values)


def _truth(instance: Instance) -> Truth:
    match instance.kind:
        case "mean" if instance.data.ndim == 1:
            return _scalars(instance)
        case "mean":
            return _vectors(instance)
        case "quadratic":
            return _quadratic(instance)
        case _:
            return _mmd(instance)


def _kept(instance: Instance, chosen: Chosen) -> bool:
    """Return whether a selection keeps the rules; costs are the decimals that they print as."""
    rules, taken = instance.rules, set(chosen)
    if not taken.issuperset(rules.get("include", ())) or taken.intersection(
        rules.get("exclude", ())
    ):
        return False
    for labels, least, most in rules.get("quotas", ()):
        counts = {group: sum(labels[i] == group for i in chosen) for group in least}
        if any(not least[group] <= counts[group] <= most[group] for group in least):
            return False
    if "costs" in rules:
        spent = sum((Fraction(str(rules["costs"][i])) for i in chosen), _ZERO)
        if spent > Fraction(str(rules["budget"])):
            return False
    return not any(taken.issuperset(pair) for pair in rules.get("conflicts", ()))


def faults(
    truth: Truth, solution: Judged, *, may_lack: bool, start: Chosen | None = None
) -> Iterator[str]:
    """Yield what is wrong with a solution.

    Parameters
    ----------
    truth : Truth
    solution : Solution
    may_lack : bool
        Whether it may hold no selection.
    start : tuple of int, optional
        What it was told to begin with.
    """
    kind, eps = str(solution.certificate.kind), solution.certificate.eps
    if solution.indices is None:
        refuted = str(solution.termination) == "infeasible"
        if not may_lack and not (refuted and not truth.values):
            yield f"no selection ({solution.termination})"
        if refuted and truth.values:
            yield "infeasible, but there are selections"
        if refuted and kind != "infeasible":
            yield f"infeasible with the certificate {kind!r}"
        return
    chosen = tuple(int(i) for i in solution.indices)
    if solution.indices.dtype != np.int64 or chosen not in truth.values:
        yield f"no valid selection: {solution.indices!r}"
        return
    value, optimum, slack = truth.values[chosen], truth.optimum, truth.slack + _SMALLEST
    objective = Fraction(solution.objective)
    if start is not None and value > truth.values.get(start, value) + slack + abs(value) / 2**50:
        yield f"{float(value)!r} is above the {float(truth.values[start])!r} of the start"
    if abs(objective - value) > slack + abs(value) / 2**50:
        yield f"objective {solution.objective!r}, but it is {float(value)!r}"
    least = _ZERO if truth.exact else slack
    if solution.bound is not None:
        if not np.isfinite(solution.bound):
            yield f"bound {solution.bound!r}"
        elif Fraction(solution.bound) > optimum + least:
            excess = float(Fraction(solution.bound) - optimum)
            yield f"bound {solution.bound!r} above the optimum {float(optimum)!r} by {excess:.3g}"
        elif solution.bound > solution.objective:
            yield f"bound {solution.bound!r} above the objective {solution.objective!r}"
    if eps is not None and not 0 <= eps < float("inf"):
        yield f"eps {eps!r}"
    elif kind == "exact":
        if value > optimum + least:
            yield f"exact, but {float(value)!r} is above the optimum {float(optimum)!r}"
    elif kind in ("bound", "tolerance"):
        if eps is None:
            yield f"{kind} without eps"
        elif value - optimum > Fraction(eps) + slack:
            yield f"{kind} eps {eps!r}, but it is {float(value - optimum)!r} above the optimum"
    elif kind != "none":
        yield f"certificate {kind!r}"


# -- mean matching ---------------------------------------------------------------------------------


def _subsets(n: int, instance: Instance) -> Iterator[Chosen]:
    at_most = instance.options.get("cardinality") == "at_most"
    for size in range(0 if at_most else instance.k, instance.k + 1):
        yield from combinations(range(n), size)


def _columns(instance: Instance) -> tuple[list[list[Fraction]], list[Fraction]]:
    """Return the values by column, and the target of each."""
    data = instance.data.reshape(instance.n, -1)
    columns = [[_fraction(x) for x in column] for column in data.T]
    target = instance.options.get("target")
    if target is None:
        return columns, [sum(column, _ZERO) / len(column) for column in columns]
    return columns, [_fraction(t) for t in np.atleast_1d(target)]


def _fraction(number: Any) -> Fraction:
    return Fraction(number.item() if isinstance(number, np.generic) else number)


def _scalars(instance: Instance) -> Truth:
    (column,), (target,) = _columns(instance)
    values = {
        chosen: abs(target - sum((column[i] for i in chosen), _ZERO) / instance.k)
        for chosen in _subsets(instance.n, instance)
    }
    return Truth(values, _ZERO, exact=True)


def _vectors(instance: Instance) -> Truth:
    columns, targets = _columns(instance)
    values = {
        chosen: sum(
            (
                (target - sum((column[i] for i in chosen), _ZERO) / instance.k) ** 2
                for column, target in zip(columns, targets, strict=True)
            ),
            _ZERO,
        )
        for chosen in _subsets(instance.n, instance)
    }
    at_most = instance.options.get("cardinality") == "at_most"
    reach = sum(
        (
            max(abs(x - t) for x in (*column, *([_ZERO] if at_most else []))) ** 2
            for column, t in zip(columns, targets, strict=True)
        ),
        _ZERO,
    )
    return Truth(values, reach / 10**12, exact=True)


# -- quadratic -------------------------------------------------------------------------------------


def _quadratic(instance: Instance) -> Truth:
    Q = [[_fraction(x) for x in row] for row in instance.data]
    c = [_fraction(x) for x in instance.options.get("c", np.zeros(instance.n))]
    constant = _fraction(instance.options.get("constant", 0.0))
    sign = -1 if instance.options["sense"] == "maximise" else 1
    values = {
        chosen: sign
        * (
            sum((Q[i][j] for i in chosen for j in chosen), _ZERO)
            + sum((c[i] for i in chosen), _ZERO)
            + constant
        )
        for size in range(instance.k if instance.least is None else instance.least, instance.k + 1)
        for chosen in combinations(range(instance.n), size)
    }
    entries = max(abs(x) for row in Q for x in row)
    reach = instance.k**2 * entries + instance.k * max(map(abs, c)) + abs(constant)
    symmetric = bool(np.array_equal(instance.data, instance.data.T))
    return Truth(values, reach / 10**13, exact=symmetric)


# -- maximum mean discrepancy ----------------------------------------------------------------------


def _mmd(instance: Instance) -> Truth:
    name, parameters = instance.options["kernel"]
    selected = instance.options.get("selected")
    if name == "precomputed":
        K = [[_fraction(x) for x in row] for row in instance.data]
        before = [] if selected is None else [int(i) for i in selected]
        free = [i for i in range(instance.n) if i not in before]
        own = free
    else:
        points = instance.data if selected is None else np.concatenate([instance.data, selected])
        K = _kernel_matrix(name, parameters, points)
        free = own = list(range(instance.n))
        before = list(range(instance.n, len(points)))
    value = _published if instance.options["formulation"] == "published" else _squared_mmd
    scaled, unit = _integers(K)
    values = {
        tuple(own[i] for i in chosen): value(scaled, before, free, [free[i] for i in chosen]) * unit
        for chosen in combinations(range(len(free)), instance.k)
    }
    single = instance.data.dtype.itemsize <= 4 and instance.data.dtype.kind == "f"
    reach = max(abs(x) for row in K for x in row)
    if instance.options["formulation"] == "published":
        reach *= 4 * instance.n**2
    elif name == "linear":  # translation changes nothing, so it must cost nothing
        reach = _largest_centred(points)
    return Truth(values, reach / (10**4 if single else 10**9), exact=False)


def _integers(K: list[list[Fraction]]) -> tuple[list[list[int]], Fraction]:
    """Return the matrix in integers of 200 bits, and their unit."""
    largest = max(abs(x) for row in K for x in row) or Fraction(1)
    unit = Fraction(2) ** (_exponent(largest) - 200)
    return [[round(x / unit) for x in row] for row in K], unit


def _exponent(number: Fraction) -> int:
    return number.numerator.bit_length() - number.denominator.bit_length()


def _largest_centred(points: NDArray[Any]) -> Fraction:
    columns = [[_fraction(x) for x in column] for column in points.T]
    return sum(
        (max(abs(x - sum(column, _ZERO) / len(column)) for x in column) ** 2 for column in columns),
        _ZERO,
    )


def _squared_mmd(
    K: list[list[int]], before: list[int], free: list[int], chosen: list[int]
) -> Fraction:
    here = [*before, *chosen]
    rest = [i for i in free if i not in chosen]
    weights = [(i, len(rest)) for i in here] + [(i, -len(here)) for i in rest]
    total = sum(v * w * K[i][j] for i, v in weights for j, w in weights)
    return Fraction(total, (len(here) * len(rest)) ** 2)


def _published(
    K: list[list[int]], before: list[int], free: list[int], chosen: list[int]
) -> Fraction:
    """Eq. 5 of Deterministic Mini-batch Sequencing as it is printed."""
    points, k = len(before) + len(free), len(chosen)
    quadratic = sum(K[i][j] for i in chosen for j in chosen)
    own = sum(K[i][j] for i in chosen for j in free)
    cross = sum(K[i][j] for i in chosen for j in before)
    linear = (len(free) - k) * cross - (len(before) + k) * own
    return quadratic + Fraction(linear, points)


def _kernel_matrix(
    name: str, parameters: dict[str, Any], points: NDArray[Any]
) -> list[list[Fraction]]:
    rows = [[_fraction(x) for x in row] for row in points]
    return [[_kernel(name, parameters, x, y) for y in rows] for x in rows]


def _kernel(
    name: str, parameters: dict[str, Any], x: list[Fraction], y: list[Fraction]
) -> Fraction:
    product = sum((a * b for a, b in zip(x, y, strict=True)), _ZERO)
    apart = [a - b for a, b in zip(x, y, strict=True)]
    match name:
        case "linear":
            return product
        case "polynomial":
            base = Fraction(parameters["gamma"]) * product + Fraction(parameters["coef0"])
            return base ** int(parameters["degree"])
        case "laplace":
            return _exp(-sum(map(abs, apart), _ZERO) / Fraction(parameters["scale"]))
        case _:
            squares = sum((a * a for a in apart), _ZERO)
            return _exp(-squares / (2 * Fraction(parameters["scale"]) ** 2))


def _exp(exponent: Fraction) -> Fraction:
    if exponent < -800:
        return _ZERO
    quotient = _DIGITS.divide(Decimal(exponent.numerator), Decimal(exponent.denominator))
    return Fraction(_DIGITS.exp(quotient))
