"""Multipliers of a semidefinite relaxation as integers, such that they prove what they did.

Called by `_proof_records`. Rounding them costs some of the bound; the coarsest grid on which enough
is left is taken, and what is left is established as the checker does it.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.verify._dual_leaves import DualLeaf, costs, exceeds, remainder
from subsetopt.verify._failure import VerificationFailed
from subsetopt.verify._proof_nodes import ProofNode

_FINER = 6  # binary digits that another attempt adds
_ATTEMPTS = 4
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
    """

    y: NDArray[np.float64]
    N: NDArray[np.float64]
    rows: NDArray[np.int32]
    z: NDArray[np.float64]


def dual_leaf(
    node: ProofNode,
    pairs: list[list[int]],
    multipliers: Multipliers,
    unit: float,
    slack: float,
    complement: bool,
    least: int,
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
    """
    matrix, m, _ = costs(complement, node, pairs)
    size = len(matrix)
    if not size or not math.isfinite(unit) or slack <= 0:
        return None
    allowed = 4 * unit * slack / (_SHARE * max(1, m) * size)
    power = math.floor(math.log2(allowed)) if allowed > 0 else 0
    for _ in range(_ATTEMPTS):
        leaf = _rounded(matrix, m, multipliers, unit, power, complement)
        try:
            if leaf is not None and exceeds(leaf, node, pairs, least):
                return leaf
        except VerificationFailed:  # not definite in the rounding
            pass
        power -= _FINER
    return None


def _rounded(
    matrix: list[list[int]], m: int, given: Multipliers, unit: float, power: int, complement: bool
) -> DualLeaf | None:
    step = unit * math.ldexp(1.0, -power)  # the numbers of the proof in one of the relaxation
    parts = (given.y, given.N, given.z)
    if not all(np.isfinite(part).all() for part in parts) or not 0 < step < math.inf:
        return None
    upper = np.triu(0.5 * (given.N + given.N.T))
    entries = _integers(np.floor(4 * step * upper))
    z = _integers(np.rint(2 * step * given.z))
    u = _integers(np.rint(2 * step * given.y))
    if entries is None or z is None or u is None:
        return None
    places = np.argwhere(entries > 0)
    leaf = DualLeaf(
        power,
        complement,
        0,
        u.tolist(),
        [[i, j, int(entries[i, j])] for i, j in places.tolist()],
        [[*row, w] for row, w in zip(given.rows.tolist(), z.tolist(), strict=True) if w > 0],
    )
    shift = _shift(remainder(leaf, matrix, m), power)
    return None if shift is None else DualLeaf(**{**vars(leaf), "shift": shift})


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
