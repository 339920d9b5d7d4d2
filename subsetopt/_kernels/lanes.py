"""The least of the potentials that exchanges lead to, many of them compared at once."""

import numpy as np

from ._jit import reordered

LANES = 64


@reordered
def lane_minima(keys, row, minima):
    """Fill the minima, lane by lane, of keys less twice a row; returns the least.

    Candidates whose indices have the same remainder are in one lane: so the compiler compares many
    at once, which it does not where a minimum is that of neighbours.
    """
    n = keys.size
    full = n - n % LANES
    lanes = minima[:LANES]  # of a length that the compiler knows
    for lane in range(LANES):
        lanes[lane] = np.inf
    for first in range(0, full, LANES):
        a = keys[first : first + LANES]
        b = row[first : first + LANES]
        for lane in range(LANES):
            value = a[lane] - 2.0 * b[lane]
            lanes[lane] = value if value < lanes[lane] else lanes[lane]
    for c in range(full, n):
        value = keys[c] - 2.0 * row[c]
        lanes[c - full] = value if value < lanes[c - full] else lanes[c - full]
    least = np.inf
    for lane in range(LANES):
        least = lanes[lane] if lanes[lane] < least else least
    return least
