"""A small random generator for kernels: seeded explicitly, no global state."""

import numpy as np
from numba import uint64

from subsetopt.compiled import njit


@njit(cache=True, nogil=True)
def seeded(seed):
    """Return the state for a seed: splitmix64, so that small seeds give unlike streams."""
    z = uint64(seed) + uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    state = np.empty(1, np.uint64)
    state[0] = (z ^ (z >> uint64(31))) | uint64(1)
    return state


@njit(cache=True, nogil=True)
def below(state, n):
    """Return a whole number in 0..n-1 (xorshift64*, multiply and shift; n < 2**31)."""
    x = state[0]
    x ^= x >> uint64(12)
    x ^= x << uint64(25)
    x ^= x >> uint64(27)
    state[0] = x
    high = (x * uint64(0x2545F4914F6CDD1D)) >> uint64(33)
    return np.int64((high * uint64(n)) >> uint64(31))
