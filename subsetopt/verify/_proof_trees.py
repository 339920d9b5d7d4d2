"""Trees that divide all selections into parts, each of which a leaf rules out.

Integers in preorder: a candidate is a branch, first to the part with it, then to that without it;
`BOUNDED` is a leaf that the combinatorial bound closes, `DUAL` one that a semidefinite dual closes,
which the next line holds, and `CUT` - j one that the j-th cut closes. Lines between those of the
tree hold the cuts, and before the first of them what makes the problem convex.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from ._convex_leaves import ConvexForm, Cut
from ._dual_leaves import DualLeaf, exceeds
from ._failure import VerificationFailed, failed, wholes
from ._proof_nodes import NodeBounds, ProofNode
from ._statements import Line, QuadraticStatement

BOUNDED, DUAL, CUT = -1, -2, -3


@dataclass(frozen=True)
class CheckedTree:
    """What was in a tree."""

    nodes: int
    bounded: int
    dual: int
    cut: int
    cuts: int


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
        self._root = self._open[0]
        self._convex: ConvexForm | None = None
        self._cuts: list[Cut] = []
        self._count = {BOUNDED: 0, DUAL: 0, CUT: 0}
        self._nodes = 0

    def run(self, lines: Iterator[Line]) -> CheckedTree:
        """Check the lines of a tree until no part is open; raises VerificationFailed."""
        while self._open:
            line = next(lines, {})
            if len(line) == 1 and {*line} <= {"convex", "cut"}:
                self._cut(line)
                continue
            if set(line) != {"tree"}:
                failed(f"the tree ends with {len(self._open)} parts open: leaves are missing")
            codes = wholes("tree", line["tree"])
            if not codes:
                failed("a line of the tree is empty")
            for place, code in enumerate(codes):
                try:
                    self._step(code, place == len(codes) - 1, lines)
                except VerificationFailed as error:
                    failed(f"node {self._nodes}: {error}")
        bounded, dual, cut = self._count.values()
        return CheckedTree(self._nodes, bounded, dual, cut, len(self._cuts))

    def _cut(self, line: Line) -> None:
        if "convex" in line:
            if self._convex is not None:
                failed("what makes the problem convex is given twice")
            self._convex = ConvexForm.of(line["convex"], self._root, self._statement.pairs)
        elif self._convex is None:
            failed("a cut must come after what makes the problem convex")
        else:
            self._cuts.append(self._convex.read(line["cut"]))

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
        self._count[max(code, CUT)] += 1
        if code == DUAL and not last:
            failed("a semidefinite leaf must end its line")
        if code == BOUNDED:
            closed = self._bounds.exceeds(node, self._least)
        elif code == DUAL:
            closed = self._dual(node, next(lines, None))
        elif CUT - code >= len(self._cuts):
            failed(f"a code of the tree must be a candidate, -1, -2 or that of a cut; got {code}")
        else:
            closed = self._cuts[CUT - code].exceeds(node, self._least)
        if not closed:
            failed("the bound of the leaf does not reach what is claimed")

    def _dual(self, node: ProofNode, line: Any) -> bool:
        if line is None or set(line) != {"dual"}:
            failed("a semidefinite leaf must be followed by its multipliers")
        leaf = DualLeaf.of(line["dual"], len(node.free))
        return exceeds(leaf, node, self._statement.pairs, self._least, self._statement.rows)
