"""Weights of a coreset: a convex quadratic program over the simplex."""

import numpy as np
from numpy.typing import NDArray

_STEPS = 2000
_LOOKS = 20  # steps between two looks at the gap
_ENOUGH = 1e-6  # of the value, for the gap


def simplex_weights(
    K: NDArray[np.float64], means: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return the w >= 0 with sum 1 of the least ``w'Kw - 2 w'means``, and the gap to the least.

    Accelerated projected gradients with restarts (Beck & Teboulle, SIAM J. Imaging Sciences 2(1),
    2009; O'Donoghue & Candes, 2015), O(k^2) a step. The gap is that of Frank-Wolfe, so it is a
    bound: no weights are better by more.

    Parameters
    ----------
    K : (k, k), positive semidefinite
    means : (k,)
    """
    k = len(means)
    step = 1.0 / (2.0 * max(float(np.abs(K).sum(axis=1).max()), 1e-300))
    w = best = at = np.full(k, 1.0 / k)
    gap, momentum = np.inf, 1.0
    for number in range(_STEPS):
        gradient = 2.0 * (K @ at - means)
        after = on_simplex(at - step * gradient)
        if gradient @ (after - w) > 0.0:
            momentum = 1.0  # the momentum leads up
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        at = after + (momentum - 1.0) / following * (after - w)
        w, momentum = after, following
        if number % _LOOKS == _LOOKS - 1:
            slope = 2.0 * (K @ w - means)
            here = float(slope @ w - slope.min())
            if here < gap:
                gap, best = here, w
            if gap <= _ENOUGH * abs(float(w @ (K @ w) - 2.0 * w @ means)) * 1e-3:
                break
    return best, max(float(gap), 0.0)


def on_simplex(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the point of the simplex next to v (Duchi et al., ICML 2008); O(k log k)."""
    falling = np.sort(v)[::-1]
    over = (np.cumsum(falling) - 1.0) / np.arange(1, len(v) + 1)
    return np.asarray(np.maximum(v - over[np.flatnonzero(falling > over)[-1]], 0.0))
