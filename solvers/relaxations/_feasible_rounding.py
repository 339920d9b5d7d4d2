"""Rounding of a relaxation to a selection that satisfies the constraints."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subsetopt.models import QuadraticForm
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import NEVER, Deadline, stoppable
from subsetopt.solvers.heuristics._constrained_search import ConstrainedDescents

Rows = NDArray[np.int64]


class FeasibleRounding(ConstrainedDescents):
    """Rounding to a selection that keeps the constraints, and one descent from there."""

    def __init__(self, form: QuadraticForm, deadline: Deadline = NEVER) -> None:
        super().__init__(form, 0, deadline)

    def rounded(self, shares: NDArray[np.float64]) -> Rows | None:
        """Return k rows, the largest shares as far as they fit; None where that fails.

        It never does with disjoint quotas alone. O(n k).
        """
        nothing = np.zeros_like(self.matrix)
        nothing.setflags(write=False)
        entering = np.empty(self.k, np.int64)
        self.chosen[:], self.potentials[:] = False, -shares
        self._load()
        kept = self._swaps.refill(
            nothing,
            np.zeros_like(self.diagonal),
            np.empty(0, np.int64),
            entering,
            0,
            self._cover,
            0.0,
            self._draws,
            self.chosen,
            self.potentials,
            self._side,
        )
        self.chosen[:] = False
        return entering if kept else None

    def improved(self, rows: Rows) -> Rows:
        """Return the rows after a descent."""
        self.start(rows)
        while not self.descend()[0]:
            pass
        return np.flatnonzero(self.best)


def feasible_rows(form: QuadraticForm, shares: NDArray[np.float64]) -> Rows | None:
    """Return a selection near the largest shares after a descent; None where none is at hand."""
    search = FeasibleRounding(form)
    rows = search.rounded(shares)
    return None if rows is None else search.improved(rows)


@dataclass(frozen=True)
class Rounded:
    """A selection that keeps the constraints, and why its descent was cut off if it was."""

    rows: Rows
    early: Termination | None = None


def rounding(
    form: QuadraticForm,
    shares: NDArray[np.float64],
    start: Rows | None,
    deadline: Deadline,
    descend: bool = True,
) -> Rounded:
    """Return a selection of a form near the largest shares, improved by a descent if wanted.

    `start` is a selection of the form that keeps the constraints, for where the largest shares
    lead to none; it has to be given unless disjoint quotas are all there is.
    """
    search = FeasibleRounding(form, deadline)
    rows = search.rounded(shares)
    if rows is None:
        assert start is not None
        rows = start
    with stoppable() as early:
        if descend:
            deadline.check()
            search.improved(rows)
    found = np.flatnonzero(search.best)
    return Rounded(found if len(found) == form.k else rows, early.reason)
