"""Mean matching as rows that are centred at the target, scaled and padded."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import UNIT
from subsetopt.problems import MeanMatching
from subsetopt.problems._centring import Centring
from subsetopt.problems._parallel import Check, no_callback

_LEAST = 5e-324
_ENTRIES = 2**21  # that are worked on between two checks


@dataclass(frozen=True)
class Centred:
    """Rows whose sum over the chosen is to be near zero.

    Parameters
    ----------
    rows : ndarray of float64 (candidates, d)
        Values less the target, divided by ``2**exponent``. For cardinality "at_most", k rows that
        stand for choosing nothing follow the n candidates; then exactly k rows are chosen.
    exponent : int
        0 unless the magnitudes are extreme.
    doubt : float
        How far a row may be from the value less the target.
    """

    rows: NDArray[np.float64]
    exponent: int
    n: int
    k: int
    doubt: float

    @classmethod
    def of(cls, problem: MeanMatching, check: Check = no_callback) -> "Centred":
        """Centre the values of a problem, scalar or vector, with a check now and then."""
        values = problem.values.reshape(problem.n, -1)
        seen = origin(problem)
        step = max(1, _ENTRIES // values.shape[1])
        parts = [slice(begin, begin + step) for begin in range(0, problem.n, step)]
        nothing = problem.k if problem.cardinality == "at_most" else 0
        rows = np.empty((problem.n + nothing, values.shape[1]))
        rows[problem.n :] = -(seen.shift + seen.target)
        sizes = np.abs(seen.target)
        sizes += np.abs(rows[problem.n :]).max(axis=0, initial=0.0)
        for part in parts:
            check()
            own = rows[: problem.n][part]
            np.subtract(values[part], seen.shift, out=own)
            own -= seen.target
            np.maximum(sizes, np.maximum(own.max(axis=0), -own.min(axis=0)), out=sizes)
        largest, exponent = float(sizes.max()), 0
        if largest and not 1e-100 < largest < 1e100:
            exponent = int(np.frexp(largest)[1])
            np.ldexp(rows, -exponent, out=rows)
        off = np.ldexp(seen.doubt + 8 * UNIT * sizes + 4 * _LEAST, -exponent)
        return cls(rows, exponent, problem.n, problem.k, float(np.linalg.norm(off)))

    @property
    def reach(self) -> float:
        """How far ``p'(sum of k rows)`` may be off for a vector p of length 1, whatever the rows.

        The products and sums by so many units, and each row by its doubt.
        """
        square = float(np.einsum("ij,ij->i", self.rows, self.rows).max())
        operations = self.rows.shape[1] + self.k + 16
        return float(2 * self.k * (operations * UNIT * np.sqrt(square) + self.doubt))

    def objective(self, total: NDArray[np.float64]) -> float:
        """Return the squared distance in units of the problem, for the sum of the chosen rows."""
        return float(np.ldexp(total @ total / self.k**2, 2 * self.exponent))

    def indices(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the candidates among the chosen rows."""
        return np.flatnonzero(chosen[: self.n])


def origin(problem: MeanMatching) -> Centring:
    """Return where values and target are seen from."""
    if problem.values.ndim == 2:
        return problem.centring
    target = None if problem.target is None else np.array([problem.target_value])
    return Centring.of(problem.values.reshape(-1, 1), target)
