"""The convex relaxation over selections that keep constraints, and which one a form asks for."""

import math

import numpy as np

from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm, SideConstraints
from subsetopt.solvers._deadline import NEVER, Deadline, stoppable

from ._convex import Diagonal, diagonal, slack
from ._quadratic_relaxation import Floats, QuadraticRelaxation, Variant, spread

_MOVES = 40  # between atoms in a step, for each of them
_SHARE = 0.1  # of the duality gap, to which atoms are weighed


class ConstrainedRelaxation(QuadraticRelaxation):
    """The same where counting does not decide: fully corrective steps between any vertices.

    A step is a linear function over the polytope, see `_polytope`, the image of its vertex in
    O(n k), and moves of weight between all atoms at O(1) for each of them.
    """

    def __init__(
        self,
        form: QuadraticForm,
        taken: Diagonal,
        steps: int = 500,
        deadline: Deadline = NEVER,
    ) -> None:
        super().__init__(form, taken, "auto", steps, deadline)
        room = max(2, min(steps, self._ATOM_BYTES // (16 * form.n))) + 1
        self._vertices, self._images = np.empty((room, form.n)), np.empty((room, form.n))
        self._weights, self._gram = np.zeros(room), np.zeros((room, room))
        self._products = self._gram.view()
        self._products.setflags(write=False)
        self.point = self._polytope.vertex(self._gradient)
        self._gradient = self._gradient_at(self.point)
        self._vertices[0], self._weights[0], self._count = self.point, 1.0, 1
        self._images[0] = 0.5 * (self._gradient - self._linear)
        self._gram[0, 0] = float(self._images[0] @ self.point)
        self._note_gap()

    def _exchange(self, goal: float) -> bool:
        """Take up the best vertex, and weigh all atoms anew; returns if there is more to gain."""
        vertex = self._polytope.vertex(self._gradient)
        along = float(self._gradient @ self.point)
        self._gap = along - float(self._gradient @ vertex)
        low = 0.5 * (along + float(self._linear @ self.point)) - self._gap
        if low > self._best[0]:
            self._best[0] = low
            self._best_point[:] = self.point
        if self._gap <= goal or not self._place(vertex):
            return False
        moved = self._weigh(_SHARE * max(self._gap, goal))
        count = self._count
        self.point = self._weights[:count] @ self._vertices[:count]
        self._gradient = 2.0 * (self._weights[:count] @ self._images[:count]) + self._linear
        self._atom_steps += 1
        return moved

    def _weigh(self, enough: float) -> bool:
        """Move weight between the atoms until none is steeper by more; returns if any moved."""
        count = self._count
        weights, gram = self._weights[:count], self._gram[:count, :count]
        slopes = 2.0 * (gram @ weights) + self._vertices[:count] @ self._linear
        # Weights are of a selection of one atom: the moves are those of mass between coordinates.
        _, one = spread(SideConstraints(count, 1, 1).groups, 1)
        moved = self._kernel.exchange(
            self._products,
            np.zeros(count),
            gram.diagonal().copy(),
            _MOVES * count,
            enough,
            weights,
            slopes,
            *one,
        )
        self._drop()
        return bool(moved)

    def _place(self, vertex: Floats) -> bool:
        """Put a vertex among the atoms, if it is not there; returns whether there was room."""
        count = self._count
        if (self._vertices[:count] == vertex).all(axis=1).any():
            return True
        if count == len(self._weights):
            return False
        self._vertices[count], self._images[count] = vertex, self._image(vertex)
        self._weights[count], self._count = 0.0, count + 1
        products = self._images[: count + 1] @ vertex
        self._gram[count, : count + 1] = self._gram[: count + 1, count] = products
        return True

    def _drop(self) -> None:
        """Drop the atoms without weight."""
        kept = np.flatnonzero(self._weights[: self._count] > 0.0)
        if len(kept) < self._count:
            self._gram[: len(kept), : len(kept)] = self._gram[np.ix_(kept, kept)]
            for part in (self._vertices, self._images, self._weights):
                part[: len(kept)] = part[kept]
            self._count = len(kept)


def relaxation_of(
    form: QuadraticForm,
    taken: Diagonal,
    variant: Variant = "auto",
    steps: int = 500,
    deadline: Deadline = NEVER,
) -> QuadraticRelaxation:
    """Return the relaxation of a form, over what keeps its constraints if it has any."""
    if form.side is None or form.side.decided_by_counting:
        return QuadraticRelaxation(form, taken, variant, steps, deadline)
    return ConstrainedRelaxation(form, taken, steps, deadline)


def quadratic_bound(form: QuadraticForm, limits: Limits) -> float:
    """Return the bound of the convex relaxation on the inner value, to 1e-7 of its size.

    Where the form is convex as it stands, the better of two: a diagonal of larger trace does not
    always bring more. Minus infinity where the time is up before there is any.
    """
    deadline, best = Deadline.of(limits), -math.inf
    with stoppable():
        taken = [diagonal(form, deadline)]
        if form.semidefinite and taken[0].values.any():
            taken.append(Diagonal(np.zeros(form.n), slack(form, deadline)))
        for choice in taken:
            relaxed = relaxation_of(form, choice, deadline=deadline)
            relaxed.run(1e-7, limits, deadline.sooner(relaxed.bound_seconds))
            best = max(best, relaxed.bound())
    return best
