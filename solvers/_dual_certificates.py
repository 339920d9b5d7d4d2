"""Rounding of semidefinite multipliers to integers that still prove their bound.

Called by `_proof_records`. Rounding them costs some of the bound; the coarsest grid on which enough
is left is taken, and what is left is established as the checker does it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.verify._dual_leaves import DualLeaf, NodeRow, costs, exceeds, remainder
from subsetopt.verify._failure import VerificationFailed
from subsetopt.verify._proof_nodes import ProofNode
from subsetopt.verify._statements import StatedRow

_FINER = 6  # binary digits that another attempt adds
_ATTEMPTS = 4
_DEPENDENT = 1e-9  # times the largest singular value: what is no direction of its own
_SHARE = 16  # of the slack that goes into rounding


@dataclass(frozen=True, eq=False)
class Multipliers:
    """What a relaxation of choosing k of n with costs C rests on, in units of C.

    ``C + sum z T - A*(y, 0) - N`` has no eigenvalue below the bound over k, see
    `relaxations._semidefinite`.

    Parameters
    ----------
    y : ndarray of float64 (n,)
    N : ndarray of float64 (n, n)
    rows : ndarray of int32 (inequalities, 4)
    z : ndarray of float64 (inequalities,)
    prices : ndarray of float64 (limits,)
        Of the relaxation's `LinearRows.most`.
    apart : ndarray of float64 (n, n), or None
        What C holds more than the costs of the node, at pairs that are not chosen together; of the
        chosen, also where C is of those that are left out.
    """

    y: NDArray[np.float64]
    N: NDArray[np.float64]
    rows: NDArray[np.int32]
    z: NDArray[np.float64]
    prices: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    apart: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class LeafRows:
    """Which rows of a statement a node's relaxation has.

    Parameters
    ----------
    statement : sequence of StatedRow
    equal : list of int
        Those that are equations.
    limits : list of (int, float)
        For each of the relaxation's limits the row, and what a unit of the price is of its weights;
        below 0 for lower limits.
    """

    statement: Sequence[StatedRow] = ()
    equal: list[int] = field(default_factory=list)
    limits: list[tuple[int, float]] = field(default_factory=list)

    def prices(self, given: NDArray[np.float64]) -> dict[int, float]:
        """Return the price of each row, in units of its weights."""
        found = dict.fromkeys(self.equal, 0.0)
        for (row, unit), price in zip(self.limits, given.tolist(), strict=True):
            found[row] = found.get(row, 0.0) + unit * price
        return {row: price for row, price in found.items() if price or row in self.equal}


NO_ROWS = LeafRows()


def dual_leaf(
    node: ProofNode,
    pairs: list[list[int]],
    multipliers: Multipliers,
    unit: float,
    slack: float,
    complement: bool,
    least: int,
    kept: LeafRows = NO_ROWS,
) -> DualLeaf | None:
    """Return a leaf that proves that twice the value is above `least`; None if it cannot be had.

    Parameters
    ----------
    node : ProofNode
    pairs : list of list of int
        The costs of pairs in the proof.
    multipliers : Multipliers
        Of the relaxation of the node.
    unit : float
        Units of the proof in one of the relaxation.
    slack : float
        How far the bound is above what it has to be, in units of the relaxation.
    complement : bool
        The relaxation is of the candidates that are left out.
    least : int
    kept : LeafRows
    """
    matrix, m, _ = costs(complement, node, pairs)
    size = len(matrix)
    if not size or not math.isfinite(unit) or slack <= 0:
        return None
    allowed = 4 * unit * slack / (_SHARE * max(1, m) * size)
    power = math.floor(math.log2(allowed)) if allowed > 0 else 0
    for _ in range(_ATTEMPTS):
        try:
            leaf = _rounded(matrix, node, multipliers, unit, power, complement, kept)
            if leaf is not None and exceeds(leaf, node, pairs, least, kept.statement):
                return leaf
        except VerificationFailed:  # not definite in the rounding
            pass
        power -= _FINER
    return None


def _rounded(
    matrix: list[list[int]],
    node: ProofNode,
    given: Multipliers,
    unit: float,
    power: int,
    complement: bool,
    kept: LeafRows,
) -> DualLeaf | None:
    m = len(node.free) - node.m if complement else node.m
    step = unit * math.ldexp(1.0, -power)  # the numbers of the proof in one of the relaxation
    parts = (given.y, given.N, given.z)
    if not all(np.isfinite(part).all() for part in parts) or not 0 < step < math.inf:
        return None
    upper = np.triu(0.5 * (given.N + given.N.T))
    entries = _integers(np.floor(4 * step * upper))
    z = _integers(np.rint(2 * step * given.z))
    u = _integers(np.rint(2 * step * given.y))
    apart = None if given.apart is None else _integers(np.rint(4 * step * np.triu(given.apart, 1)))
    if entries is None or z is None or u is None or (given.apart is not None and apart is None):
        return None
    prices = {row: round(4 * step * price) for row, price in kept.prices(given.prices).items()}
    places = np.argwhere(entries > 0)
    leaf = DualLeaf(
        power,
        complement,
        0,
        u.tolist(),
        [[i, j, int(entries[i, j])] for i, j in places.tolist()],
        [[*row, w] for row, w in zip(given.rows.tolist(), z.tolist(), strict=True) if w > 0],
        [[row, price, []] for row, price in prices.items() if price or row in kept.equal],
        [] if apart is None else [[i, j, int(apart[i, j])] for i, j in np.argwhere(apart).tolist()],
    )
    rows = [NodeRow.of(kept.statement[number], node, complement) for number, _, _ in leaf.rows]
    if kept.equal:
        leaf = _on_the_face(leaf, matrix, m, rows)
    shift = _shift(remainder(leaf, matrix, m, rows), power)
    return None if shift is None else replace(leaf, shift=shift)


def _on_the_face(
    leaf: DualLeaf, matrix: list[list[int]], m: int, rows: Sequence[NodeRow]
) -> DualLeaf:
    """Return the leaf with multipliers of equations, which leave its eigenvalues on their face."""
    equal = [at for at, row in enumerate(rows) if row.low == row.high]
    if not equal:
        return leaf
    normals = np.array(
        [[float(m * weight - rows[at].low) for weight in rows[at].weights] for at in equal]
    ).T
    coarse = 1 << max(leaf.power, 0)
    rest = remainder(leaf, matrix, m, rows)
    floats = np.array([[float(Fraction(v, coarse)) for v in row] for row in rest])
    numbers = np.rint(_along(normals, floats))
    if not float(np.abs(numbers).max(initial=0.0)) < 2.0**62:
        return leaf
    stated = list(leaf.rows)
    for at, multipliers in zip(equal, numbers.astype(np.int64).tolist(), strict=True):
        stated[at] = [*stated[at][:2], multipliers]
    return replace(leaf, rows=stated)


def _along(normals: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return T such that ``matrix + normals T + (normals T)'`` sees the normals apart, and large.

    As `relaxations._face` does, where bounds are taken over vectors that the normals are 0 at.
    """
    left, sizes, right = np.linalg.svd(normals, full_matrices=False)
    rank = int((sizes > _DEPENDENT * sizes[0]).sum())
    Q, back = left[:, :rank], right[:rank].T / sizes[:rank]
    across = matrix @ Q
    half = across - 0.5 * Q @ (Q.T @ across)
    added: NDArray[np.float64] = back @ (0.5 * float(np.linalg.norm(matrix)) * Q - half).T
    return added


def _integers(values: NDArray[np.float64]) -> NDArray[Any] | None:
    """Return integers that float64 holds; None where they are too large for int64."""
    if values.size and float(np.abs(values).max()) >= 2.0**62:
        return None
    return values.astype(np.int64)


def _shift(rest: list[list[int]], power: int) -> int | None:
    """Return the largest shift that leaves a matrix definite, less the rounding of that."""
    largest = max((abs(entry) for row in rest for entry in row), default=0)
    scale = max(0, largest.bit_length() - 53)
    floats = np.array([[float(Fraction(entry, 1 << scale)) for entry in row] for row in rest])
    try:
        eigenvalue = float(np.linalg.eigvalsh(floats)[0])
    except np.linalg.LinAlgError:
        return None
    size = len(rest)
    margin = (size + 8) * 2.0**-52 * float(np.abs(floats).sum(axis=1).max())
    exact = Fraction(eigenvalue - margin) * (1 << scale)
    return math.floor(exact / (1 << max(power, 0))) - 1
