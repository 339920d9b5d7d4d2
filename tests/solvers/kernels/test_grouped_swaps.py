"""Four swaps within groups at once: counts stay, and the residual is what the selection has."""

import numpy as np
import pytest

from subsetopt._kernels import grouped_swaps, rng


@pytest.mark.parametrize("sizes", [(2, 2), (1, 3, 5), (8,) * 16, (32,) * 4, (400,)])
@pytest.mark.parametrize("seed", range(3))
def test_counts_stay_and_the_residual_shrinks(sizes: tuple[int, ...], seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = np.concatenate([np.sort(generator.normal(size=size)) for size in sizes])
    ends = np.cumsum(sizes)
    begins, group = ends - sizes, np.repeat(np.arange(len(sizes)), sizes)
    chosen = np.zeros(len(values), np.bool_)
    for begin, size in zip(begins, sizes, strict=True):
        chosen[begin + min(size - 1, 2) : begin + size : 4] = True
    wanted = float(values.mean()) * np.count_nonzero(chosen)
    state = rng.seeded(seed)
    residual = wanted - float(values[chosen].sum())
    counts = np.bincount(group[chosen])
    room = np.empty((2, 64), np.int64), np.empty((2, 64), np.int64)
    for _ in range(12):
        before = residual
        residual = grouped_swaps.quadruple_swap(
            values,
            begins,
            ends,
            group,
            chosen,
            np.flatnonzero(chosen),
            np.empty(len(values), np.bool_),
            residual,
            6.0 + abs(residual),
            state,
            *room,
            np.empty(2**12),
            np.empty(2**12, np.int32),
        )
        assert abs(residual) <= abs(before)
        np.testing.assert_array_equal(np.bincount(group[chosen]), counts)
        assert residual == pytest.approx(wanted - float(values[chosen].sum()), abs=1e-12)
    if len(values) >= 128:
        assert abs(residual) < 1e-4
