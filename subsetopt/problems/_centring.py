"""Centring of vectors and values, to avoid cancellation.

Of values 1e8 with a spread of 1 a sum of squares keeps nothing of the spread in float64; of the
differences from a point among them it keeps all. `MeanMatching` and the solvers centre exactly
(`heuristics._centred`); `_mmd_terms` takes the origin of `_relative_kernels` from here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._rounding import UNIT

_BLOCK = 1024  # rows that are added one by one before the blocks' sums are


@dataclass(frozen=True, eq=False)
class Centring:
    r"""An origin near the values, and the target as seen from there.

    .. math::
        t - \tfrac1k \sum_i m_i v_i = (t - s) - \tfrac1k \sum_i m_i (v_i - s)
        \quad \text{where} \quad \sum_i m_i = k

    for any s. The difference of two floats within a factor of two of each other is exact, and that
    of any two floats is off by half a unit in its own last place, so that no error is relative to
    how far the values are from 0, only to how far they are from s.

    Parameters
    ----------
    shift : ndarray of float64 (d,)
        s, the mean of the values but for rounding.
    target : ndarray of float64 (d,)
        t - s.
    doubt : ndarray of float64 (d,)
        How far `target` may be from that, for the s that `shift` is.
    """

    shift: NDArray[np.float64]
    target: NDArray[np.float64]
    doubt: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[Any], target: NDArray[np.float64] | None) -> "Centring":
        """Centre values (n, d) and their target (d,), None for the mean; O(n d), little memory."""
        shift = centre(values)
        if target is not None:
            seen = target - shift
            # One subtraction; the shift itself is a number, and no error, whatever it was meant to
            # be.
            return cls(shift, seen, UNIT * np.abs(seen))
        sums, sizes = _sums(values, shift)
        # Additions that a term takes part in, at most: within a block one by one, then between the
        # blocks; and the difference and the division.
        operations = min(len(values), _BLOCK) + len(values) / _BLOCK + 4
        return cls(shift, sums / len(values), UNIT * operations * sizes / len(values))

    def rows(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return a copy of some values (m, d) as seen from the origin."""
        return values - self.shift

    def difference(self, chosen: NDArray[Any], k: int) -> NDArray[np.float64]:
        """Return the target less the sum of the chosen values (m, d) over k, of which m <= k."""
        difference = self.target - self.rows(chosen).sum(axis=0) / k
        if len(chosen) < k:  # those that are missing stand at 0, not at the origin
            difference += self.shift * ((k - len(chosen)) / k)
        return np.asarray(difference)

    def rounding(self, chosen: NDArray[Any], k: int) -> float:
        """Return how far the squared length of that difference may be off."""
        sizes = np.abs(self.rows(chosen)).sum(axis=0) / k
        sizes += np.abs(self.target) + (k - len(chosen)) / k * np.abs(self.shift)
        each = UNIT * (k + 4) * sizes + self.doubt
        difference = np.abs(self.difference(chosen, k))
        own = UNIT * (difference.size + 2) * difference @ difference
        return float(2 * difference @ each + each @ each + own)


def centre(*clouds: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean of some points (n, d) but for rounding: of equal points exactly these."""
    # From one of the points: the sum of equal points, divided again, need not be these.
    first = clouds[0][0].astype(np.float64)
    total = sum((_sums(cloud, first)[0] for cloud in clouds), np.zeros_like(first))
    return np.asarray(first + total / sum(map(len, clouds)))


def _sums(
    values: NDArray[Any], shift: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of the differences from a point, and of their magnitudes."""
    sums, sizes = np.zeros_like(shift), np.zeros_like(shift)
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK] - shift
        sums += block.sum(axis=0)
        sizes += np.abs(block, out=block).sum(axis=0)
    return sums, sizes
