"""The kernels of the meet-in-the-middle search against enumeration."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import subset_sums

Whole = NDArray[np.int64]


def _ascending(seed: int, size: int, most: int = 60) -> Whole:
    return np.sort(np.random.default_rng([seed, size]).integers(-most, most, size))


def _lists() -> list[tuple[Whole, Whole]]:
    sizes = [(0, 0), (0, 3), (3, 0), (1, 1), (7, 12), (40, 25)]
    pairs = [(_ascending(s, a), _ascending(s + 9, b)) for s in range(3) for a, b in sizes]
    ties = np.array([5, 5, 5, 7, 7], dtype=np.int64)
    return [*pairs, (ties, ties), (np.array([2**61]), np.array([-(2**61), 2**61]))]


@pytest.mark.parametrize(("m", "most"), [(0, 2), (1, 0), (5, 2), (7, 7), (8, 20)])
def test_subset_keys_lists_every_subset_once(m: int, most: int) -> None:
    keys = np.random.default_rng(m).integers(0, 10**15, m)
    room = sum(comb(m, c) for c in range(min(m, most) + 1))
    sums, (parents, items, counts) = np.zeros(room, np.int64), np.zeros((3, room), np.int32)
    subset_sums.subset_keys(keys, most, sums, parents, items, counts)
    listed = set()
    for entry in range(room):
        subset, at = set(), entry
        while at:
            assert parents[at] < at
            subset.add(int(items[at]))
            at = int(parents[at])
        assert sums[entry] == sum(int(keys[i]) for i in subset)
        listed.add(frozenset(subset))
    everything = {frozenset(c) for size in range(most + 1) for c in combinations(range(m), size)}
    assert listed == everything
    assert len(listed) == room


@pytest.mark.parametrize(("x", "y"), _lists())
def test_counting_and_filling(x: Whole, y: Whole) -> None:
    every = sorted(int(a) + int(b) for a in x for b in y)
    for low, high in [(-200, 200), (-10, 11), (0, 1), (12, 12), (-500, -300), (2, 40)]:
        assert subset_sums.count_below(x, y, low) == sum(s < low for s in every)
        out = np.empty(len(every) + 1, np.int64)
        out[-1] = 77
        count = subset_sums.sums_between(x, y, low, high, out)
        assert sorted(out[:count].tolist()) == [s for s in every if low <= s < high]
        assert out[-1] == 77


@pytest.mark.parametrize(("x", "y"), _lists())
def test_closest_pairs(x: Whole, y: Whole) -> None:
    every = [(int(a) + int(b), int(a)) for a in x for b in y]
    for target in (-1000, -7, 0, 3, 19, 1000):
        below, x_below, above, x_above = subset_sums.closest_pairs(x, y, target)
        under = [target - s for s, _ in every if s <= target]
        over = [s - target for s, _ in every if s >= target]
        if under:
            assert below == min(under)
            assert (target - below, x_below) in every
        else:
            assert below == -1
        if 0 in under:
            continue  # an equal sum counts as below; what is then above is not needed
        if over:
            assert above == min(over)
            assert (target + above, x_above) in every
        else:
            assert above == -1


@pytest.mark.parametrize(("x", "y"), _lists())
def test_pairs_between(x: Whole, y: Whole) -> None:
    for low, high in [(-200, 200), (-3, 4), (5, 5), (1, 0)]:
        within = sorted((int(a), int(b)) for a in x for b in y if low <= int(a) + int(b) <= high)
        out = np.zeros((len(within) + 2, 2), np.int64)
        count = subset_sums.pairs_between(x, y, low, high, out)
        assert sorted(map(tuple, out[:count].tolist())) == within
        small = np.zeros((2, 2), np.int64)
        assert subset_sums.pairs_between(x, y, low, high, small) == len(within)


@pytest.mark.parametrize("size", [1, 2, 100, 5000])
@pytest.mark.parametrize("buckets", [1, 64, 4096])
@pytest.mark.parametrize("spread", [1, 1000, 2**61])
def test_keys_are_sorted_or_said_to_be_too_much_alike(size: int, buckets: int, spread: int) -> None:
    keys = np.random.default_rng([size, buckets]).integers(-spread, spread, size)
    out, ends = np.zeros(size, np.int64), np.empty(buckets, np.int32)
    width = (int(keys.max()) - int(keys.min())).bit_length() - (buckets.bit_length() - 1)
    crowd = np.bincount((keys - keys.min()) >> max(0, width)).max()
    if subset_sums.sort_keys(keys, ends, out):
        assert out.tolist() == sorted(keys.tolist())
        assert crowd <= subset_sums._CROWD
    else:
        assert crowd > subset_sums._CROWD
        assert not out.any()
