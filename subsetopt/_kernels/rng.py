"""A small random generator for kernels: seeded explicitly, no global state.

All kernels that search at random draw from it. Seeding is splitmix64 (Steele, Lea & Flood 2014),
the generator xorshift64* (Vigna 2016). Numba's own generator has a hidden state for each thread,
and is not the one that the interpreter draws from.
"""

import numpy as np
from numpy.typing import NDArray

from ._jit import inner

_WORD = 2**64 - 1


def seeded(seed: int) -> NDArray[np.uint64]:
    """Return the state for a seed: splitmix64, so that small seeds give unlike streams."""
    z = (seed + 0x9E3779B97F4A7C15) & _WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _WORD
    # xorshift leaves a state of 0 at 0 for ever; an odd one never comes there.
    return np.array([z ^ (z >> 31) | 1], np.uint64)


@inner
def below(state, n):
    """Return an integer in [0, n) (xorshift64*, multiply and shift; n < 2**31)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    # The low bits of the product are weak. 31 of them times n stay within 62
    # bits; without rejection a value is off its probability 1 / n by less than 2**-31.
    high = (x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)
    return np.int64((high * np.uint64(n)) >> np.uint64(31))
