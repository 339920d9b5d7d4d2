"""Problems as integers times a power of two, as a proof states them; see `_stating` of objects."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd
from typing import Any

from ._failure import failed, fraction, indices, whole, wholes

Line = dict[str, Any]
_LARGEST_EXPONENT = 4000


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
class StatedRow:
    """``lower <= sum of the weights of the chosen <= upper``.

    Parameters
    ----------
    lower, upper : int
    weights : dict of int to int
        Above 0, of candidates; all others have 0.
    """

    lower: int
    upper: int
    weights: dict[int, int]

    def sum(self, items: Iterable[int]) -> int:
        """Return the sum of the weights of some items."""
        weights = self.weights
        return sum(weights[i] for i in items if i in weights)

    def line(self) -> list[Any]:
        """Return it as a proof states it."""
        return [self.lower, self.upper, [list(pair) for pair in sorted(self.weights.items())]]

    @classmethod
    def of(cls, given: Any, n: int) -> "StatedRow":
        """Read one from a proof."""
        if type(given) is not list or len(given) != 3 or type(given[2]) is not list:
            failed("a row must be a list of lower, upper and [candidate, weight]s")
        entries = [wholes("an entry of a row", entry, 2) for entry in given[2]]
        indices("the candidates of a row", [i for i, _ in entries], n)
        for _, weight in entries:
            whole("a weight of a row", weight, 1)
        return cls(whole("lower", given[0]), whole("upper", given[1]), {i: w for i, w in entries})  # noqa: C416 - pairs are lists


@dataclass(frozen=True)
class QuadraticStatement(Statement):
    """Minimise ``scale * (sum of linear_i + sum of pairs_ij) + constant`` over the chosen.

    Where from `smallest` to `k` may be chosen, k - smallest items that cost nothing come after the
    n candidates, and k are chosen of all.

    Parameters
    ----------
    linear : list of int (items,)
    pairs : list of list of int (items, items)
        Symmetric with a diagonal of zeros: an unordered pair counts once.
    scale, constant : Fraction
    error : Fraction
        How far this may be from the objective of the problem that it states.
    rows : tuple of StatedRow
    """

    linear: list[int]
    pairs: list[list[int]]
    scale: Fraction
    constant: Fraction
    error: Fraction
    rows: tuple[StatedRow, ...] = ()

    @property
    def free(self) -> list[int]:
        """The items that are neither included nor excluded."""
        return [*super().free, *range(self.n, len(self.linear))]

    def require(self, chosen: list[int]) -> None:
        """Fail unless ascending indices are a selection."""
        super().require(chosen)
        for row in self.rows:
            if not row.lower <= row.sum(chosen) <= row.upper:
                failed(
                    f"the selection breaks a constraint: a row comes to {row.sum(chosen)}, not to "
                    f"[{row.lower}, {row.upper}]"
                )

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
        rules = {"rows": [row.line() for row in self.rows]} if self.rows else {}
        yield {"family": "quadratic", **self.common(), **parts, **rules}
        yield {"linear": self.linear[: self.n]}
        for i in range(self.n - 1):
            yield {"pairs": self.pairs[i][i + 1 : self.n]}


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
    if smallest < len(include):
        failed(f"sizes must be at least the {len(include)} that are included; got {sizes}")
    more = k - smallest
    linear = [*wholes("linear", _next(lines, "linear"), n), *[0] * more]
    pairs = [[0] * (n + more) for _ in range(n + more)]
    for i in range(n - 1):
        row = wholes(f"pairs of candidate {i}", _next(lines, "pairs"), n - 1 - i)
        for j, value in enumerate(row, i + 1):
            pairs[i][j] = pairs[j][i] = value
    parts = [fraction(name, head.get(name)) for name in ("scale", "constant", "error")]
    if parts[0] <= 0 or parts[2] < 0:
        failed("scale must be > 0, and error >= 0")
    scale, constant, error = parts
    given = head.get("rows", [])
    if type(given) is not list:
        failed("rows must be a list")
    rows = tuple(StatedRow.of(row, n) for row in given)
    return QuadraticStatement(*common, linear, pairs, scale, constant, error, rows)


def _next(lines: Iterator[Line], key: str) -> Any:
    line = next(lines, None)
    if line is None or set(line) != {key}:
        failed(f"the statement of the problem must go on with a line of {key!r}")
    return line[key]
