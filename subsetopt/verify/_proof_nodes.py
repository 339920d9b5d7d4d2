"""Parts of all selections, and the combinatorial bound on what is in one, in integers.

A node has chosen candidates S, free ones F, and m of F still to choose. With the costs l of
candidates and p of pairs, every selection in it costs at least

    value(S) + the m smallest, over v in F, of
        l_v + sum of p_vs, s in S, + 1/2 * (sum of the m - 1 smallest p_vu, u in F, u != v),

as each chosen v has m - 1 chosen partners in F, and each such pair is counted half at either end
(Marti, Gallego & Duarte, European Journal of Operational Research 200, 2010). The same holds for
the candidates that are left out, of which leaving out all but m changes value(S + F); the bound is
the better one of the two. All of it is in doubled integers, so that nothing is rounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ._failure import failed
from ._statements import QuadraticStatement

_KEPT = 4_000_000  # integers of half sums


@dataclass(frozen=True)
class ProofNode:
    """A part of all selections.

    Parameters
    ----------
    free : tuple of int
        Ascending.
    chosen : tuple of int
    m : int
        How many of them are to be chosen.
    value, whole : int
        Of the chosen, and of chosen and free together.
    pull, push : list of int (n,)
        What each free candidate costs on its own and with all chosen, and with all chosen and free.
    """

    free: tuple[int, ...]
    chosen: tuple[int, ...]
    m: int
    value: int
    whole: int
    pull: list[int]
    push: list[int]

    @property
    def empty(self) -> bool:
        """Whether it holds no selection."""
        return not 0 <= self.m <= len(self.free)


class NodeBounds:
    """Makes the nodes of one problem, and bounds them."""

    def __init__(self, statement: QuadraticStatement) -> None:
        self._pairs, self._linear = statement.pairs, statement.linear
        self._statement = statement
        self._halves: dict[tuple[tuple[int, ...], int], list[int]] = {}
        self._kept = 0

    def root(self) -> ProofNode:
        """Return all selections."""
        return self.node(self._statement.include, tuple(self._statement.free))

    def node(self, taken: tuple[int, ...], free: tuple[int, ...]) -> ProofNode:
        """Return the selections that have all of some candidates, and others from free ones."""
        statement = self._statement
        inside = [*taken, *free]
        rows = list(zip(self._linear, self._pairs, strict=True))
        return ProofNode(
            free,
            taken,
            statement.k - len(taken),
            statement.value(taken),
            statement.value(inside),
            [own + sum(map(row.__getitem__, taken)) for own, row in rows],
            [own + sum(map(row.__getitem__, inside)) for own, row in rows],
        )

    def divided(self, node: ProofNode, item: int) -> tuple[ProofNode, ProofNode]:
        """Return the part with a free candidate, and that without it."""
        if item not in node.free:
            failed(f"branches on candidate {item}, which is not free there")
        row, free = self._pairs[item], tuple(v for v in node.free if v != item)
        pull = [a + b for a, b in zip(node.pull, row, strict=True)]
        push = [a - b for a, b in zip(node.push, row, strict=True)]
        value = node.value + node.pull[item]
        whole = node.whole - node.push[item]
        return (
            ProofNode(free, (*node.chosen, item), node.m - 1, value, node.whole, pull, node.push),
            ProofNode(free, node.chosen, node.m, node.value, whole, node.pull, push),
        )

    def empty(self, node: ProofNode) -> bool:
        """Return whether the size, or any one row, says that a node holds no selection."""
        if node.empty:
            return True
        free = {*node.free} if self._statement.rows else ()
        for row in self._statement.rows:
            load = row.sum(node.chosen)
            weights = sorted(w for i, w in row.weights.items() if i in free)
            # All others of the free weigh nothing.
            rest = max(0, node.m - (len(node.free) - len(weights)))
            if load + sum(weights[:rest]) > row.upper:
                return True
            if load + sum(weights[max(0, len(weights) - node.m) :]) < row.lower:
                return True
        return False

    def bound(self, node: ProofNode) -> int:
        """Return a lower bound on twice the value of every selection in a node that holds some."""
        return max(self._direct(node), self._complement(node))

    def exceeds(self, node: ProofNode, least: int) -> bool:
        """Return whether twice the value of every selection in a node is above `least`."""
        if self.empty(node):
            return True
        few = 2 * node.m <= len(node.free)
        sides = (self._direct, self._complement) if few else (self._complement, self._direct)
        return any(side(node) > least for side in sides)

    def _direct(self, node: ProofNode) -> int:
        costs = [2 * node.pull[v] for v in node.free]
        return 2 * node.value + self._smallest(node.free, node.m, costs)

    def _complement(self, node: ProofNode) -> int:
        costs = [-2 * node.push[v] for v in node.free]
        return 2 * node.whole + self._smallest(node.free, len(node.free) - node.m, costs)

    def _smallest(self, free: tuple[int, ...], m: int, costs: list[int]) -> int:
        """Return the sum of the m smallest of the costs with the half sums of m - 1 partners."""
        halves = self._half_sums(free, m) if m > 1 else [0] * len(free)
        return sum(sorted(a + b for a, b in zip(costs, halves, strict=True))[:m])

    def _half_sums(self, free: tuple[int, ...], m: int) -> list[int]:
        found = self._halves.get((free, m))
        if found is None:
            if self._kept > _KEPT:  # of static orders they come again and again
                self._halves.clear()
                self._kept = 0
            found = list(self._partners(free, m))
            self._halves[free, m] = found
            self._kept += 2 * len(free)
        return found

    def _partners(self, free: tuple[int, ...], m: int) -> Iterator[int]:
        for v in free:
            row = self._pairs[v]
            # Of a diagonal that is 0, m - 1 others: without v itself.
            yield sum(sorted(row[u] for u in free if u != v)[: m - 1])
