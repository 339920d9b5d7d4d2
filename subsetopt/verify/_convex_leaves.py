"""Convex leaves: cuts of a convex quadratic, and a Cholesky factor that proves it convex.

Of the r free candidates at the root m are chosen, at costs ``pull`` and ``pairs`` P. With integers
d and t, and R a power of two, every selection x has

    2 R value = 2 R value(chosen) + x'Mx + (2 R pull - d)'x - t m^2,  M = R P + diag(d) + t 11',

since x_i^2 = x_i and 1'x = m. Where M has no eigenvalue below -e, see `_dual_leaves`, and y >= 0,

    x'Mx >= 2 y'Mx - y'My - e |x - y|^2 >= 2 y'Mx - y'My - e (m + |y|^2):

a sum of costs of the chosen, one for each y, whatever else is chosen. A leaf is closed by one of
them: by those that are chosen there, and the least of those that are free.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from operator import mul
from typing import Any

from ._dual_leaves import least_eigenvalue
from ._failure import failed, whole, wholes
from ._proof_nodes import ProofNode

_POWER = 4000


@dataclass(frozen=True)
class ConvexRows:
    """M, a row at a time, of the free candidates at the root.

    Parameters
    ----------
    free : tuple of int
    pairs : list of list of int
    power : int
        ``R = 2**power``.
    diagonal : sequence of int
        d.
    ones : int
        t.
    """

    free: tuple[int, ...]
    pairs: list[list[int]]
    power: int
    diagonal: Sequence[int]
    ones: int

    def __iter__(self) -> Iterator[list[int]]:
        for i, v in enumerate(self.free):
            costs = self.pairs[v]
            row = [(costs[w] << self.power) + self.ones for w in self.free]
            row[i] += self.diagonal[i]
            yield row

    @cached_property
    def places(self) -> dict[int, int]:
        """The place of each free candidate."""
        return {v: i for i, v in enumerate(self.free)}


class Cut:
    """``unit * 2 * value >= constant + sum of the costs of the chosen``.

    Costs are worked out as they are asked for: most leaves have but few free candidates.

    Parameters
    ----------
    root : ProofNode
    rows : ConvexRows
    error : Fraction
        e.
    point : list of [int, int]
        Places among the free candidates, and amounts above 0.
    power : int
        y is the amounts over ``2**power``.
    """

    def __init__(
        self,
        root: ProofNode,
        rows: ConvexRows,
        error: Fraction,
        point: list[list[int]],
        power: int,
    ) -> None:
        self._root, self._rows, self._power = root, rows, power
        self._items = [root.free[place] for place, _ in point]
        self._amounts = [amount for _, amount in point]
        self._moved = dict(zip(self._items, self._amounts, strict=True))
        self._place = rows.places
        self._sum = rows.ones * sum(self._amounts)
        self._costs = dict.fromkeys(root.chosen, 0)
        own = sum(amount * self._image(v) for v, amount in self._moved.items())
        unit, squares = 1 << 2 * power, sum(amount * amount for amount in self._amounts)
        fixed = (2 * root.value << rows.power) - rows.ones * root.m**2
        self._constant = unit * fixed - own - ceil(error * (root.m * unit + squares))
        self._unit = unit << rows.power

    def _image(self, v: int) -> int:
        """Return the entry of My of a candidate."""
        costs, rows = self._rows.pairs[v], self._rows
        pairs: int = sum(map(mul, self._amounts, map(costs.__getitem__, self._items)))
        own = rows.diagonal[self._place[v]] * self._moved.get(v, 0)
        return (pairs << rows.power) + self._sum + own

    def _cost(self, v: int) -> int:
        found = self._costs.get(v)
        if found is None:
            rows, power = self._rows, self._power
            linear = (2 * self._root.pull[v] << rows.power) - rows.diagonal[self._place[v]]
            found = (2 * self._image(v) << power) + (linear << 2 * power)
            self._costs[v] = found
        return found

    def exceeds(self, node: ProofNode, least: int) -> bool:
        """Return whether twice the value of every selection in a node is above `least`."""
        if node.empty:
            return True
        taken = sum(map(self._cost, node.chosen))
        free = sorted(map(self._cost, node.free))[: node.m]
        return self._constant + taken + sum(free) > least * self._unit


class ConvexForm:
    """What makes the problem convex at its root, and proves that it does.

    Parameters
    ----------
    root : ProofNode
    rows : ConvexRows
    """

    def __init__(self, root: ProofNode, rows: ConvexRows) -> None:
        self._root, self._rows = root, rows
        least = least_eigenvalue(rows)
        if least is None:
            failed("the matrix of convex leaves is not positive definite")
        self.error = -least

    @classmethod
    def of(cls, given: Any, root: ProofNode, pairs: list[list[int]]) -> "ConvexForm":
        """Read one from a proof."""
        if type(given) is not dict or set(given) != {"power", "diagonal", "ones"}:
            failed("convex must be an object of power, diagonal, ones")
        power = whole("power", given["power"], 0, _POWER)
        diagonal = wholes("diagonal", given["diagonal"], len(root.free))
        ones = whole("ones", given["ones"])
        if not root.free or root.empty:
            failed("there is nothing to choose that could be convex")
        return cls(root, ConvexRows(root.free, pairs, power, diagonal, ones))

    def line(self) -> dict[str, Any]:
        """Return it as a line of a proof."""
        rows = self._rows
        stated = {"power": rows.power, "diagonal": list(rows.diagonal), "ones": rows.ones}
        return {"convex": stated}

    def read(self, given: Any) -> Cut:
        """Return the cut that a line of a proof states."""
        if type(given) is not dict or set(given) != {"power", "point"}:
            failed("cut must be an object of power, point")
        power = whole("power", given["power"], 0, _POWER)
        if type(given["point"]) is not list:
            failed("point must be a list")
        size, seen = len(self._root.free), -1
        for entry in given["point"]:
            place, amount = wholes("an entry of point", entry, 2)
            if not (seen < place < size and amount >= 0):
                failed(f"point must have ascending places below {size}, and amounts >= 0")
            seen = place
        return self.cut(given["point"], power)

    def cut(self, point: list[list[int]], power: int) -> Cut:
        """Return the cut at ``y = point / 2**power``, of places among the free and amounts."""
        return Cut(self._root, self._rows, self.error, point, power)
