"""Recording of semidefinite branch-and-bound trees: nodes and multipliers for proofs.

Called by `exact._branching`, which has a record for each node, and by `_proof_log`, which writes
them. Nodes are looked at in any order, and by several threads; each changes its own record alone.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

from subsetopt.errors import InvalidResult, TooLarge
from subsetopt.models import QuadraticForm
from subsetopt.problems._parallel import no_callback
from subsetopt.verify._dual_leaves import DualLeaf
from subsetopt.verify._proof_nodes import NodeBounds, ProofNode
from subsetopt.verify._proof_trees import BOUNDED, DUAL
from subsetopt.verify._statements import QuadraticStatement, written

from ._dual_certificates import LeafRows, Multipliers, dual_leaf

Numbers = tuple[Sequence[int], Sequence[tuple[int, int]]]

_SPARE = 10  # of a step of the grid that is left for rounding multipliers
_APART = 1e-10  # of the magnitude of a value, where it is finer
_NODES = 3_000_000
_SECONDS = 2e-5  # that one takes


@dataclass(eq=False)
class ProofRecord:
    """One node: a branch with two parts, a leaf with its multipliers, or one to be grown on.

    Parameters
    ----------
    tree : RecordedTree
    chosen, free : tuple of int
        Candidates of the problem.
    out, into : tuple of int
        Those that constraints have ruled out and in since it was divided from its parent.
    """

    tree: "RecordedTree"
    chosen: tuple[int, ...]
    free: tuple[int, ...]
    item: int = -1
    parts: "tuple[ProofRecord, ProofRecord] | None" = None
    dual: bytes = b""
    out: tuple[int, ...] = ()
    into: tuple[int, ...] = ()

    def divide(self, row: int) -> "tuple[ProofRecord, ProofRecord]":
        """Divide it on a row of the form; returns the part with it, and that without."""
        self.item = self.tree.candidate(row)
        free = tuple(v for v in self.free if v != self.item)
        inside = ProofRecord(self.tree, (*self.chosen, self.item), free)
        self.parts = inside, ProofRecord(self.tree, self.chosen, free)
        return self.parts

    def force(self, out: Sequence[int], into: Sequence[int]) -> None:
        """Note what constraints rule out and in: rows of the form."""
        self.rule(map(self.tree.candidate, out), map(self.tree.candidate, into))

    def rule(self, out: Iterable[int], into: Iterable[int]) -> None:
        """Note what constraints rule out and in: candidates."""
        self.out, self.into = (*self.out, *out), (*self.into, *into)
        gone = {*self.out, *self.into}
        self.free = tuple(v for v in self.free if v not in gone)
        self.chosen = tuple(dict.fromkeys((*self.chosen, *self.into)))

    def close(
        self,
        multipliers: Multipliers,
        bound: float,
        enough: float,
        complement: bool,
        numbers: Numbers = ((), ()),
    ) -> bool:
        """Close it by the multipliers of a bound; returns whether they prove enough.

        `numbers` says which quotas are equations, and what the limits are, see `_propagation`.
        """
        leaf = self.tree.leaf(self, multipliers, bound, enough, complement, numbers)
        if leaf is None:
            return False
        self.dual = zlib.compress(written(leaf.line()).encode(), 6)
        return True


class RecordedTree:
    """The records of one problem, and what leads from a form to the integers of its proof.

    Parameters
    ----------
    statement : QuadraticStatement
        Of the whole problem.
    form : QuadraticForm
        Of what is left of it, whose rows are the free candidates in order.
    factor : Fraction
        The objective of the whole is that of the form times this.
    candidates : list of int
        Of the problem, that the rows of the form are.
    taken : sequence of int
        Those that are in every selection.
    """

    def __init__(
        self,
        statement: QuadraticStatement,
        form: QuadraticForm,
        factor: Fraction,
        candidates: list[int],
        taken: Sequence[int] = (),
    ) -> None:
        self.bounds, self._statement = NodeBounds(statement), statement
        self._candidates = candidates
        self._scale, self._constant = (
            factor * Fraction(form.scale),
            factor * Fraction(form.constant),
        )
        self.root = ProofRecord(self, statement.include, tuple(statement.free))
        self._rows, self._budget = _numbers(statement, form, candidates, taken)
        self.below: int | None = None
        """What every selection is above, once the search has come to its end; on the grid."""

    def finish(self, enough: float) -> None:
        """Say that no part is open, and that every leaf is above an inner value."""
        self.below = self._below(enough)

    def candidate(self, row: int) -> int:
        """Return the candidate that a row of the form is."""
        return self._candidates[row]

    def _value(self, inner: float) -> Fraction:
        """Return what an inner value of the form is in the integers of the proof."""
        return self._statement.lowered(self._scale * Fraction(inner) + self._constant)

    def _below(self, enough: float) -> int:
        """Return the largest value on the grid that is not above an inner value."""
        grid = self._statement.grid or 1
        return floor(self._value(enough) / grid) * grid

    def goal(self, enough: float) -> float:
        """Return what a bound should come to, for its multipliers to be rounded."""
        statement, grid = self._statement, self._statement.grid or 1
        value = Fraction(self._below(enough)) + Fraction(grid, _SPARE)
        lifted = statement.lifted(value) - self._constant
        return max(enough + _APART * abs(enough), float(lifted / self._scale))

    def leaf(
        self,
        record: ProofRecord,
        multipliers: Multipliers,
        bound: float,
        enough: float,
        complement: bool,
        numbers: Numbers,
    ) -> DualLeaf | None:
        """Return a leaf that proves more than `enough`; None if rounding takes too much."""
        statement, below = self._statement, self._below(enough)
        slack = float(self._value(bound) - below)
        unit = float(self._scale / (statement.scale * statement.unit))
        node = self.bounds.node(record.chosen, record.free)
        units = [1.0] * len(self._rows)
        if self._budget:
            units[-1] = -self._budget if complement else self._budget
        kept = LeafRows(
            statement.rows,
            [self._rows[number] for number in numbers[0]],
            [(self._rows[number], sign * units[number]) for number, sign in numbers[1]],
        )
        return dual_leaf(
            node, statement.pairs, multipliers, unit, slack / unit, complement, 2 * below, kept
        )

    def walked(
        self, least: int, check: Callable[[], None] = no_callback
    ) -> Iterator[int | dict[str, Any]]:
        """Yield the codes of all nodes in preorder, and the multipliers of leaves after theirs."""
        opened: list[tuple[ProofNode, ProofRecord | None]] = [(self.bounds.root(), self.root)]
        while opened:
            node, record = opened.pop()
            check()
            if record is not None:
                for item in record.out:
                    yield item
                    apart, node = self.bounds.divided(node, item)
                    yield from regrown(self.bounds, apart, least, apart.free, check)
                for item in record.into:
                    yield item
                    node, apart = self.bounds.divided(node, item)
                    opened.append((apart, None))
            if record is None or (record.parts is None and not record.dual):
                yield from regrown(self.bounds, node, least, node.free, check)
            elif record.parts is not None:
                yield record.item
                inside, outside = self.bounds.divided(node, record.item)
                opened += [(outside, record.parts[1]), (inside, record.parts[0])]
            else:
                yield DUAL
                line: dict[str, Any] = json.loads(zlib.decompress(record.dual))
                yield line


def _numbers(
    statement: QuadraticStatement,
    form: QuadraticForm,
    candidates: list[int],
    taken: Sequence[int],
) -> tuple[list[int], float]:
    """Return the row of the statement that each quota of a form is, and the budget.

    And what a unit of the budget's row in a relaxation is in its weights; 0 without one. Raises
    KeyError where there is no such row.
    """
    side = form.side
    if side is None:
        return [], 0.0
    there: set[int] = {*candidates}
    known: dict[Any, int] = {}
    for number, row in enumerate(statement.rows):
        members, load = frozenset(there & row.weights.keys()), row.sum(taken)
        if {*row.weights.values()} == {1}:
            limits = max(0, row.lower - load), min(row.upper - load, len(members))
            known[members, *limits] = number
            known[members] = number
    numbers = []
    for q in range(0 if side.quotas is None else len(side.quotas)):
        assert side.quotas is not None
        members = frozenset(candidates[r] for r in side.quotas.row(q).tolist())
        limits = int(side.quotas.lower[q]), int(side.quotas.upper[q])
        numbers.append(known.get((members, *limits), known[members]))
    if side.budget is None:
        return numbers, 0.0
    costs = side.budget.costs.tolist()
    dearest = max(range(len(costs)), key=costs.__getitem__)
    at = _budget_row(statement, candidates, costs)
    weight = statement.rows[at].weights[candidates[dearest]]
    bits = costs[dearest].bit_length()
    return [*numbers, at], costs[dearest] / weight / 2.0**bits


def _budget_row(statement: QuadraticStatement, candidates: list[int], costs: list[int]) -> int:
    """Return the row that has weights where, among the candidates, there are costs."""
    priced = {v for v, cost in zip(candidates, costs, strict=True) if cost}
    for number, row in enumerate(statement.rows):
        if {*candidates} & row.weights.keys() == priced and {*row.weights.values()} != {1}:
            return number
    raise KeyError("budget")


def regrown(
    bounds: NodeBounds,
    root: ProofNode,
    least: int,
    order: Sequence[int],
    check: Callable[[], None] = no_callback,
) -> Iterator[int]:
    """Yield the tree of a depth-first search in an order: every leaf is above `least`.

    Raises
    ------
    InvalidResult
        If there is a selection that is not above it.
    TooLarge
        If there are too many nodes.
    """
    opened, nodes = [(root, 0)], 0
    while opened:
        node, place = opened.pop()
        nodes += 1
        check()
        if nodes > _NODES:
            raise TooLarge(
                f"the tree has more than {_NODES} nodes; "
                "solver('branch-and-bound', bounds='semidefinite') needs fewer",
                seconds=_NODES * _SECONDS,
                bytes=0.0,
            )
        if bounds.exceeds(node, least):
            yield BOUNDED
            continue
        if node.m in (0, len(node.free)):
            raise InvalidResult("the search has missed a better selection: what it claims is wrong")
        while order[place] not in node.free:
            place += 1
        inside, outside = bounds.divided(node, order[place])
        opened += [(outside, place + 1), (inside, place + 1)]
        yield order[place]
