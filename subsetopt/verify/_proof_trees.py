"""Trees that divide all selections into parts, each of which a leaf rules out.

Integers in preorder: a candidate is a branch, first to the part with it, then to that without it;
`BOUNDED` is a leaf that the combinatorial bound closes, `DUAL` one that a semidefinite dual closes,
which the next line holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from ._dual_leaves import DualLeaf, exceeds
from ._failure import VerificationFailed, failed, wholes
from ._proof_nodes import NodeBounds, ProofNode
from ._statements import Line, QuadraticStatement

BOUNDED, DUAL = -1, -2


@dataclass(frozen=True)
class CheckedTree:
    """What was in a tree."""

    nodes: int
    bounded: int
    dual: int


def threshold(statement: QuadraticStatement, bound: Fraction) -> int:
    """Return what twice the value of all selections must exceed, for `bound` to be a bound.

    All values are multiples of one number: what lies above the greatest of them that is below the
    bound is not below the bound.
    """
    least, grid = ceil(statement.lowered(bound + statement.error)), statement.grid
    return 2 * ((ceil(Fraction(least, grid)) - 1) * grid) if grid else 2 * least - 1


class TreeCheck:
    """Goes through a tree as it is read.

    Parameters
    ----------
    statement : QuadraticStatement
    bound : Fraction
        On the objective, that every leaf has to prove.
    """

    def __init__(self, statement: QuadraticStatement, bound: Fraction) -> None:
        self._statement = statement
        self._least = threshold(statement, bound)
        self._bounds = NodeBounds(statement)
        self._open = [self._bounds.root()]
        self._count = {BOUNDED: 0, DUAL: 0}
        self._nodes = 0

    def run(self, lines: Iterator[Line]) -> CheckedTree:
        """Check the lines of a tree until no part is open; raises VerificationFailed."""
        while self._open:
            line = next(lines, None)
            if line is None or set(line) != {"tree"}:
                failed(f"the tree ends with {len(self._open)} parts open: leaves are missing")
            codes = wholes("tree", line["tree"])
            if not codes:
                failed("a line of the tree is empty")
            for place, code in enumerate(codes):
                try:
                    self._step(code, place == len(codes) - 1, lines)
                except VerificationFailed as error:
                    failed(f"node {self._nodes}: {error}")
        return CheckedTree(self._nodes, self._count[BOUNDED], self._count[DUAL])

    def _step(self, code: int, last: bool, lines: Iterator[Line]) -> None:
        if not self._open:
            failed("the tree goes on where no part is open")
        self._nodes += 1
        node = self._open.pop()
        if code >= 0:
            if node.empty:
                failed("branches where nothing is left to choose")
            inside, outside = self._bounds.divided(node, code)
            self._open += [outside, inside]
            return
        if code not in self._count:
            failed(f"a code of the tree must be a candidate, -1 or -2; got {code}")
        self._count[code] += 1
        if code == DUAL and not last:
            failed("a semidefinite leaf must end its line")
        closed = (
            self._bounds.exceeds(node, self._least)
            if code == BOUNDED
            else self._dual(node, next(lines, None))
        )
        if not closed:
            failed("the bound of the leaf does not reach what is claimed")

    def _dual(self, node: ProofNode, line: Any) -> bool:
        if line is None or set(line) != {"dual"}:
            failed("a semidefinite leaf must be followed by its multipliers")
        leaf = DualLeaf.of(line["dual"], len(node.free))
        return exceeds(leaf, node, self._statement.pairs, self._least)
