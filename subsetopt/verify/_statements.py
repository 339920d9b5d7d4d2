"""Problems as integers times a power of two: read from objects or from a proof, never rounded.

An object is read by its attributes alone, so that nothing of what has made it is needed: `values`,
`k`, `target` and `cardinality` of mean matching, `Q`, `c`, `k`, `constant` and `sense` of a
quadratic selection, `quadratic_form()` of everything else.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd
from typing import Any

from ._failure import failed, fraction, indices, whole, wholes

Line = dict[str, Any]
Number = int | float | Fraction
_LARGEST_EXPONENT = 4000
_HALF = 2.0**1022  # twice as much is a float


@dataclass(frozen=True)
class Statement:
    """What both kinds of problems have.

    Parameters
    ----------
    n, smallest, k : int
        From `smallest` to `k` of n candidates are chosen.
    exponent : int
        All integers count in units of ``2**exponent``.
    include, exclude : tuple of int
        Candidates that are in every selection, and in none.
    """

    n: int
    smallest: int
    k: int
    exponent: int
    include: tuple[int, ...]
    exclude: tuple[int, ...]

    @property
    def free(self) -> list[int]:
        """The candidates that are neither included nor excluded."""
        fixed = {*self.include, *self.exclude}
        return [i for i in range(self.n) if i not in fixed]

    @property
    def unit(self) -> Fraction:
        """What the integers count in."""
        return Fraction(2) ** self.exponent

    def require(self, chosen: list[int]) -> None:
        """Fail unless ascending indices are a selection."""
        indices("the selection", chosen, self.n)
        if not self.smallest <= len(chosen) <= self.k:
            failed(
                f"the selection must have {_sizes(self.smallest, self.k)} candidates; "
                f"got {len(chosen)}"
            )
        missing = sorted({*self.include} - {*chosen})
        barred = sorted({*self.exclude} & {*chosen})
        if missing or barred:
            which = f"{missing[0]} is to be included" if missing else f"{barred[0]} is excluded"
            failed(f"the selection breaks a constraint: candidate {which}")

    def common(self) -> Line:
        """Return the part of the first line that both kinds have."""
        return {
            "n": self.n,
            "sizes": [self.smallest, self.k],
            "exponent": self.exponent,
            "include": list(self.include),
            "exclude": list(self.exclude),
        }


@dataclass(frozen=True)
class MeanStatement(Statement):
    """Choose values whose sum over k is nearest to a target: ``|target - sum / k|``.

    Parameters
    ----------
    values : list of int (n,)
    target : Fraction
        Not in units of ``2**exponent``, but as it is.
    """

    values: list[int]
    target: Fraction

    def objective(self, chosen: list[int]) -> Fraction:
        """Return the exact objective."""
        return abs(self.target - sum(self.values[i] for i in chosen) * self.unit / self.k)

    def lines(self) -> Iterator[Line]:
        """Yield what a proof says of the problem; the first line first."""
        yield {"family": "mean-matching", **self.common(), "target": str(self.target)}
        yield {"values": self.values}


@dataclass(frozen=True)
class QuadraticStatement(Statement):
    """Minimise ``scale * (sum of linear_i + sum of pairs_ij) + constant`` over the chosen.

    Parameters
    ----------
    linear : list of int (n,)
    pairs : list of list of int (n, n)
        Symmetric with a diagonal of zeros: an unordered pair counts once.
    scale, constant : Fraction
    error : Fraction
        How far this may be from the objective of the problem that it states.
    """

    linear: list[int]
    pairs: list[list[int]]
    scale: Fraction
    constant: Fraction
    error: Fraction

    def value(self, chosen: Iterable[int]) -> int:
        """Return the sum of the integers of the chosen."""
        some = list(chosen)
        twice = sum(self.pairs[i][j] for i in some for j in some)
        return sum(self.linear[i] for i in some) + twice // 2

    def objective(self, chosen: list[int]) -> Fraction:
        """Return the exact objective."""
        return self.lifted(self.value(chosen))

    def lifted(self, value: int | Fraction) -> Fraction:
        """Return the objective of a sum of integers."""
        return self.scale * self.unit * value + self.constant

    def lowered(self, objective: Fraction) -> Fraction:
        """Return the sum that an objective stands for."""
        return (objective - self.constant) / (self.scale * self.unit)

    @cached_property
    def grid(self) -> int:
        """The number of which all sums are multiples; 0 if all are 0."""
        return gcd(*self.linear, *(p for row in self.pairs for p in row))

    def lines(self) -> Iterator[Line]:
        """Yield what a proof says of the problem; the first line first."""
        parts = {name: str(getattr(self, name)) for name in ("scale", "constant", "error")}
        yield {"family": "quadratic", **self.common(), **parts}
        yield {"linear": self.linear}
        for i in range(self.n - 1):
            yield {"pairs": self.pairs[i][i + 1 :]}


def _sizes(low: int, high: int) -> str:
    return str(high) if low == high else f"{low} to {high}"


def digest(statement: MeanStatement | QuadraticStatement) -> str:
    """Return the SHA-256 of all lines that state the problem."""
    found = hashlib.sha256()
    for line in statement.lines():
        found.update(written(line).encode())
    return f"sha256:{found.hexdigest()}"


def written(line: Line) -> str:
    """Return a line of a proof, as JSON in its one canonical way."""
    return json.dumps(line, separators=(",", ":"), sort_keys=True, allow_nan=False) + "\n"


def read(head: Any, lines: Iterator[Line]) -> MeanStatement | QuadraticStatement:
    """Read the statement of a problem from the lines of a proof."""
    if type(head) is not dict:
        failed("problem must be an object")
    n = whole("n", head.get("n"), 1)
    sizes = wholes("sizes", head.get("sizes"), 2)
    k = whole("sizes[1]", sizes[1], 1, n)
    smallest = whole("sizes[0]", sizes[0], 0, k)
    exponent = whole("exponent", head.get("exponent"), -_LARGEST_EXPONENT, _LARGEST_EXPONENT)
    include, exclude = (tuple(indices(x, head.get(x), n)) for x in ("include", "exclude"))
    if {*include} & {*exclude}:
        failed("a candidate is both included and excluded")
    common = (n, smallest, k, exponent, include, exclude)
    family = head.get("family")
    if family == "mean-matching":
        values = wholes("values", _next(lines, "values"), n)
        return MeanStatement(*common, values, fraction("target", head.get("target")))
    if family != "quadratic":
        failed(f"family must be 'mean-matching' or 'quadratic'; got {family!r}")
    if smallest < k:
        failed(f"sizes of a quadratic must be equal; got {sizes}")
    linear = wholes("linear", _next(lines, "linear"), n)
    pairs = [[0] * n for _ in range(n)]
    for i in range(n - 1):
        row = wholes(f"pairs of candidate {i}", _next(lines, "pairs"), n - 1 - i)
        for j, value in enumerate(row, i + 1):
            pairs[i][j] = pairs[j][i] = value
    parts = [fraction(name, head.get(name)) for name in ("scale", "constant", "error")]
    if parts[0] <= 0 or parts[2] < 0:
        failed("scale must be > 0, and error >= 0")
    scale, constant, error = parts
    return QuadraticStatement(*common, linear, pairs, scale, constant, error)


def _next(lines: Iterator[Line], key: str) -> Any:
    line = next(lines, None)
    if line is None or set(line) != {key}:
        failed(f"the statement of the problem must go on with a line of {key!r}")
    return line[key]


# -- from objects ----------------------------------------------------------------------------------


def _unchecked() -> None:
    pass


def statement_of(
    problem: Any, only: list[int] | None = None, check: Callable[[], None] = _unchecked
) -> MeanStatement | QuadraticStatement:
    """Return what an object states, with what its constraints include and exclude.

    With `only`, ascending candidates, a quadratic is stated for these, all of which are chosen.
    `check` is called now and then, and may raise.
    """
    rules = getattr(problem, "constraints", None)
    include, exclude = (
        tuple(sorted(int(i) for i in getattr(rules, name, ()))) for name in ("include", "exclude")
    )
    if problem.family == "mean-matching":
        return _of_values(problem, include, exclude)
    if problem.family == "quadratic":
        sign, constant = (-1 if problem.sense == "maximise" else 1), Fraction(problem.constant)
        size = int(problem.smallest_count), int(problem.k)
        terms = constant * sign, Fraction(1), Fraction(0)
        return _of_matrix(problem.Q, problem.c, sign, size, include, exclude, terms, only, check)
    form = problem.quadratic_form()
    if form.positions is not None:
        failed("problems with a range of sizes have no statement as a quadratic of one k")
    terms = Fraction(form.constant), Fraction(form.scale), Fraction(form.error)
    size = int(form.k), int(form.k)
    return _of_matrix(form.matrix, form.linear, 1, size, include, exclude, terms, only, check)


def _of_values(problem: Any, include: tuple[int, ...], exclude: tuple[int, ...]) -> MeanStatement:
    k, values = int(problem.k), problem.values.tolist()
    exact = [Fraction(value) for value in values]
    target = sum(exact) / len(exact) if problem.target is None else Fraction(problem.target)
    smallest = k if problem.cardinality == "exactly" else 0
    exponent, (integers,) = _on_one_grid([values])
    fields = (len(values), smallest, k, exponent, include, exclude)
    return MeanStatement(*fields, integers, Fraction(target))


def _of_matrix(
    matrix: Any,
    linear: Any,
    sign: int,
    size: tuple[int, int],
    include: tuple[int, ...],
    exclude: tuple[int, ...],
    terms: tuple[Fraction, Fraction, Fraction],
    only: list[int] | None,
    check: Callable[[], None],
) -> QuadraticStatement:
    if only is not None:
        matrix, linear, include, exclude = matrix[only][:, only], linear[only], (), ()
        size = len(only), len(only)
    dense = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    exponent, costs, pairs = _integers(dense.tolist(), linear.tolist(), sign, check)
    constant, scale, error = terms
    fields = (len(costs), *size, exponent, include, exclude)
    return QuadraticStatement(*fields, costs, pairs, scale, constant, error)


def _integers(
    rows: list[list[float]], linear: list[float], sign: int, check: Callable[[], None]
) -> tuple[int, list[int], list[list[int]]]:
    """Return the exponent, the costs of candidates and those of pairs, times a sign."""
    n = len(rows)
    own: list[Number] = [Fraction(rows[i][i]) + Fraction(linear[i]) for i in range(n)]
    apart: list[list[Number]] = []
    for i in range(n):
        check()
        apart.append([_sum(rows[i][j], rows[j][i]) for j in range(i + 1, n)])
    exponent, (costs, *upper) = _on_one_grid([own, *apart], check)
    pairs = [[0] * n for _ in range(n)]
    for i, part in enumerate(upper):
        check()
        for j, value in enumerate(part, i + 1):
            pairs[i][j] = pairs[j][i] = sign * value
    return exponent, [sign * cost for cost in costs], pairs


def _sum(one: float, other: float) -> Number:
    """Return the exact sum of two entries, which mostly are one number twice."""
    return 2 * one if one == other and abs(one) < _HALF else Fraction(one) + Fraction(other)


def _on_one_grid(
    lists: Sequence[Sequence[Number]], check: Callable[[], None] = _unchecked
) -> tuple[int, list[list[int]]]:
    """Return the largest exponent that makes all dyadic numbers integers, and these."""
    ratios = []
    for part in lists:
        check()
        ratios.append([number.as_integer_ratio() for number in part])
    exponent: int | None = None
    for above, below in (ratio for part in ratios for ratio in part):
        if above:
            own = (above & -above).bit_length() - below.bit_length()  # one of them is 1
            exponent = own if exponent is None else min(exponent, own)
    exponent = exponent or 0
    return exponent, [[_whole(*ratio, exponent) for ratio in part] for part in ratios]


def _whole(above: int, below: int, exponent: int) -> int:
    """Return ``above / below * 2**-exponent``, of a power of two `below`."""
    shift = 1 - below.bit_length() - exponent
    return above << shift if shift >= 0 else above >> -shift
