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


@pytest.mark.parametrize("sizes", [(1,), (2, 2), (1, 3, 5), (8,) * 16, (32,) * 4])
@pytest.mark.parametrize("seed", range(3))
def test_a_start_and_rounds_keep_any_counts(sizes: tuple[int, ...], seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = np.concatenate([np.sort(generator.exponential(size=size)) for size in sizes])
    ends = np.cumsum(sizes)
    begins, group = ends - sizes, np.repeat(np.arange(len(sizes)), sizes)
    counts = generator.integers(0, np.array(sizes) + 1)
    counts[0] = max(1, counts[0])
    wanted, n = float(values.mean()) * counts.sum(), len(values)
    chosen = np.empty(n, np.bool_)
    where = values, begins, ends
    residual = grouped_swaps.start(*where, counts, wanted, chosen)
    room = (
        *np.empty((3, n), np.int64),
        np.empty(n, np.bool_),
        *(np.empty((2, 64), np.int64) for _ in range(2)),
        np.empty(2**12),
        np.empty(2**12, np.int32),
        6.0,
    )
    order, state = np.arange(len(sizes)), rng.seeded(seed)
    for kicked in (False, False, True, True):
        np.testing.assert_array_equal(np.bincount(group[chosen], minlength=len(sizes)), counts)
        assert residual == pytest.approx(wanted - float(values[chosen].sum()), abs=1e-9)
        before = residual
        residual = grouped_swaps.improve(
            *where, group, order, chosen, wanted, 0.0, kicked, state, room
        )
        assert kicked or abs(residual) <= abs(before)
    assert sorted(order) == list(range(len(sizes)))
    if n >= 128:
        assert abs(residual) < 1e-4
