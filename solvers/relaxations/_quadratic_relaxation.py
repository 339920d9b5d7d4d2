"""The convex relaxation of a quadratic selection problem, by Frank-Wolfe steps.

``min m'Bm + b'm`` over ``{0 <= m <= 1, sum m = k}``, or what of it keeps constraints, B = A less a
diagonal of `_convex`: the solver `frank-wolfe` on quadratic forms, and bound="fw". The steps, in
`_kernels.quadratic_frank_wolfe`, keep point and gradient up to date with what rounds off; the bound
is worked out once, at the best point met, from scratch. So it is valid wherever the steps have
stopped, and for whatever reason.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm, SideConstraints
from subsetopt.models._side_constraints import Groups
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import NEVER, Deadline, OutOfTime
from subsetopt.solvers.heuristics._quadratic_steps import arrays

from ._convex import Diagonal, largest_entry
from ._feasible_rounding import FeasibleRounding
from ._polytope import Hypersimplex, Polytope, polytope_of

Variant = Literal["auto", "coordinate", "pairwise", "away", "vanilla"]

Floats = NDArray[np.float64]

CODES = {"vanilla": 0, "away": 1, "pairwise": 2}
"""The variants between vertices, as the kernels number them."""


class QuadraticRelaxation:
    """The iterates on a quadratic form less a diagonal that makes it convex.

    To build it takes O(n^2), and so does `bound`; both may raise OutOfTime.
    """

    _ATOM_BYTES = 2**29  # for the k-subsets and their images
    _WORK = 2**24  # multiplications between two looks at the clock
    _PASSES = 4.0  # over the matrix that a bound takes, over one of those that `_image` takes

    def __init__(
        self,
        form: QuadraticForm,
        taken: Diagonal,
        variant: Variant = "auto",
        steps: int = 500,
        deadline: Deadline = NEVER,
        start: Floats | None = None,
    ) -> None:
        self._kernel = _kernels.quadratic_frank_wolfe
        self._form, self._taken, self._steps, self.deadline = form, taken, steps, deadline
        self._matrix = arrays(form).matrix
        self._linear = form.linear + taken.values
        self._diagonal = form.matrix.diagonal() - taken.values
        counted = form.side if form.side is not None and form.side.decided_by_counting else None
        groups = (counted or SideConstraints(form.n, form.k, form.k)).groups
        # Between vertices only where all of k rows are vertices.
        self._code = CODES.get(variant) if form.side is None else None
        share, self._limits = spread(groups, form.k)
        self.point = (share / groups.sizes)[groups.group] if start is None else start
        # How long one image takes tells how much time to leave for the bound.
        begin = deadline.elapsed
        self._gradient = self._gradient_at(self.point)
        self.bound_seconds = self._PASSES * (deadline.elapsed - begin)
        self._atoms = np.empty((0, form.k), np.int64), np.empty((0, form.n)), np.empty(0)
        self._count = self._moves = self._atom_steps = 0
        if self._code is not None:
            self._begin_at_vertex()
        self._polytope = polytope_of(form.side, form.k, deadline)
        self._note_gap()

    def _note_gap(self) -> None:
        """Take the point, the first, for the best."""
        self._gap, value = self._duality_gap()
        self._best = np.array([value - self._gap])
        self._best_point = self.point.copy()
        self._scale = max(abs(value), self._gap)

    def _gradient_at(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        return 2.0 * self._image(point) + self._linear

    def _image(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return B times the point; O(n) for every entry that is not zero."""
        image = np.zeros(self._form.n)
        for part in self.deadline.chunks(self._form.n, self._form.n):
            self._kernel.add_images(self._matrix, part.start, part.stop, point, image)
        image -= self._taken.values * point
        return image

    def _begin_at_vertex(self) -> None:
        """Move to the vertex that the gradient at the uniform point asks for: the first atom."""
        n, k = self._form.n, self._form.k
        # Vanilla steps look at no atom but the newest.
        room = 1 if self._code == 0 else min(self._steps + 2, self._ATOM_BYTES // (8 * (n + k)) + 3)
        atoms, images, weights = np.empty((room, k), np.int64), np.empty((room, n)), np.zeros(room)
        atoms[0] = largest(-self._gradient, k)
        weights[0] = 1.0
        self.point[:] = 0.0
        self.point[atoms[0]] = 1.0
        self._gradient = self._gradient_at(self.point)
        images[0] = 0.5 * (self._gradient - self._linear)
        self._atoms = (atoms, images, weights)
        self._room = np.empty(n), np.empty(k, np.int64), np.empty(n), np.empty(n)
        self._count = 1

    def _duality_gap(self) -> tuple[float, float]:
        """Return the duality gap and the value at the point."""
        along = float(self._gradient @ self.point)
        gap = along - self._polytope.least(self._gradient)
        return max(0.0, gap), 0.5 * (along + float(self._linear @ self.point))

    @property
    def taken(self) -> int:
        """The number of steps so far; n moves of mass are one."""
        return self._atom_steps + -(-self._moves // self._form.n)

    @property
    def relative_gap(self) -> float:
        return self._gap / self._scale if self._scale else 0.0

    def bound(self) -> float:
        """Return the best lower bound on the inner value of every selection; O(n^2)."""
        form, taken, point = self._form, self._taken, self._best_point
        largest = largest_entry(form.matrix, self.deadline)
        sizes = np.zeros(form.n)
        for part in self.deadline.chunks(form.n, form.n):
            self._kernel.add_sizes(self._matrix, part.start, part.stop, point, sizes)
        value = bound_of(
            self._image(point),
            sizes,
            taken.values,
            self._linear,
            form.k,
            largest + float(np.abs(taken.values).max()),
            point,
            self._polytope,
        )
        return value - taken.slack

    @property
    def best_point(self) -> NDArray[np.float64]:
        """The point that the bound is worked out at."""
        return self._best_point

    def take(self, point: NDArray[np.float64]) -> None:
        """Work out bound and gradient at another point of the polytope."""
        self._best_point[:] = point

    def gradient(self) -> NDArray[np.float64]:
        """Return the gradient there, computed anew; O(n^2)."""
        return self._gradient_at(self._best_point)

    def run(self, tolerance: float, limits: Limits, deadline: Deadline) -> Termination:
        """Take steps until one of the reasons to stop."""
        goal = tolerance * self._scale
        try:
            while self._gap > goal and not self._is_close(limits):
                if self.taken >= self._steps:
                    return Termination.ITERATION_LIMIT
                if deadline.passed:
                    return Termination.TIME_LIMIT
                if not (self._exchange(goal) if self._code is None else self._step(goal)):
                    break
        except OutOfTime:
            return Termination.TIME_LIMIT
        except KeyboardInterrupt:
            return Termination.INTERRUPTED
        return Termination.FINISHED

    def _is_close(self, limits: Limits) -> bool:
        """Whether the rounded point is within the gap that the caller asks for."""
        if limits.gap is None and limits.absolute_gap is None:
            return False
        form, rows = self._form, self.rounded()
        if rows is None:
            return False
        value = form.lift(form.value(rows))
        distance = value - form.lift(float(self._best[0]) - self._taken.slack)
        return distance <= max(limits.absolute_gap or 0.0, (limits.gap or 0.0) * abs(value))

    def rounded(self) -> NDArray[np.int64] | None:
        """Return the selection of the largest entries that keep the constraints, if it is found."""
        if self._form.side is None:
            return largest(self.point, self._form.k)
        return FeasibleRounding(self._form, self.deadline).rounded(self.point)

    def _exchange(self, goal: float) -> bool:
        """Move mass between coordinates; returns whether there is more to gain."""
        n, k = self._form.n, self._form.k
        most = min(max(1, self._WORK // n), self._steps * n - self._moves)
        moves = self._kernel.exchange(
            self._matrix,
            self._taken.values,
            self._diagonal,
            most,
            # A mass of k at most moves, so the gap is k of these differences at most.
            goal / k,
            self.point,
            self._gradient,
            *self._limits,
        )
        self._moves += moves
        self._gap, value = self._duality_gap()
        if value - self._gap > self._best[0]:
            self._best[0] = value - self._gap
            self._best_point[:] = self.point
        return bool(moves == most)

    def _step(self, goal: float) -> bool:
        """Take steps between vertices; returns whether there is more to gain."""
        n, k = self._form.n, self._form.k
        most = min(max(1, min(25, self._WORK // (n * k))), self._steps - self._atom_steps)
        self._count, self._gap, taken = self._kernel.iterate(
            self._matrix,
            self._taken.values,
            self._linear,
            self._code,
            most,
            goal,
            *self._atoms,
            self._count,
            self.point,
            self._gradient,
            self._best,
            self._best_point,
            *self._room,
        )
        self._atom_steps += taken
        return bool(taken == most)


Moves = tuple[NDArray[Any], ...]


def spread(groups: Groups, k: int) -> tuple[Floats, Moves]:
    """Return a sum for each group, in proportion as far as limits allow, and what moves need."""
    sizes = groups.sizes.astype(np.float64)
    lower, upper = groups.lower.astype(np.float64), np.minimum(groups.upper, sizes)
    share = np.clip(k * sizes / sizes.sum(), lower, upper)
    missing = k - float(share.sum())
    if missing:
        room = upper - share if missing > 0 else share - lower
        share = np.clip(share + missing * room / float(room.sum()), lower, upper)
    ends, places = np.empty((2, len(sizes))), np.empty(len(sizes), np.int64)
    return share, (groups.group, upper - share, share - lower, *ends, places)


def largest(weights: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Return the indices of the k largest weights, sorted; of equal ones the first."""
    limit = np.partition(weights, len(weights) - k)[len(weights) - k]
    above, equal = np.flatnonzero(weights > limit), np.flatnonzero(weights == limit)
    return np.sort(np.concatenate([above, equal[: k - len(above)]]))


def bound_of(
    product: Floats,
    sizes: Floats,
    diagonal: Floats,
    linear: Floats,
    k: int,
    largest: float,
    point: Floats,
    polytope: Polytope | None = None,
) -> float:
    """Return what no selection can fall below if B is semidefinite where sums are zero; O(n).

    Convexity gives ``f(v) >= g'v - m'Bm`` at any m with gradient g, least over the k smallest
    entries of g, or over what a polytope says of selections that keep constraints. `product` is
    ``B point`` and `sizes` ``|A| |point|``, both computed anew in float64, and what rounding may
    have added, in them and in ``sum m = k``, is taken off. `largest` is at least every ``|B_ij|``.
    """
    n = len(point)
    # Each entry of the gradient is a sum of n products: off by n units of the sum of their
    # magnitudes at most, in whatever order they are added.
    sizes = sizes + np.abs(diagonal * point) + 0.5 * np.abs(linear)
    gradient = 2.0 * product + linear
    polytope = Hypersimplex(k) if polytope is None else polytope
    value = polytope.least(gradient) - float(point @ product)
    spread = float(np.abs(point) @ sizes + 2.0 * np.partition(sizes, n - k)[n - k :].sum())
    # With entries of w = v - m that sum to e and not 0, w'Bw >= -(4 k + |e|) |e| max |B_ij|: w less
    # e / n throughout sums to zero, and |w|_1 <= 2 k.
    off = abs(float(point.sum()) - k) + n * 2.3e-16 * k
    return value - (n + 16) * 2.3e-16 * spread - (4.0 * k + off) * off * largest
