"""The dynamic program against enumeration."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import reachable

Whole = NDArray[np.int64]


def _table(values: Whole, k: int, width: int) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    first = np.full((k + 1, width), reachable.UNREACHED, dtype=np.int32)
    bits = np.zeros((k + 1, width // 64 + 1), dtype=np.uint64)
    first[0, 0] = 0
    bits[0, 0] = 1
    return first, bits


def _instances() -> list[tuple[Whole, int, int]]:
    generator = np.random.default_rng(0)
    random = [
        (generator.integers(0, most, n), k, width)
        for most, n, k, width in [(9, 8, 3, 40), (200, 9, 4, 500), (70, 7, 7, 130), (64, 8, 2, 129)]
    ]
    special = [[0, 0, 0, 5], [64, 128, 192, 1], [7] * 6, [63, 64, 65, 1, 0], [1000, 3]]
    return random + [(np.array(v, dtype=np.int64), 3 if len(v) > 2 else 2, 260) for v in special]


@pytest.mark.parametrize(("values", "k", "width"), _instances())
@pytest.mark.parametrize("step", [1, 3, 100])
def test_reach_is_what_enumeration_reaches(values: Whole, k: int, width: int, step: int) -> None:
    first, bits = _table(values, k, width)
    for begin in range(0, values.size, step):
        reachable.reach(values, begin, min(begin + step, values.size), first, bits)
    for count in range(k + 1):
        sums = {int(values[list(c)].sum()) for c in combinations(range(values.size), count)}
        sums = {total for total in sums if total < width}
        found = set(np.flatnonzero(first[count] != reachable.UNREACHED).tolist())
        assert found == sums
        in_bits = {s for s in range(width) if int(bits[count, s // 64]) >> (s % 64) & 1}
        assert in_bits == sums
        for total in sums:
            items = np.empty(count, np.int64)
            reachable.subset(values, first, total, items)
            assert len(set(items.tolist())) == count
            assert int(values[items].sum()) == total
        for low in (-1, 0, 5, width // 2, width - 1):
            below, above = reachable.nearest(first, count, low)
            assert below == max((s for s in sums if s <= low), default=-1)
            assert above == min((s for s in sums if s > low), default=-1)
