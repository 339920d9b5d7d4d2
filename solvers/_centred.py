"""Mean matching as the solvers see it: candidates less the target, scaled, padded."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.problems import MeanMatching
from subsetopt.problems.parallel import Check, unchecked

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
    """

    rows: NDArray[np.float64]
    exponent: int
    n: int
    k: int

    @classmethod
    def of(cls, problem: MeanMatching, check: Check = unchecked) -> "Centred":
        """Centre the values of a problem, scalar or vector, with a check now and then."""
        values = problem.values.reshape(problem.n, -1)
        target = np.atleast_1d(np.asarray(problem.target_value, dtype=np.float64))
        step = max(1, _ENTRIES // len(target))
        parts = [slice(begin, begin + step) for begin in range(0, problem.n, step)]
        largest = max(_largest(values[part], check) for part in parts)
        largest = max(largest, float(np.abs(target).max()))
        exponent = 0
        if largest and not 1e-100 < largest < 1e100:
            exponent = int(np.frexp(largest)[1])
            target = np.ldexp(target, -exponent)
        nothing = problem.k if problem.cardinality == "at_most" else 0
        rows = np.empty((problem.n + nothing, len(target)))
        for part in parts:
            check()
            scaled = values[part].astype(np.float64, copy=False)
            scaled = np.ldexp(scaled, -exponent) if exponent else scaled
            np.subtract(scaled, target, out=rows[: problem.n][part])
        rows[problem.n :] = -target
        return cls(rows, exponent, problem.n, problem.k)

    def objective(self, total: NDArray[np.float64]) -> float:
        """Return the squared distance in units of the problem, for the sum of the chosen rows."""
        return float(np.ldexp(total @ total / self.k**2, 2 * self.exponent))

    def indices(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the candidates among the chosen rows."""
        return np.flatnonzero(chosen[: self.n])


def _largest(values: NDArray[Any], check: Check) -> float:
    check()
    return max(float(values.max()), -float(values.min()))
