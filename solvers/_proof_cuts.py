"""Recording of convex branch-and-bound trees: nodes and cuts for proofs.

Called by `exact._convex_tree`, which has a record for each node, and by `_proof_log`, which writes
them. Points are rounded before they are bounded, and the diagonal before the search begins: what
the search discards by them, the cuts at the same points prove.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt import _rounding
from subsetopt.models import QuadraticForm
from subsetopt.problems._parallel import no_callback
from subsetopt.verify._convex_leaves import ConvexForm, ConvexRows, Cut
from subsetopt.verify._failure import VerificationFailed
from subsetopt.verify._proof_nodes import ProofNode
from subsetopt.verify._proof_trees import BOUNDED, CUT
from subsetopt.verify._statements import QuadraticStatement

from ._proof_records import RecordedTree, regrown

_DIGITS = 24  # binary ones of a point's entries
_FINE = 44  # binary digits of the diagonal, below the largest pair
_SHIFTS = (1e-10, 1e-8, 1e-6)  # times the largest entry: what is added for the factor's rounding
_ONES = (0, 1, 8, 64, 512, 4096)  # times the largest entry, of the matrix of ones

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(eq=False)
class CutRecord:
    """One node: the points it was bounded at, what each of them has fixed, and its parts.

    Parameters
    ----------
    steps : list of (point, outside, inside)
        Rows of the form; a point has ``[row, amount]`` for each entry that is not 0.
    item : int
        The row that it is divided on; -1 where it is a leaf.
    parts : tuple of CutRecord, or None
    """

    steps: list[tuple[list[list[int]], list[int], list[int]]] = field(default_factory=list)
    item: int = -1
    parts: "tuple[CutRecord, CutRecord] | None" = None

    def note(self, chosen: Integers, free: Integers, point: Floats) -> None:
        """Note the point that the node is bounded at."""
        rows = np.concatenate([chosen, free])
        whole = np.ldexp(np.concatenate([np.ones(len(chosen)), point]), _DIGITS).astype(np.int64)
        order = np.argsort(rows)
        entries = np.column_stack([rows, whole])[order]
        self.steps.append((entries[entries[:, 1] > 0].tolist(), [], []))

    def fix(self, outside: Integers, inside: Integers) -> None:
        """Note which rows that point has ruled out, and which it has ruled in."""
        self.steps[-1][1].extend(outside.tolist())
        self.steps[-1][2].extend(inside.tolist())

    def divide(self, row: int) -> "tuple[CutRecord, CutRecord]":
        """Divide it on a row; returns the part with it, and that without."""
        self.item, self.parts = row, (CutRecord(), CutRecord())
        return self.parts


class RecordedCuts(RecordedTree):
    """The records of a convex tree, and the integers that make the problem convex.

    Parameters
    ----------
    statement, form, factor, candidates
        As for `RecordedTree`.
    taken : ndarray of float64 (n,)
        What is taken off the diagonal of the form's matrix for it to be convex where sums are 0.
    check : callable
        Called now and then.

    Raises
    ------
    VerificationFailed
        If no integers are found that prove it.
    """

    def __init__(
        self,
        statement: QuadraticStatement,
        form: QuadraticForm,
        factor: Fraction,
        candidates: list[int],
        taken: Floats,
        check: Callable[[], None],
    ) -> None:
        super().__init__(statement, form, factor, candidates)
        self.first = CutRecord()
        node = self.bounds.root()
        unit = 2 * self._scale / (statement.scale * statement.unit)
        own = np.diagonal(form.matrix).astype(np.float64)
        shift, ones = _definite(form, own - taken, check)
        largest = max((max(map(abs, row)) for row in statement.pairs), default=0)
        power = max(0, _FINE - largest.bit_length())
        steps = [math.ceil((unit * Fraction(v)) * (1 << power)) for v in own - taken + shift]
        rows = ConvexRows(
            node.free, statement.pairs, power, steps, math.ceil(unit * Fraction(ones) * 2**power)
        )
        check()
        self.convex = ConvexForm(node, rows)
        in_units = unit * (1 << power)
        self.taken: Floats = own - np.array([float(d / in_units) for d in steps])
        """What the integers take off the diagonal."""
        self.slack = _rounding.up(self.convex.error * 2 * form.k / in_units)
        """How far bounds by convexity are off at most, as the factor is rounded."""

    def rounded(self, point: Floats, total: int) -> Floats:
        """Return a point of entries of few digits, none below 0 or above 1, and of the same sum."""
        one = 1 << _DIGITS
        scaled = np.ldexp(point, _DIGITS)
        below = np.floor(scaled)
        missing = total * one - int(below.sum())
        sign = 1 if missing > 0 else -1
        room = np.flatnonzero(below < one if sign > 0 else below > 0)
        order = room[np.argsort(sign * (below - scaled)[room], kind="stable")]
        np.add.at(below, np.resize(order, abs(missing)) if len(order) else order, sign)
        result: Floats = np.ldexp(np.clip(below, 0, one), -_DIGITS)
        return result

    def walked(
        self, least: int, check: Callable[[], None] = no_callback
    ) -> Iterator[int | dict[str, Any]]:
        """Yield the codes of all nodes in preorder, and each cut before the first of its leaves."""
        yield self.convex.line()
        cuts: list[Cut] = []
        opened: list[tuple[ProofNode, CutRecord | None, tuple[int, ...]]]
        opened = [(self.bounds.root(), self.first, ())]
        while opened:
            node, record, known = opened.pop()
            check()
            for point, outside, inside in record.steps if record is not None else ():
                cuts.append(self.convex.cut(point, _DIGITS))
                yield {"cut": {"power": _DIGITS, "point": point}}
                known = (*known, len(cuts) - 1)
                for item in map(self.candidate, outside):
                    yield item
                    apart, node = self.bounds.divided(node, item)
                    yield from self._leaf(apart, cuts, known, least, check)
                for item in map(self.candidate, inside):
                    yield item
                    node, apart = self.bounds.divided(node, item)
                    opened.append((apart, None, known))
            if record is None or record.parts is None:
                yield from self._leaf(node, cuts, known, least, check)
                continue
            item = self.candidate(record.item)
            yield item
            with_it, without = self.bounds.divided(node, item)
            opened += [(without, record.parts[1], known), (with_it, record.parts[0], known)]

    def _leaf(
        self,
        node: ProofNode,
        cuts: Sequence[Cut],
        known: tuple[int, ...],
        least: int,
        check: Callable[[], None],
    ) -> Iterator[int]:
        if node.m in (0, len(node.free)) or node.empty:
            yield BOUNDED
            return
        for number in reversed(known):
            if cuts[number].exceeds(node, least):
                yield CUT - number
                return
        yield from regrown(self.bounds, node, least, node.free, check)


def _definite(
    form: QuadraticForm, diagonal: Floats, check: Callable[[], None]
) -> tuple[float, float]:
    """Return what to add to the diagonal, and to all entries, for the matrix to be definite."""
    matrix = form.matrix.astype(np.float64)
    matrix.flat[:: form.n + 1] = diagonal
    largest = float(np.abs(matrix).max())
    for shift in _SHIFTS:
        for ones in _ONES:
            check()
            raised = matrix + ones * largest
            raised.flat[:: form.n + 1] += 0.5 * shift * largest
            try:
                np.linalg.cholesky(raised)
            except np.linalg.LinAlgError:
                continue
            return shift * largest, ones * largest
    raise VerificationFailed("no multiple of ones makes the matrix definite")
