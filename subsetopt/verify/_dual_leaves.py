"""Semidefinite leaves: multipliers that prove a bound, and a Cholesky factor that proves those.

At a node with costs ``a + x'Hx / 4`` of the free candidates, of which m are chosen, integers u, N,
z and s prove ``x'Hx >= s m - sum of z_t r_t - e m`` where the matrix

    R = H + sum_t z_t T_t - U(u) - N - s I,  U(u)_ij = u_i + u_j,  U(u)_ii = 2 u_i (1 - m),

has no eigenvalue below -e: ``x'Ux`` is 0 for all x of m ones, N and z are at least 0, and
``x'T_t x <= r_t`` holds for all x of zeros and ones. R is formed in integers. That it has no
eigenvalue below -e is shown by a Cholesky factorisation in float64 that comes to its end: it is
that of a matrix that differs from R by at most c/(1 - c) times sqrt(R_ii R_jj) in each entry,
c = (n + 4) u / (1 - (n + 4) u), u = 2**-53, in whatever order sums are added (Demmel 1989; Rump,
Verification of positive definiteness, BIT 46, 2006), so that e = c/(1 - c) * trace, with the
rounding of R to float64 and what underflows added. All of e is computed in rational numbers.

Where there are rows ``low <= a'x <= high`` to keep, R may hold more, and the bound changes with it:

* ``p diag(a)``, of any sign: ``p a'x`` is at most p high, or p low;
* ``c v' + v c'``, c = m a - low 1, of a row with low = high: ``c'x = 0``, whatever v is;
* of a pair that no row lets be chosen together, any entry: ``x_i x_j = 0``.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ._failure import failed, whole, wholes
from ._proof_nodes import ProofNode
from ._statements import StatedRow

Matrix = list[list[int]]
_UNIT = Fraction(1, 2**53)
_TINY = Fraction(1, 2**900)  # more than underflow can add, to entries of 2**53
_POWER = 4000
_STEPS = 4  # roundings besides those of a sum: a quotient, perhaps by a reciprocal, and a root


@dataclass(frozen=True)
class DualLeaf:
    """The multipliers of a leaf; integers in units of ``2**power`` times the problem's own.

    Parameters
    ----------
    power : int
    complement : bool
        They are of the candidates that are left out.
    shift : int
        s.
    u : list of int
    entries : list of (int, int, int)
        (i, j, N_ij), i <= j, of N_ij > 0; i and j count the free candidates.
    triangles : list of (int, int, int, int, int)
        (kind, i, j, l, z), of a multiplier 2z, see `left_side`.
    rows : list of [int, int, list of int]
        The number of a row, p, and v or nothing.
    apart : list of (int, int, int)
        (i, j, amount), i < j, of pairs that are not chosen together.
    """

    power: int
    complement: bool
    shift: int
    u: list[int]
    entries: list[list[int]]
    triangles: list[list[int]]
    rows: list[list[Any]] = field(default_factory=list)
    apart: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, given: Any, size: int) -> "DualLeaf":
        """Read one from a proof, for a node of so many free candidates."""
        names = {"power", "complement", "shift", "u", "entries", "triangles"}
        more = {"rows", "apart"}
        if type(given) is not dict or not names <= set(given) <= names | more:
            failed("dual must be an object of power, complement, shift, u, entries, triangles")
        rows, apart = (given.get(name, []) for name in ("rows", "apart"))
        complement = whole("complement", given["complement"], 0, 1)
        power = whole("power", given["power"], -_POWER, _POWER)
        lists = (("entries", given["entries"], 3), ("triangles", given["triangles"], 5))
        for name, entries, length in (*lists, ("apart", apart, 3)):
            if type(entries) is not list:
                failed(f"{name} must be a list")
            for row in entries:
                wholes(f"a row of {name}", row, length)
        for i, j, _ in apart:
            if not 0 <= i < j < size:
                failed(f"apart must have 0 <= i < j < {size}; got {[i, j]}")
        _require_rows(rows, size)
        for i, j, amount in given["entries"]:
            if not (0 <= i <= j < size and amount >= 0):
                failed(f"entries must have 0 <= i <= j < {size} and N >= 0; got {[i, j, amount]}")
        for row in given["triangles"]:
            _require_triangle(row, size)
        u = wholes("u", given["u"], size)
        shift = whole("shift", given["shift"])
        parts = given["entries"], given["triangles"], rows, apart
        return cls(power, bool(complement), shift, u, *parts)

    def line(self) -> dict[str, Any]:
        """Return it as a line of a proof."""
        stated = {**vars(self), "complement": int(self.complement)}
        for name in ("rows", "apart"):
            if not stated[name]:
                del stated[name]
        return {"dual": stated}


def _require_rows(rows: Any, size: int) -> None:
    if type(rows) is not list or any(type(row) is not list or len(row) != 3 for row in rows):
        failed("rows must be a list of lists of a number, a price and multipliers")
    for number, price, multipliers in rows:
        whole("the number of a row", number, 0)
        whole("the price of a row", price)
        wholes("the multipliers of a row", multipliers, size if multipliers else 0)


def _require_triangle(row: list[int], size: int) -> None:
    kind, i, j, l, z = row  # noqa: E741
    inside = all(0 <= a < size for a in (i, j, l))
    shapes = {0: j < l and i not in (j, l), 1: i < j < l, 2: i != j == l, 3: i < j == l}
    if not inside or z < 0 or not shapes.get(kind, False):
        failed(f"there is no triangle inequality {row[:4]} with multiplier {z} of {size}")


def left_side(kind: int, i: int, j: int, l: int) -> Iterator[tuple[int, int, int]]:  # noqa: E741
    """Yield the entries of twice T, one of (i, j) and (j, i) for both.

    * kind 0: ``x_ij + x_il - x_jl - x_ii <= 0``
    * kind 1: ``x_ii + x_jj + x_ll - x_ij - x_il - x_jl <= 1``
    * kind 2: ``x_ij - x_ii <= 0``
    * kind 3: ``x_ii + x_jj - x_ij <= 1``

    of x_ij = x_i x_j, zeros and ones: m_i (m_j + m_l - 1) <= m_j m_l, and of three ones, s of them
    less s (s - 1) / 2 pairs are 1 at most.
    """
    if kind == 0:
        yield from ((i, j, 1), (i, l, 1), (j, l, -1), (i, i, -2))
    elif kind == 1:
        yield from ((i, i, 2), (j, j, 2), (l, l, 2), (i, j, -1), (i, l, -1), (j, l, -1))
    elif kind == 2:
        yield from ((i, j, 1), (i, i, -2))
    else:
        yield from ((i, i, 2), (j, j, 2), (i, j, -1))


@dataclass(frozen=True)
class NodeRow:
    """``low <= a'x <= high`` of the selections in a node, or of what they leave out."""

    weights: list[int]
    low: int
    high: int

    @classmethod
    def of(cls, row: StatedRow, node: ProofNode, complement: bool) -> "NodeRow":
        """Return what a row says of the free candidates of a node."""
        weights, load = [row.weights.get(v, 0) for v in node.free], row.sum(node.chosen)
        low, high = max(0, row.lower - load), min(row.upper - load, sum(weights))
        if complement:
            low, high = sum(weights) - high, sum(weights) - low
        return cls(weights, low, high)


