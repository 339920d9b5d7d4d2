"""The convex relaxation over selections that keep constraints, and which one a form asks for."""

import math

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidOption
from subsetopt.limits import Limits
from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import NEVER, Deadline, stoppable

from ._convex import Diagonal, diagonal, slack
from ._feasible_rounding import FeasibleRounding
from ._quadratic_relaxation import Floats, QuadraticRelaxation, Variant


class ConstrainedRelaxation(QuadraticRelaxation):
    """The same over selections that keep constraints: pairwise steps between any vertices.

    A step is O(n k) and a linear function over the polytope, see `_polytope`.
    """

    def __init__(
        self,
        form: QuadraticForm,
        taken: Diagonal,
        variant: Variant = "auto",
        steps: int = 500,
        deadline: Deadline = NEVER,
    ) -> None:
        if variant not in ("auto", "pairwise"):
            raise InvalidOption(
                f"variant {variant!r} takes no constraints; use 'pairwise' or 'auto'"
            )
        super().__init__(form, taken, "auto", steps, deadline)
        room = max(2, min(steps, self._ATOM_BYTES // (16 * form.n))) + 1
        self._vertices, self._images = np.empty((room, form.n)), np.empty((room, form.n))
        self._weights = np.zeros(room)
        self.point = self._polytope.vertex(self._gradient)
        self._gradient = self._gradient_at(self.point)
        self._vertices[0], self._weights[0], self._count = self.point, 1.0, 1
        self._images[0] = 0.5 * (self._gradient - self._linear)
        self._note_gap()

    def rounded(self) -> NDArray[np.int64] | None:
        """Return the selection of the largest entries that keep the constraints, if it is found."""
        return FeasibleRounding(self._form, self.deadline).rounded(self.point)

    def _exchange(self, goal: float) -> bool:
        """Move weight from the worst atom to the best vertex; returns if there is more to gain."""
        vertex = self._polytope.vertex(self._gradient)
        along = float(self._gradient @ self.point)
        self._gap = along - float(self._gradient @ vertex)
        low = 0.5 * (along + float(self._linear @ self.point)) - self._gap
        if low > self._best[0]:
            self._best[0] = low
            self._best_point[:] = self.point
        into = self._place(vertex)
        if self._gap <= goal or into is None:
            return False
        count = self._count
        leave = int((self._vertices[:count] @ self._gradient).argmax())
        direction = vertex - self._vertices[leave]
        bent = self._images[into] - self._images[leave]
        slope, curve = float(self._gradient @ direction), float(direction @ bent)
        length = float(self._weights[leave])
        if 2.0 * curve * length > -slope:
            length = -0.5 * slope / curve
        self._weights[into] += length
        self._weights[leave] -= length
        self.point += length * direction
        self._gradient += 2.0 * length * bent
        self._drop()
        self._atom_steps += 1
        return slope < 0.0

    def _place(self, vertex: Floats) -> int | None:
        """Return where a vertex is among the atoms, put there if need be; None without room."""
        count = self._count
        same = (self._vertices[:count] == vertex).all(axis=1)
        if same.any():
            return int(same.argmax())
        if count == len(self._weights):
            return None
        self._vertices[count], self._images[count] = vertex, self._image(vertex)
        self._weights[count], self._count = 0.0, count + 1
        return count

    def _drop(self) -> None:
        """Drop the atoms without weight."""
        kept = np.flatnonzero(self._weights[: self._count] > 0.0)
        if len(kept) < self._count:
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
    kind = QuadraticRelaxation if form.side is None else ConstrainedRelaxation
    return kind(form, taken, variant, steps, deadline)


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
