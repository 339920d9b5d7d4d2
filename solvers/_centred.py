"""Mean matching as the solvers see it: candidates less the target, scaled, padded."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import MeanMatching


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
    """

    rows: NDArray[np.float64]
    exponent: int
    n: int
    k: int

    @classmethod
    def of(cls, problem: MeanMatching) -> "Centred":
        """Centre the values of a problem, scalar or vector."""
        values = problem.values.reshape(problem.n, -1).astype(np.float64)
        target = np.atleast_1d(np.asarray(problem.target_value, dtype=np.float64))
        largest = max(float(np.abs(values).max()), float(np.abs(target).max()))
        exponent = 0
        if largest and not 1e-100 < largest < 1e100:
            exponent = int(np.frexp(largest)[1])
            values, target = np.ldexp(values, -exponent), np.ldexp(target, -exponent)
        rows = values - target
        if problem.cardinality == "at_most":
            rows = np.concatenate([rows, np.broadcast_to(-target, (problem.k, len(target)))])
        return cls(np.ascontiguousarray(rows), exponent, problem.n, problem.k)

    def objective(self, total: NDArray[np.float64]) -> float:
        """Return the squared distance in units of the problem, for the sum of the chosen rows."""
        return float(np.ldexp(total @ total / self.k**2, 2 * self.exponent))

    def indices(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the candidates among the chosen rows."""
        return np.flatnonzero(chosen[: self.n])