def exceeds(
    leaf: DualLeaf, node: ProofNode, pairs: Matrix, least: int, rows: Sequence[StatedRow] = ()
) -> bool:
    """Return whether the leaf proves that twice the value of every selection is above `least`."""
    if node.empty:
        return True
    if any(number >= len(rows) for number, _, _ in leaf.rows):
        failed("a semidefinite leaf has multipliers of a row that there is none of")
    _require_apart(leaf, node, rows)
    matrix, m, constant = costs(leaf.complement, node, pairs)
    kept = [NodeRow.of(rows[number], node, leaf.complement) for number, _, _ in leaf.rows]
    return 2 * Fraction(constant) + proven(leaf, matrix, m, kept) / 2 > least


def _require_apart(leaf: DualLeaf, node: ProofNode, rows: Sequence[StatedRow]) -> None:
    for i, j, _ in leaf.apart:
        pair = node.free[i], node.free[j]
        if not any(row.sum((*node.chosen, *pair)) > row.upper for row in rows):
            failed(f"candidates {pair} may be chosen together, by each row alone")


def costs(complement: bool, node: ProofNode, pairs: Matrix) -> tuple[Matrix, int, int]:
    """Return H, m and the constant of a node, of the chosen or of those that are left out."""
    free = node.free
    matrix = [[2 * pairs[v][w] for w in free] for v in free]
    for place, v in enumerate(free):
        matrix[place][place] = -4 * node.push[v] if complement else 4 * node.pull[v]
    if complement:
        return matrix, len(free) - node.m, node.whole
    return matrix, node.m, node.value


