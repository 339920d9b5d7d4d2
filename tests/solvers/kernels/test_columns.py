"""The kernels on columns, strata and the tilted relaxation against NumPy twins of a few lines."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import _tiers, rng, row_swaps, strata, tilted

Floats = NDArray[np.float64]
FOREVER = 2**40


def _lay_out(rows: Any, places: Any, standardise: bool, rounding: float, laid: Any) -> float:
    room = np.empty(laid.shape, rows.dtype), *np.empty((2, len(laid)))
    return float(row_swaps.lay_out(rows, places, standardise, rounding, laid, *room))


def _exchange(laid: Any, places: Any, k: int, width: int, *told: float) -> tuple[float, int]:
    room = np.empty(len(laid)), np.empty(len(laid), np.float32), np.empty(width, np.float32)
    groups = tuple(np.array([[0], [k], [laid.shape[1]]]))
    value, looked = row_swaps.exchange(laid, places, groups, width, *told, *room)
    return float(value), int(looked)


def _strata_of(laid: Any, most: int, stratum: Any, first: Any) -> int:
    mixed, held = np.sin(1.0 + 12.9898 * np.arange(len(laid))), np.full(8 * most, -1)
    room = mixed, held, np.empty(most), np.empty(strata.BLOCK)
    return int(strata.strata_of(laid, stratum, first[:most], *room))


def _apportion(laid: Any, k: int, stratum: Any, first: Any, turns: int) -> Any:
    (d, _), count = laid.shape, len(first)
    wanted, free = np.zeros((2, count), np.int64)
    room = np.zeros(d), np.empty(d, np.float32), np.empty(count, np.float32)
    kinds = np.empty((d, count), np.float32)
    strata.apportion(laid, k, stratum, first, turns, kinds, wanted, free, *room)
    return wanted


def _filled(places: Any, stratum: Any, wanted: Any, k: int) -> Any:
    taken = np.empty(k, np.int64)
    strata.fill(places, stratum, wanted.copy(), taken)
    return taken


def _laid(n: int, d: int, seed: int, levels: int = 0) -> tuple[Any, NDArray[np.int64]]:
    """Return centred columns (d, n), of few levels or Gaussian, and the places."""
    drawn = np.random.default_rng([seed, n, d])
    rows: Any = drawn.integers(levels, size=(n, d)) if levels else drawn.normal(size=(n, d))
    places, laid = np.arange(n), np.empty((d, n), np.float32)
    _lay_out(rows.astype(np.float64), places, False, 0.0, laid)
    return laid, places


def _value(laid: Any, k: int) -> float:
    return float(np.square(laid[:, :k].sum(axis=1, dtype=np.float64)).sum())


def test_shuffle_is_a_fair_permutation() -> None:
    state, places, counts = rng.seeded(0), np.empty(6, np.int64), np.zeros((6, 6))
    for _ in range(3000):
        row_swaps.shuffle(places, state)
        assert sorted(places) == list(range(6))
        counts[np.arange(6), places] += 1
    assert np.abs(counts - 500).max() < 110


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [2, 63, 200])
def test_lay_out(dtype: type, n: int) -> None:
    drawn = np.random.default_rng(n)
    rows: Any = (drawn.normal(size=(n, 5)) * [1, 1e3, 1e-3, 0, 1] + [0, 5, 0, 0.1, 3]).astype(dtype)
    places, laid = drawn.permutation(n), np.empty((5, n), np.float32)
    varying = [0, 1, 2, 4]
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    centred[:, 3] = 0.0
    square = _lay_out(rows, places, True, float(np.finfo(dtype).eps), laid)
    wanted = centred[places][:, varying] / centred.std(axis=0)[varying]
    np.testing.assert_allclose(laid[varying].T, wanted, rtol=1e-4, atol=1e-4)
    assert not laid[3].any()
    assert square == pytest.approx(4.0, rel=1e-5)
    square = _lay_out(rows, places, False, 0.0, laid)
    wanted = centred[places] / np.abs(centred).max()
    np.testing.assert_allclose(laid.T, wanted, atol=1e-6)
    assert square == pytest.approx(np.square(wanted).sum(axis=1).mean(), rel=1e-5)


@pytest.mark.parametrize("value", [0.0, 1e308, 1e-310, np.inf, np.nan])
@pytest.mark.parametrize("standardise", [False, True])
def test_columns_are_finite_whatever_the_rows_are(value: float, standardise: bool) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3))
    rows[:, 1] *= 1e-3
    rows[::2, 1] = value
    laid = np.full((3, 20), np.nan, np.float32)
    square = _lay_out(rows, np.arange(20), standardise, 2.0**-52, laid)
    assert np.isfinite(laid).all()
    assert np.isfinite(square)


@pytest.mark.parametrize("d", [1, 2, 4, 5, 8, 11])
def test_nearest(d: int) -> None:
    laid, _ = _laid(50, d, 0)
    vector, squares = laid[:, 3] * np.float32(2.0), np.empty(50, np.float32)
    wanted = np.square(laid[:, 7:40].astype(np.float64) + vector[:, None]).sum(axis=0)
    best = _tiers.module("row_swaps").nearest(laid, vector, 7, 40, squares)
    np.testing.assert_allclose(squares[:33], wanted, rtol=1e-5)
    assert best == squares[:33].min()


@pytest.mark.parametrize(("n", "d", "k"), [(9, 1, 3), (24, 3, 8), (40, 4, 1), (40, 4, 39)])
@pytest.mark.parametrize("width", [1, 5, 64])
@pytest.mark.parametrize("levels", [0, 3])
def test_exchanges_end_where_none_helps(n: int, d: int, k: int, width: int, levels: int) -> None:
    laid, places = _laid(n, d, 1, levels)
    before = laid.copy()
    value, _ = _exchange(laid, places, k, width, FOREVER, FOREVER, 0.0)
    assert sorted(places) == list(range(n))
    np.testing.assert_array_equal(laid, before[:, places])
    assert value == pytest.approx(_value(laid, k), rel=1e-9, abs=1e-12)
    total = laid[:, :k].sum(axis=1, dtype=np.float64)
    pairs = product(range(k), range(k, n))
    best = min(float(np.square(total + laid[:, j] - laid[:, i]).sum()) for i, j in pairs)
    assert best >= value * (1 - 1e-4) - 1e-12


@pytest.mark.parametrize("sizes", [(9,), (1, 4, 30), (20, 20, 20), (300, 5)])
@pytest.mark.parametrize("width", [3, 256])
def test_exchanges_within_groups_end_where_none_helps(sizes: tuple[int, ...], width: int) -> None:
    n, d = sum(sizes), 3
    laid, places = _laid(n, d, 1)
    before, ends = laid.copy(), np.cumsum(sizes)
    begins, counts = ends - sizes, np.array([max(1, size // 3) for size in sizes])
    counts[-1] = sizes[-1] if len(sizes) == 3 else counts[-1]  # a group of which all are chosen
    room = np.empty(d), np.empty(d, np.float32), np.empty(width, np.float32)
    told = (begins, counts, ends), width, FOREVER, FOREVER, 0.0
    value, _ = row_swaps.exchange(laid, places, *told, *room)
    np.testing.assert_array_equal(laid, before[:, places])
    group = np.repeat(np.arange(len(sizes)), sizes)
    np.testing.assert_array_equal(group[places], group)  # nobody has left the group
    chosen = np.arange(n) - begins[group] < counts[group]
    total = laid[:, chosen].sum(axis=1, dtype=np.float64)
    assert value == pytest.approx(float(np.square(total).sum()), abs=1e-4)
    for g, (begin, count, end) in enumerate(zip(begins, counts, ends, strict=True)):
        out, into = laid[:, begin : begin + count], laid[:, begin + count : end]
        moved = total[:, None, None] - out[:, :, None] + into[:, None, :]
        helped = np.square(moved).sum(axis=0)
        assert not helped.size or helped.min() >= value * (1 - 1e-4) - 1e-6, g


def test_exchanges_stop_when_told() -> None:
    laid, places = _laid(300, 6, 0)
    start = _value(laid, 80)
    for told in ((0, FOREVER, 0.0), (FOREVER, 0, 0.0), (FOREVER, FOREVER, 2 * start)):
        value, looked = _exchange(laid, places, 80, 32, *told)
        assert value == pytest.approx(start)
        assert looked == 0
    value, looked = _exchange(laid, places, 80, 32, FOREVER, 1000, 0.0)
    assert 1000 <= looked <= 1032
    assert value < 0.1 * start
    value, _ = _exchange(laid, places, 80, 32, FOREVER, FOREVER, 1e-3 * start)
    assert value <= 1e-3 * start
    _, looked = _exchange(laid, places, 80, 32, 1, FOREVER, 0.0)
    assert looked <= 80 * 220


def test_greedy_takes_what_the_twin_takes() -> None:
    laid, places = _laid(40, 3, 2)
    rows: Any = laid.T.astype(np.float64)
    taken: list[int] = []
    for _ in range(12):
        lengths = np.square(rows[taken].sum(axis=0) + rows).sum(axis=1)
        lengths[taken] = np.inf
        taken.append(int(lengths.argmin()))
    row_swaps.take_greedily(
        laid, places, 12, np.zeros(3), np.empty(3, np.float32), np.empty(40, np.float32)
    )
    assert places[:12].tolist() == taken


# -- strata ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [1, 2, 4])
def test_strata(levels: int) -> None:
    laid, places = _laid(200, 3, 0, levels)
    stratum, first = np.empty(200, np.int64), np.empty(100, np.int64)
    count = _strata_of(laid, 100, stratum, first)
    assert count == len(np.unique(laid, axis=1).T)
    np.testing.assert_array_equal(laid, laid[:, first[stratum]])
    assert (np.diff(first[:count]) > 0).all()
    few = max(1, count - 1)
    found = _strata_of(laid, few, stratum, first[:few])
    assert found == (1 if count == 1 else -1)
    k = 60
    _strata_of(laid, 100, stratum, first)
    chosen = _apportion(laid, k, stratum, first[:count], FOREVER)
    assert chosen.sum() == k
    taken = _filled(places, stratum, chosen, k)
    assert len(set(taken.tolist())) == k
    np.testing.assert_array_equal(np.bincount(stratum[taken], minlength=count), chosen)
    assert set(taken.tolist()) <= set(places.tolist())
    # No exchange between strata helps.
    kinds = laid[:, first[:count]].astype(np.float64)
    value = np.square(kinds @ chosen).sum()
    free = np.bincount(stratum, minlength=count) - chosen
    for s, other in product(np.flatnonzero(chosen), np.flatnonzero(free)):
        moved = chosen.copy()
        moved[s] -= 1
        moved[other] += 1
        assert np.square(kinds @ moved).sum() >= value * (1 - 1e-5) - 1e-9


def test_labels_are_strata_in_every_block() -> None:
    y = np.random.default_rng(0).integers(100, size=1003)
    places, laid = np.random.default_rng(1).permutation(1003), np.empty((100, 1003), np.float32)
    _lay_out(np.eye(100, dtype=np.float32)[y], places, True, 1e-7, laid)
    stratum, first = np.empty(1003, np.int64), np.empty(128, np.int64)
    assert _strata_of(laid, 128, stratum, first) == 100
    np.testing.assert_array_equal(y[places], y[places[first[stratum]]])


def test_no_turns_leave_the_start() -> None:
    laid, places = _laid(100, 2, 0, 3)
    stratum, first = np.empty(100, np.int64), np.empty(50, np.int64)
    count = _strata_of(laid, 50, stratum, first)
    chosen = _apportion(laid, 30, stratum, first[:count], 0)
    np.testing.assert_array_equal(chosen, np.bincount(stratum[:30], minlength=count))
    assert _filled(places, stratum, chosen, 30).tolist() == list(range(30))


# -- the tilted relaxation ------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 50, 1000])
@pytest.mark.parametrize("levels", [1, 3, 0])
def test_mark_smallest(n: int, levels: int) -> None:
    drawn = np.random.default_rng(n)
    scores = (drawn.integers(levels, size=n) if levels else drawn.normal(size=n)).astype(np.float32)
    marks = np.empty(n, np.float32)
    mark_smallest = _tiers.module("tilted").mark_smallest
    for k in {1, n // 3 + 1, n}:
        mark_smallest(scores, k, marks)
        wanted = np.zeros(n)
        wanted[np.argsort(scores, kind="stable")[:k]] = 1.0
        np.testing.assert_array_equal(marks, wanted)


def test_relaxed_solution_beside_its_twin() -> None:
    n, d, k, steps = 60, 4, 20, 7
    laid, _ = _laid(n, d, 0)
    rows, places = laid.T.astype(np.float64), np.arange(n)
    noise, weights, *room = np.empty((4, n), np.float32)
    tilt, state = np.float32(0.3), rng.seeded(1)
    room += [*np.empty((2, d), np.float32)]
    tilted.start(laid, places, k, tilt, steps, state, noise, weights, *room)
    assert 0.0 <= noise.min() < 0.2 < 0.8 < noise.max() < 1.0

    def vertex(scores: Floats) -> Floats:
        marks = np.zeros(n)
        marks[np.argsort(scores)[:k]] = 1.0
        return marks

    m = vertex(-noise.astype(np.float64))
    for _ in range(steps):
        gradient = rows @ (m @ rows) - 0.3 * noise
        towards = vertex(gradient) - m
        length = -(gradient @ towards) / np.square(towards @ rows).sum()
        m = m + min(1.0, max(0.0, length)) * towards
    np.testing.assert_allclose(weights, m, atol=1e-4)
    assert set(places[:k].tolist()) == set(np.argsort(-m - 1e-6 * noise)[:k].tolist())
    np.testing.assert_array_equal(laid, rows[places].T.astype(np.float32))
