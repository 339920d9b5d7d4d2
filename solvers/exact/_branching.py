"""Branch and bound by semidefinite relaxations: nodes, bounds, branching.

Called by `branch_and_bound`, `semidefinite_bound` by bound="sdp". A node is bounded by the
semidefinite relaxation of what is left to choose, in some hundred iterations of O(n^3), after any
of which there is a valid bound; so a node is left as soon as its bound suffices, or when the rate
at which it rises says that it will not. Its children begin with the iterate that it ends with.
Where selections keep constraints, the relaxation has their rows, and what they settle is taken out
of every node, see `_propagation`.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from math import comb

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import UNIT
from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import NEVER, Deadline
from subsetopt.solvers._dual_certificates import Multipliers
from subsetopt.solvers._proof_log import ProofLog
from subsetopt.solvers._proof_records import ProofRecord
from subsetopt.solvers.heuristics._quadratic_steps import (
    FormArrays,
    arrays,
    best_of_all,
    descend,
    refresh,
)
from subsetopt.solvers.relaxations._feasible_rounding import feasible_rows
from subsetopt.solvers.relaxations._semidefinite import Iterate, SemidefiniteRelaxation

from ._propagation import Items, NodeConstraints, Numbers, all_masks

_ENUMERABLE = 1000  # selections that are rather looked at one by one
_FIRST = 30  # iterations before the first inequalities
_SETTLED = 20  # times so many at the root
_ROUND = 40  # iterations between two rounds of inequalities
_ROUNDS = 30
_INEQUALITIES = 4  # times n: how many a round adds at most
_PATIENCE = 4.0  # rounds like the last that may be missing to the end of a node
_TURNS = 10_000  # of exchanges after rounding
_MARGIN = 0.15  # off the middle, where the side is changed
_KEPT_BYTES = 2**31  # of iterates in open nodes


@dataclass(frozen=True, eq=False)
class Node:
    """A part of all selections: some items chosen, some left to choose from, the others not.

    Parameters
    ----------
    items, chosen : ndarray of int64
        Rows of the form.
    bound : float
        On the inner value of the selections in this part.
    iterate : Iterate or None
        Of the parent's relaxation, the branching item deleted.
    complement : bool
        The relaxation is of the items that are not chosen, see `Reduced`.
    record : ProofRecord or None
        Of this node, where the search is to be proven.
    """

    items: NDArray[np.int64]
    chosen: NDArray[np.int64]
    bound: float = -np.inf
    iterate: Iterate | None = None
    complement: bool = False
    record: ProofRecord | None = None


@dataclass
class NodeResult:
    """What looking at a node has given: a bound on it, a selection in it, its children."""

    bound: float
    selection: NDArray[np.int64] | None
    children: list[Node] = field(default_factory=list)


class Reduced:
    """What is left to choose at a node: costs of the items, the chosen ones accounted for.

    Where most of the items are to be chosen, it is stated as choosing those that are left out:
    with few ones, ``X >= 0`` says more. Which side it is changes only well off the middle, since a
    change loses the parent's iterate.
    """

    def __init__(
        self, form: QuadraticForm, node: Node, rules: NodeConstraints | None = None
    ) -> None:
        self._node, self._rules = node, rules
        self._apart: NDArray[np.float64] | None = None
        items, chosen = node.items, node.chosen
        self.k = form.k - len(chosen)
        self.n = len(items)
        self.offset = form.value(chosen) if len(chosen) else 0.0
        self.costs = form.matrix[np.ix_(items, items)].astype(np.float64)
        # Pairs with chosen items are linear in the free ones, and m_i = m_i^2 puts that on the
        # diagonal.
        across = form.matrix[np.ix_(items, chosen)].sum(axis=1, dtype=np.float64)
        self._diagonal = np.diag_indices(self.n)
        self.costs[self._diagonal] += form.linear[items] + 2 * across
        margin = 0.0 if node.iterate is None else _MARGIN * (1 - 2 * node.complement)
        self.complement = self.k > (0.5 + margin) * self.n
        self.iterate = node.iterate if self.complement == node.complement else None
        if self.complement:
            self.offset += self._complemented(self.costs)
            self.k = self.n - self.k

    @property
    def enumerable(self) -> bool:
        """Whether there are so few selections that they are rather looked at."""
        return min(self.k, self.n - self.k) <= 1 or comb(self.n, self.k) <= _ENUMERABLE

    def relaxed(self, iterate: Iterate | None = None) -> SemidefiniteRelaxation:
        """Return the relaxation of what is left to choose, without the offset."""
        rules, node = self._rules, self._node
        if rules is None:
            return SemidefiniteRelaxation(self.costs, self.k, iterate)
        costs = self.costs
        # As large as the costs: what is infeasible costs more, and the scale stays what it is.
        weight = 2.0 ** np.frexp(float(np.abs(costs).max()))[1]
        apart = rules.apart(node.items, weight)
        if apart is not None:
            self._apart = apart.copy()
            if self.complement:
                self.offset += self._complemented(apart)
            costs = costs + apart
        return SemidefiniteRelaxation(
            costs, self.k, iterate, rules.rows(node.items, node.chosen, self.complement)
        )

    def multipliers(self, relaxation: SemidefiniteRelaxation) -> Multipliers:
        """Return what the bound of its relaxation rests on."""
        return replace(relaxation.multipliers, apart=self._apart)

    def numbers(self) -> Numbers:
        """Return which quotas the relaxation has for equations, and what its limits are."""
        return ([], []) if self._rules is None else self._rules.numbers(self._node.chosen)

    def _complemented(self, costs: NDArray[np.float64]) -> float:
        """Restate costs for the items that are not chosen; returns the constant of that."""
        # With m = 1 - x: m'Cm = 1'C1 - 2 (C1)'x + x'Cx, and x_i^2 = x_i.
        sums = costs.sum(axis=1)
        costs[self._diagonal] -= 2 * sums
        return float(sums.sum())

    def best(self) -> NodeResult:
        """Return the best selection by enumeration."""
        if self._rules is not None:
            return self._best_allowed(self._rules)
        mask = np.zeros(self.n, np.bool_)
        if self.k:
            mask[best_of_all(self._arrays(), self.k)] = True
        # Of the best of all selections in this part the value is a bound as well.
        value = float(self.costs[np.ix_(mask, mask)].sum()) + self.offset
        return NodeResult(value, self.selection(mask))

    def _best_allowed(self, rules: NodeConstraints) -> NodeResult:
        masks = all_masks(self.n, self.k)
        actual = ~masks if self.complement else masks
        counted = rules.allowed(self._node.items, self._node.chosen, actual)
        values = ((masks @ self.costs) * masks).sum(axis=1) + self.offset
        bound = float(values[counted.possible].min(initial=np.inf))
        if not counted.sure.any():
            return NodeResult(bound, None)
        best = int(np.where(counted.sure, values, np.inf).argmin())
        return NodeResult(bound, self.selection(masks[best]))

    def selection(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the rows of the form that a solution among the items amounts to."""
        mask = ~mask if self.complement else mask
        return np.sort(np.concatenate([self._node.chosen, self._node.items[mask]]))

    def outside(self, n: int) -> NDArray[np.int64]:
        """Return those of n rows that are neither open nor chosen."""
        inside = np.concatenate([self._node.items, self._node.chosen])
        return np.setdiff1d(np.arange(n), inside, assume_unique=True)

    def rounded(self, marginals: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the selection of the largest marginals, improved by exchanges."""
        mask = np.zeros(self.n, np.bool_)
        # Stable, so that the selection is the same on every machine where marginals tie.
        mask[np.argsort(-marginals, kind="stable")[: self.k]] = True
        potentials, parts = np.empty(self.n), self._arrays()
        refresh(parts, mask, potentials, NEVER)
        descend(parts, _TURNS, mask, potentials, NEVER)
        return self.selection(mask)

    def _arrays(self) -> FormArrays:
        return arrays(QuadraticForm(self.costs, np.zeros(self.n), self.k))


def explore(
    form: QuadraticForm,
    rules: NodeConstraints | None,
    node: Node,
    enough: float,
    late: Callable[[], bool],
) -> NodeResult:
    """Bound a node, until it is late; where that does not come above `enough`, divide it in two."""
    part = Reduced(form, node, rules)
    if part.enumerable:
        return part.best()
    relaxation, record = part.relaxed(part.iterate), node.record
    wanted = enough if record is None else record.tree.goal(enough)
    for _ in rounds(relaxation, wanted - part.offset, part.iterate is None, late):
        if late():
            break
    # What holds for the parent holds for its parts; but a proof has to see it.
    bound = relaxation.bound + part.offset
    if record is None:
        bound = max(node.bound, bound)
    elif bound > enough and not record.close(
        part.multipliers(relaxation), bound, enough, part.complement, part.numbers()
    ):
        bound = enough
    marginals = relaxation.marginals
    if rules is None:
        outcome = NodeResult(bound, part.rounded(marginals))
    else:
        shares = np.zeros(form.n)
        shares[node.chosen] = 2.0
        shares[node.items] = 1.0 - marginals if part.complement else marginals
        shares[part.outside(form.n)] = -1.0
        outcome = NodeResult(bound, feasible_rows(form, shares))
    if bound <= enough:
        branching = int(np.abs(marginals - 0.5).argmin())
        divided = _divided(node, branching, max(bound, node.bound), rules)
        outcome.children = [
            _begun(child, node, relaxation.iterate, part, form.k) for child in divided
        ]
        if not divided:
            outcome.bound = np.inf
    return outcome


def rounds(
    relaxation: SemidefiniteRelaxation,
    enough: float,
    fresh: bool,
    late: Callable[[], bool] = lambda: False,
) -> Iterator[float]:
    """Run a relaxation until it is above `enough` or not worth more; yields its bounds."""
    for _ in range(_SETTLED if fresh else 1):
        if relaxation.run(_FIRST, enough, late):
            return
        yield relaxation.bound
        if max(relaxation.progress) < 1e-3:
            break
    most = _INEQUALITIES * len(relaxation.marginals)
    for turn in range(_ROUNDS):
        before = relaxation.bound
        added = relaxation.tighten(most, late)
        if relaxation.run(_ROUND, enough, late):
            return
        yield relaxation.bound
        gained = relaxation.bound - before
        missing = min(enough, relaxation.value) - relaxation.bound
        if not added and gained < 1e-4 * abs(missing):
            return
        # Bounds rise ever more slowly: what the last rounds do not promise is left to the children.
        # At the root without a goal all rounds are run.
        if turn and missing > _PATIENCE * gained and enough < np.inf:
            return


def rules_of(form: QuadraticForm) -> NodeConstraints | None:
    """Return the constraints of a form, for nodes."""
    return None if form.side is None else NodeConstraints(form.side, form.k)


def root_of(form: QuadraticForm, record: ProofRecord | None = None) -> Node | None:
    """Return all selections of a form; None where counting says that there is none."""
    items, chosen = np.arange(form.n), np.empty(0, np.int64)
    settled = _settled(items, chosen, rules_of(form), record)
    return None if settled is None else Node(settled[0], settled[1], record=record)


def doubt(form: QuadraticForm) -> float:
    """Return how far what a node says of an inner value can be off by the rounding of sums.

    Its offset and costs are sums of at most n^2 entries of A and 2n of c, row by row; what the
    relaxation itself rounds is off its bound already.
    """
    n = form.n
    terms = n * (n * form.largest + 2 * float(np.abs(form.linear).max()))
    return UNIT * (2 * n + 64) * terms


def semidefinite_bound(form: QuadraticForm, deadline: Deadline) -> float:
    """Return the bound of the relaxation at the root, on the inner value, less its rounding."""
    rules, root = rules_of(form), root_of(form)
    if root is None:
        return -np.inf
    part = Reduced(form, root, rules)
    if part.enumerable:
        best = part.best().bound
        return best - doubt(form) if np.isfinite(best) else -np.inf
    relaxation = part.relaxed()
    for _ in rounds(relaxation, np.inf, True, lambda: deadline.passed):
        if deadline.passed:
            break
    return relaxation.bound + part.offset - doubt(form)


def _divided(node: Node, branching: int, bound: float, rules: NodeConstraints | None) -> list[Node]:
    """Return the two parts that hold an item or do not, less what holds nothing feasible."""
    items, item = np.delete(node.items, branching), node.items[branching]
    records = (None, None) if node.record is None else node.record.divide(int(item))
    parts = []
    for chosen, record in zip((np.append(node.chosen, item), node.chosen), records, strict=True):
        settled = _settled(items, chosen, rules, record)
        if settled is not None:
            parts.append(Node(settled[0], settled[1], bound, record=record))
    return parts


def _settled(
    items: Items, chosen: Items, rules: NodeConstraints | None, record: ProofRecord | None
) -> tuple[Items, Items] | None:
    """Return what is open and chosen once constraints are counted, and note what they settle."""
    if rules is None:
        return items, chosen
    free, out, into, feasible = rules.counted(items, chosen)
    if record is not None:
        record.force(out.tolist(), into.tolist())
    return (free, np.concatenate([chosen, into])) if feasible else None


def _begun(child: Node, node: Node, iterate: Iterate, part: Reduced, k: int) -> Node:
    """Return a child that begins with what is left of its parent's iterate."""
    gone = np.flatnonzero(~np.isin(node.items, child.items, assume_unique=True))
    missing = k - len(child.chosen)
    taken = np.isin(node.items[gone], child.chosen, assume_unique=True) != part.complement
    if part.complement:
        missing = len(child.items) - missing
    # In single precision: iterates of open nodes are most of the memory, and only begin a search.
    kept = iterate.without(gone, missing, taken).packed()
    return replace(child, iterate=kept, complement=part.complement)


class Tree:
    """The open nodes, best bound first."""

    def __init__(self, form: QuadraticForm, proof: ProofLog | None = None) -> None:
        self._form, self._proof = form, proof
        self._heap: list[tuple[float, int, Node]] = []
        self._count = count()
        self._room = max(2, _KEPT_BYTES // (12 * form.n * form.n))
        self._rules = rules_of(form)
        root = root_of(form, None if proof is None else proof.root(form))
        if root is not None:
            self.push(root)

    def push(self, node: Node) -> None:
        """Add a node; where too many are open, without its iterate."""
        # A node without an iterate costs time when it is looked at, no validity.
        if len(self._heap) > self._room:
            node = replace(node, iterate=None, complement=False)
        heapq.heappush(self._heap, (node.bound, next(self._count), node))

    def pop(self) -> Node:
        """Take the node of the least bound."""
        return heapq.heappop(self._heap)[2]

    def clear(self, enough: float, late: Callable[[], bool]) -> None:
        """Discard what is open: its bounds, above `enough`, say that it holds nothing better.

        Where the search is to be proven, each of its leaves is made to say so.
        """
        if self._proof is not None:
            self._prove(enough, late)
        self._heap.clear()

    def _prove(self, enough: float, late: Callable[[], bool]) -> None:
        try:
            while self._heap:
                node = self.pop()
                if node.record is None or late():
                    return
                for child in explore(self._form, self._rules, node, enough, late).children:
                    self.push(child)
        except KeyboardInterrupt:  # the search has ended; a proof is grown anew, if at all
            return
        if self._proof is not None:
            self._proof.completed(enough)

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def bound(self) -> float:
        """The least bound of the open nodes; infinite when there is none."""
        return self._heap[0][0] if self._heap else np.inf