def proven(leaf: DualLeaf, matrix: Matrix, m: int, kept: Sequence[NodeRow] = ()) -> Fraction:
    """Return the lower bound on x'Hx, rounding paid; raises VerificationFailed without one."""
    fine, coarse = max(-leaf.power, 0), max(leaf.power, 0)
    below = least_eigenvalue(remainder(leaf, matrix, m, kept))
    if below is None:
        failed("a semidefinite leaf's matrix is not positive definite")
    sides = sum(2 * row[4] for row in leaf.triangles if row[0] % 2)
    for (_, price, _), row in zip(leaf.rows, kept, strict=True):
        sides += price * (row.high if price > 0 else row.low)
    if leaf.complement:
        sides -= sum(2 * amount for _, _, amount in leaf.apart)
    return (((leaf.shift * m - sides) << coarse) + below * m) / (1 << fine)


def remainder(leaf: DualLeaf, matrix: Matrix, m: int, kept: Sequence[NodeRow] = ()) -> Matrix:
    """Return R, in the finer of the units of the costs and of the multipliers."""
    fine, coarse, u = max(-leaf.power, 0), max(leaf.power, 0), leaf.u
    size = len(matrix)
    rest = [[-(u[i] + u[j]) for j in range(size)] for i in range(size)]
    for i in range(size):
        rest[i][i] = -2 * u[i] * (1 - m) - leaf.shift
    for i, j, amount in leaf.entries:
        rest[i][j] -= amount
        if i != j:
            rest[j][i] -= amount
    for kind, a, b, c, z in leaf.triangles:
        for i, j, twice in left_side(kind, a, b, c):
            rest[i][j] += z * twice
            if i != j:
                rest[j][i] += z * twice
    for i, j, amount in leaf.apart:
        rest[i][j] += amount
        rest[j][i] += amount
        if leaf.complement:  # (1 - x_i) (1 - x_j), whose constant is in the bound
            rest[i][i] -= 2 * amount
            rest[j][j] -= 2 * amount
    for (_, price, v), row in zip(leaf.rows, kept, strict=True):
        for i, weight in enumerate(row.weights):
            rest[i][i] += price * weight
        if v:
            if row.low != row.high:
                failed("a semidefinite leaf takes a row for an equation that is none")
            normal = [m * weight - row.low for weight in row.weights]
            for i, line in enumerate(rest):
                for j in range(size):
                    line[j] += normal[i] * v[j] + v[i] * normal[j]
    return [
        [(own << fine) + (other << coarse) for own, other in zip(row, others, strict=True)]
        for row, others in zip(matrix, rest, strict=True)
    ]


def least_eigenvalue(matrix: Iterable[list[int]]) -> Fraction | None:
    """Return a lower bound, at most 0, on the least eigenvalue; None if the factor breaks off.

    Of a symmetric matrix, whose rows are gone through more than once.
    """
    largest = max((max(map(abs, row)) for row in matrix), default=0)
    if largest == 0:
        return Fraction(0)
    # A power of two brings the entries into the range of floats, and rounds nothing itself.
    power = largest.bit_length() - 53
    unit = Fraction(2) ** power
    list_of = _floats()
    floats = [list_of([_scaled(entry, power) for entry in row]) for row in matrix]
    size = len(floats)
    if not factored(floats):
        return None
    steps = (size + _STEPS) * _UNIT
    growth = steps / (1 - steps)
    trace = sum(Fraction(float(floats[i][i])) for i in range(size))
    # Rows of roundings of at most u times an entry, by Gershgorin, and underflow.
    rows = max(sum(map(abs, row)) for row in matrix) / unit
    error = growth / (1 - growth) * trace + _UNIT * rows + _TINY
    return -error * unit


def _floats() -> Any:
    """Return what keeps a row of floats: of NumPy where there is one, else Python's."""
    try:
        import numpy
    except ImportError:
        return list
    return numpy.array


def _scaled(entry: int, power: int) -> float:
    """Return ``entry * 2**-power``, rounded to the nearest; what underflows counts as `_TINY`."""
    # Integers of more digits than a float has room for are divided first.
    return math.ldexp(entry, -power) if power < 900 else float(Fraction(entry, 1 << power))


def factored(matrix: list[Any]) -> bool:
    """Return whether a Cholesky factorisation comes to its end; by NumPy where there is one."""
    try:
        import numpy
    except ImportError:
        return _factored(matrix)
    try:
        factor = numpy.linalg.cholesky(numpy.array(matrix))
    except numpy.linalg.LinAlgError:
        return False
    return bool(numpy.isfinite(factor).all() and (factor.diagonal() > 0.0).all())


def _factored(matrix: list[list[float]]) -> bool:
    factor: list[list[float]] = []
    for i, row in enumerate(matrix):
        new: list[float] = []
        for j in range(i):
            other = factor[j]
            new.append((row[j] - sum(map(float.__mul__, new, other))) / other[j])
        pivot = row[i] - sum(map(float.__mul__, new, new))
        if not 0.0 < pivot < math.inf:
            return False
        factor.append([*new, math.sqrt(pivot)])
    return True
