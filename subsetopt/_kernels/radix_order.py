"""Sorting by the bytes of 32-bit keys, each with its place in the lower half of one 64-bit word.

One turn of `count` and `scatter` for each byte, the lowest first, keeps the order of equal bytes
(least significant digit first; Knuth, The Art of Computer Programming 3, 5.2.5). Threads share a
turn: each counts and scatters a range of its own, to places that are reserved for it. Called by
`solvers._ordering`.
"""

import numpy as np

from ._jit import kernel


@kernel
def pack(bits, first, words):
    """Fill `words` (n,) from float32 numbers given by their `bits` (n,); the first is `first`."""
    sign = np.uint64(0x80000000)
    ones = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    for i in range(bits.size):
        word = np.uint64(bits[i])
        # So that they ascend as the numbers do: of negative ones all bits are turned.
        word = word ^ ones if word & sign else word | sign
        words[i] = word << half | np.uint64(first + i)


@kernel
def count(words, shift, counts):
    """Count how often each byte (256,) occurs, so many bits from the lowest."""
    by = np.uint64(shift)
    byte = np.uint64(255)
    for i in range(256):
        counts[i] = 0
    for i in range(words.size):
        counts[words[i] >> by & byte] += 1


@kernel
def scatter(words, shift, places, sorted_words):
    """Put each word where its byte has its next place (256,), which moves on."""
    by = np.uint64(shift)
    byte = np.uint64(255)
    for i in range(words.size):
        digit = words[i] >> by & byte
        sorted_words[places[digit]] = words[i]
        places[digit] += 1


@kernel
def insert(values, order, most):
    """Sort nearly ascending values, and their places, by at most so many moves; whether it did."""
    for i in range(1, values.size):
        value = values[i]
        if value < values[i - 1]:
            place = order[i]
            j = i
            while j > 0 and value < values[j - 1]:
                values[j] = values[j - 1]
                order[j] = order[j - 1]
                j -= 1
            values[j] = value
            order[j] = place
            most -= i - j
            if most < 0:
                return False
    return True
