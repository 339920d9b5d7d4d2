"""A random number for each row, which its number and the seed alone decide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 2**20
_PER_STEP = 4  # numbers of Philox for one step of its counter


@dataclass(frozen=True)
class RowKeys:
    """Keys of rows: a sample are the rows of the least.

    They come from a generator with a counter (Philox; Salmon, Moraes, Dror & Shaw, SC 2011), so
    that any rows' are there without those before: the sample is the same whatever the blocks, parts
    and workers that read them.

    Parameters
    ----------
    seed : int
    stream : int
        Sources with other streams have other keys.
    """

    seed: int
    stream: int = 0

    def of(self, first: int, count: int) -> NDArray[np.float64]:
        """Return the keys in [0, 1) of `count` rows from row `first` on; O(count)."""
        key = np.random.SeedSequence([self.seed, self.stream]).generate_state(2, np.uint64)
        bits = np.random.Philox(key=key)
        bits.advance(first // _PER_STEP)
        skipped = first % _PER_STEP
        return np.random.Generator(bits).random(skipped + count)[skipped:]

    def limit(self, n: int, size: int) -> float:
        """Return what the keys of `size` of n rows are below, and no others; O(n), no row is read.

        Infinity where there are no more rows than that.
        """
        if n <= size:
            return float("inf")
        share = (size + 1) / n
        while True:
            share += 6.0 * float(np.sqrt(share / n))
            parts = (self.of(at, min(_AT_ONCE, n - at)) for at in range(0, n, _AT_ONCE))
            least = np.concatenate([keys[keys < share] for keys in parts])
            if len(least) > size:
                return float(np.partition(least, size)[size])
