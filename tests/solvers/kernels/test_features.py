"""The kernels on vectors against NumPy twins of a few lines."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import zero_sum_rows

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def _rows(n: int, d: int, seed: int) -> Floats:
    rows = np.random.default_rng([seed, n, d]).normal(size=(n, d))
    if seed % 3 == 1:
        rows = np.round(rows)  # ties
    if seed % 3 == 2:
        rows *= 1e40
    return rows


def _greedy(rows: Floats, k: int) -> set[int]:
    chosen: set[int] = set()
    total = np.zeros(rows.shape[1])
    for _ in range(k):
        norms = np.square(total + rows).sum(axis=1)
        norms[list(chosen)] = np.inf
        pick = int(norms.argmin())
        chosen.add(pick)
        total += rows[pick]
    return chosen


def _extended(rows: Floats, k: int) -> Bools:
    """Return the greedy selection, in two calls."""
    norms, total = np.empty(len(rows)), np.zeros(rows.shape[1])
    zero_sum_rows.squared_norms(rows, norms)
    chosen = np.zeros(len(rows), dtype=np.bool_)
    for steps in (k // 2, k - k // 2):
        zero_sum_rows.extend(rows, norms, steps, chosen, total)
    return chosen


@pytest.mark.parametrize("d", [1, 3, 8, 33])
def test_products(d: int) -> None:
    rows = _rows(20, d, 0)
    vector = np.random.default_rng(d).normal(size=d)
    out = np.empty(20)
    zero_sum_rows.products(rows, vector, out)
    np.testing.assert_allclose(out, rows @ vector, rtol=1e-12, atol=1e-12)


def test_products_keep_nan_and_infinity() -> None:
    out = np.empty(2)
    zero_sum_rows.products(np.array([[1.0, np.nan], [1.0, np.inf]]), np.ones(2), out)
    assert np.isnan(out[0])
    assert out[1] == np.inf


@pytest.mark.parametrize(("n", "d"), [(1, 1), (9, 1), (12, 2), (30, 5)])
def test_greedy_takes_what_the_twin_takes(n: int, d: int) -> None:
    for seed in (0, 2, 3, 5):  # without ties
        rows = _rows(n, d, seed)
        for k in {1, n // 2, n} - {0}:
            chosen = _extended(rows, k)
            assert set(np.flatnonzero(chosen).tolist()) == _greedy(rows, k)


def test_greedy_chooses_k_even_where_all_is_alike() -> None:
    for rows in (np.zeros((7, 2)), np.full((7, 2), 1e200), np.full((7, 2), 1e-200)):
        assert _extended(rows, 4).sum() == 4


def test_total_of() -> None:
    rows = _rows(15, 4, 0)
    chosen = np.random.default_rng(0).random(15) < 0.5
    total = np.ones(4)
    zero_sum_rows.total_of(rows, chosen, total)
    np.testing.assert_allclose(total, rows[chosen].sum(axis=0))


@pytest.mark.parametrize("work", [0, 30, 10**6])
@pytest.mark.parametrize("seed", range(6))
def test_sweeps_end_where_no_exchange_helps(seed: int, work: int) -> None:
    n, d, k = 24, 3, 8
    rows = _rows(n, d, seed)
    norms = np.square(rows).sum(axis=1)
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[:k] = True
    total = rows[chosen].sum(axis=0)
    similarity = rows @ total
    before = total @ total
    for _ in range(100):
        members = np.flatnonzero(chosen)
        gram = rows[members] @ rows.T
        at, exchanges = 0, 0
        while at < k:
            at, more, stale = zero_sum_rows.sweep(
                rows, members, gram, norms, at, work, chosen, total, similarity
            )
            assert stale == (more > 0 and n * d > work)
            if stale:
                zero_sum_rows.products(rows, total, similarity)
            exchanges += more
        assert chosen.sum() == k
        scale = np.sqrt(norms.max())
        np.testing.assert_allclose(total, rows[chosen].sum(axis=0), atol=1e-12 * n * scale)
        np.testing.assert_allclose(similarity, rows @ total, atol=1e-11 * n * scale**2)
        assert total @ total <= before
        assert (total @ total < before) == (exchanges > 0)
        before = total @ total
        if exchanges == 0:
            break
    else:
        pytest.fail("exchanges go on for ever")
    pairs = product(np.flatnonzero(chosen), np.flatnonzero(~chosen))
    best = min(float(np.square(total + rows[j] - rows[i]).sum()) for i, j in pairs)
    assert best >= before - 1e-10 * norms.max()
