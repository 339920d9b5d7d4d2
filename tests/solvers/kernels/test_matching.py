"""The swap kernels against NumPy twins of a few lines."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subsetopt._kernels import _tiers, rng
from subsetopt._kernels import multiple_swaps as compiled_exchanges
from subsetopt._kernels import sum_matching as compiled_matching
from subsetopt.solvers.heuristics import _scalar_search

# What only kernels call cannot be called when it is compiled; that both are the same is tested too.
matching, exchanges = _tiers.module("sum_matching"), _tiers.module("multiple_swaps")
ALL = compiled_matching.ALL

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

KINDS = ("exponential", "normal", "ties", "constant", "wide", "huge", "tiny", "few")


def _values(kind: str, n: int, seed: int) -> Floats:
    generator = np.random.default_rng([seed, n])
    made: dict[str, Callable[[], Floats]] = {
        "exponential": lambda: generator.exponential(size=n),
        "normal": lambda: generator.normal(size=n),
        "ties": lambda: generator.integers(0, 3, n).astype(np.float64),
        "constant": lambda: np.full(n, 0.1),
        "wide": lambda: generator.normal(size=n) * 10.0 ** generator.integers(-30, 30, n),
        "huge": lambda: generator.normal(size=n) * 1e90,
        "tiny": lambda: generator.normal(size=n) * 1e-90,
        "few": lambda: generator.choice(np.array([0.0, 0.3, 1e3]), n),
    }
    return np.sort(made[kind]())


def _instances(seeds: int = 4) -> Iterator[tuple[Floats, int, float]]:
    """Yield (values, k, wanted) over all kinds, targets near, far and beyond reach."""
    for kind in KINDS:
        for seed in range(seeds):
            generator = np.random.default_rng(seed)
            n = int(generator.integers(2, 40))
            values = _values(kind, n, seed)
            for k in sorted({1, 2, n // 2, n - 1, n} - {0}):
                ends = float(values[:k].sum()), float(values[-k:].sum())
                for wanted in (k * float(values.mean()), *ends, ends[1] + 1.0 + abs(ends[1])):
                    yield values, min(k, n), wanted


def _rounding(values: Floats, wanted: float) -> float:
    return 1e-14 * (float(np.abs(values).sum()) + abs(wanted)) + 1e-300


def _marked(values: Floats, k: int, seed: int) -> Bools:
    chosen = np.zeros(values.size, dtype=np.bool_)
    chosen[np.random.default_rng(seed).choice(values.size, k, replace=False)] = True
    return chosen


def _room(chosen: Bools) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    k = int(chosen.sum())
    return np.empty(k, np.int64), np.empty(chosen.size - k, np.int64)


def _swap_errors(values: Floats, chosen: Bools, residual: float) -> Floats:
    """Return |residual after the swap| for all swaps, (free, chosen)."""
    table: Floats = np.abs(values[~chosen][:, None] - values[chosen][None, :] - residual)
    return table


def test_strided_start_is_k_distinct_positions_with_the_right_residual() -> None:
    for values, k, wanted in _instances():
        chosen = np.empty(values.size, dtype=np.bool_)
        residual = matching.strided_start(values, k, wanted, chosen)
        assert chosen.sum() == k
        assert abs(residual - (wanted - values[chosen].sum())) <= _rounding(values, wanted)


@pytest.mark.parametrize("n", [1, 2, 7, 128])
def test_strided_start_takes_the_middle_of_each_stratum(n: int) -> None:
    values = np.arange(n, dtype=np.float64)
    for k in range(1, n + 1):
        chosen = np.empty(n, dtype=np.bool_)
        matching.strided_start(values, k, k * (n - 1) / 2, chosen)
        expected = ((np.arange(k) + 0.5) * (n / k)).astype(np.int64)
        assert np.flatnonzero(chosen).tolist() == expected.tolist()


def test_strided_start_tilts_towards_far_targets() -> None:
    values = _values("exponential", 128, 0)
    span = values[-1] - values[0]
    for k in (4, 13, 64, 120):
        low, high = float(values[:k].sum()), float(values[-k:].sum())
        chosen = np.empty(128, dtype=np.bool_)
        for share in (0.02, 0.3, 0.8, 0.97):
            wanted = low + share * (high - low)
            assert abs(matching.strided_start(values, k, wanted, chosen)) <= 2 * span
        matching.strided_start(values, k, low - 1e6, chosen)
        assert np.flatnonzero(chosen).tolist() == list(range(k))
        matching.strided_start(values, k, high + 1e6, chosen)
        assert np.flatnonzero(chosen).tolist() == list(range(128 - k, 128))


def test_split_and_spread() -> None:
    for values, k, _ in _instances(2):
        chosen = _marked(values, k, 1)
        taken, free = _room(chosen)
        exchanges.split(chosen, taken, free)
        assert taken.tolist() == np.flatnonzero(chosen).tolist()
        assert free.tolist() == np.flatnonzero(~chosen).tolist()
        n = values.size
        quartiles = values[3 * n // 4] - values[n // 4]
        assert exchanges.spread(values) == (quartiles if quartiles > 0 else values[-1] - values[0])


def test_best_swap_is_the_best_of_all_pairs() -> None:
    for values, k, wanted in _instances():
        if k == values.size:
            continue
        chosen = _marked(values, k, k)
        taken, free = np.flatnonzero(chosen), np.flatnonzero(~chosen)
        residual = wanted - float(values[chosen].sum())
        error, i, j = matching.best_swap(values, taken, free, residual)
        assert error == _swap_errors(values, chosen, residual).min()
        assert error == abs(values[free[j]] - values[taken[i]] - residual)


def test_descend_ends_where_no_single_swap_helps() -> None:
    moved = 0
    for values, k, wanted in _instances():
        if k == values.size:
            continue
        chosen = _marked(values, k, k + 1)
        before = wanted - float(values[chosen].sum())
        residual, _ = matching.descend(values, chosen, before, 0.0, *_room(chosen), ALL)
        moved += residual != before
        assert chosen.sum() == k
        assert abs(residual) <= abs(before)
        assert abs(residual - (wanted - values[chosen].sum())) <= _rounding(values, wanted)
        assert residual == 0 or _swap_errors(values, chosen, residual).min() >= abs(residual)
    assert moved > 50


def test_descend_stops_within_the_tolerance() -> None:
    values = _values("exponential", 60, 0)
    chosen = _marked(values, 20, 0)
    before = chosen.copy()
    assert matching.descend(values, chosen, 0.4, 0.5, *_room(chosen), ALL) == (0.4, True)
    assert (chosen == before).all()


@pytest.mark.parametrize("name", ["double_swap", "quadruple_swap"])
def test_compound_swaps_keep_their_promises(name: str) -> None:
    kernel: Any = getattr(exchanges, name)
    improved = 0
    for values, k, wanted in _instances():
        n = values.size
        if not (4 <= k <= n - 4):
            continue
        chosen = _marked(values, k, 3)
        before = wanted - float(values[chosen].sum())
        if before == 0:
            continue
        state = rng.seeded(5)
        work = exchanges.room(n, k, 256)
        room = work[:2] if name == "quadruple_swap" else (work,)
        residual = kernel(values, chosen, before, 256, state, *room)
        assert chosen.sum() == k
        assert abs(residual) <= abs(before)
        assert abs(residual - (wanted - values[chosen].sum())) <= _rounding(values, wanted)
        improved += abs(residual) < abs(before)
    assert improved > 20


@pytest.mark.parametrize(("name", "factor"), [("double_swap", 20.0), ("quadruple_swap", 100.0)])
def test_compound_swaps_go_far_beyond_single_ones(name: str, factor: float) -> None:
    kernel: Any = getattr(exchanges, name)
    gains = []
    for seed in range(40):
        values = _values("exponential", 128, seed)
        wanted = 32 * float(values.mean())
        chosen = np.empty(128, dtype=np.bool_)
        start = matching.strided_start(values, 32, wanted, chosen)
        room = _room(chosen)
        single, _ = matching.descend(values, chosen, start, 0.0, *room, ALL)
        work = exchanges.room(128, 32, 4096)
        more = work[:2] if name == "quadruple_swap" else (work,)
        compound = kernel(values, chosen, single, 4096, rng.seeded(seed), *more)
        gains.append(abs(single) / max(abs(compound), 1e-300))
    assert np.median(gains) > factor


def test_double_swap_finds_the_pair_that_is_there() -> None:
    values = np.array([-40.0, -10.0, 0.0, 5.0, 20.0, 64.0])
    chosen = np.array([True, False, True, False, True, False])
    work = exchanges.room(6, 3, 4096)
    # -20 is held; -40 -> -10 and 20 -> 5 together change it by 15; no single swap does.
    residual = exchanges.double_swap(values, chosen, 15.0, 4096, rng.seeded(0), work)
    assert residual == 0.0
    assert values[chosen].sum() == -5.0


def _rounds(
    values: Floats, k: int, wanted: float, limit: float, pairs: int, quads: int, seed: int
) -> _scalar_search.Rounds:
    return _scalar_search.Rounds(values, k, wanted, limit, pairs, quads, rng.seeded(seed))


def test_rounds_keep_the_best_and_say_where_they_got_to() -> None:
    for values, k, wanted in _instances(2):
        if k == values.size:
            continue
        rounds = _rounds(values, k, wanted, 1e-9 * k * exchanges.spread(values), 64, 64, 1)
        rounds.start()
        before = rounds.residual
        done = rounds.run(0, 5)
        assert rounds.chosen.sum() == k
        assert 0 <= done <= 5
        assert abs(rounds.residual) <= abs(before) + _rounding(values, wanted)
        off = rounds.residual - (wanted - values[rounds.chosen].sum())
        assert abs(off) <= _rounding(values, wanted)
        assert done == 5 or rounds.content


@pytest.mark.parametrize("k", [12, 32, 64])
def test_rounds_reach_the_limit(k: int) -> None:
    for seed in range(20):
        values = _values("exponential", 128, seed)
        limit = 1e-8 * k * exchanges.spread(values)
        rounds = _rounds(values, k, k * float(values.mean()), limit, 4096, 8192, seed)
        rounds.start()
        assert rounds.run(0, 64) < 64
        assert abs(rounds.residual) <= limit


def test_a_round_without_what_to_combine_is_a_descent() -> None:
    values = _values("normal", 50, 2)
    one, two = _marked(values, 17, 0), _marked(values, 17, 0)
    rounds = _rounds(values, 17, 0.123, 0.0, 0, 0, 0)
    rounds.go(one)
    assert rounds.run(0, 1) == 1
    matching.descend(values, two, 0.123 - float(values[two].sum()), 0.0, *_room(two), ALL)
    assert (rounds.chosen == two).all()
    assert math.isclose(rounds.residual, 0.123 - values[two].sum(), abs_tol=1e-12)


def _states(tier: Any, values: Floats, k: int, wanted: float) -> Iterator[Any]:
    """Yield all that the kernels of a tier return and leave behind, one after another."""
    kernels, compound = tier
    chosen, trial = np.empty((2, values.size), np.bool_)
    state, work = rng.seeded(4), exchanges.room(values.size, k, 64)
    yield kernels.strided_start(values, k, wanted, chosen), chosen.tolist()
    residual, settled = kernels.settle(
        values, wanted, 0.0, True, state, chosen, trial, work[0], work[1], ALL
    )
    assert settled
    yield residual, trial.tolist(), state.tolist()
    if k >= 4 and values.size - k >= 4 and residual:
        residual = compound.quadruple_swap(values, trial, residual, 64, state, *work[:2])
        yield residual, trial.tolist(), state.tolist()
    if k < values.size and residual:
        yield compound.double_swap(values, trial, residual, 64, state, work), trial.tolist()
    order = np.random.default_rng(0).permutation(values.size)
    word = rng.seeded(2)[0]
    out = np.empty(k, np.int64)
    assert kernels.select_sorted(values.copy(), order, wanted / k, 1e-9, 4, 64, word, out)
    yield out.tolist()


def test_compiled_and_interpreted_do_the_same_to_the_last_bit() -> None:
    compiled = compiled_matching, compiled_exchanges
    for values, k, wanted in _instances(3):
        with np.errstate(all="ignore"):
            plain = list(_states((matching, exchanges), values, k, wanted))
        assert list(_states(compiled, values, k, wanted)) == plain


@pytest.mark.parametrize("magnitude", [1.0, 1e38, 1e-40, 1e99, 1e300, 1e-310, 5e-324, 0.0])
def test_scale_divides_by_a_power_of_two(magnitude: float) -> None:
    values = np.sort(np.array([3, -1, 2, 1, 1]) * magnitude / 3)
    scaled = values.copy()
    exponent = matching.scale(scaled)
    assert np.ldexp(scaled, exponent).tolist() == values.tolist()
    if 1e-100 < magnitude < 1e100 or magnitude == 0:
        assert exponent == 0
    else:
        assert 0.5 <= np.abs(scaled).max() < 1.0
    again, power = _scalar_search.in_range(values)
    assert (again.tolist(), power) == (scaled.tolist(), exponent)


def test_scale_leaves_alone_what_is_not_finite() -> None:
    for bad in (math.inf, math.nan):
        values = np.array([1e-300, bad])
        matching.scale(values)
        assert values[0] == 1e-300


def test_write_indices_undoes_the_sort() -> None:
    for values, k, _ in _instances(2):
        order = np.random.default_rng(0).permutation(values.size)
        chosen = _marked(values, k, 9)
        found = np.empty(k, np.int64)
        matching.write_indices(chosen, order, np.empty(values.size, np.bool_), found)
        assert found.tolist() == np.sort(order[chosen]).tolist()


def _select(losses: Floats, k: int, target: float = math.nan, seed: int = 0) -> NDArray[np.int64]:
    order = losses.argsort()
    out, word = np.empty(k, np.int64), rng.seeded(seed)[0]
    finite = compiled_matching.select_sorted(losses[order], order, target, 1e-6, 4, 896, word, out)
    return out if finite else out[:0]


def test_select_sorted_matches_its_target() -> None:
    for seed in range(20):
        losses = np.random.default_rng(seed).exponential(size=128)
        for target in (math.nan, float(losses.mean()), 0.4, 2.0):
            found = _select(losses, 32, target)
            wanted = losses.mean() if math.isnan(target) else target
            assert found.size == np.unique(found).size == 32
            assert (np.diff(found) > 0).all()
            assert abs(losses[found].mean() - wanted) <= 1e-5


def test_select_sorted_refuses_what_is_not_finite() -> None:
    for bad in (math.nan, math.inf, -math.inf):
        losses = np.array([1.0, bad, 2.0, 3.0])
        assert _select(losses, 2).size == 0


def test_select_rows_is_select_sorted_row_by_row_and_names_the_bad_row() -> None:
    losses = np.random.default_rng(0).exponential(size=(6, 30))
    order = losses.argsort(axis=1)
    targets = np.array([math.nan, 0.5, 1.0, math.nan, 2.0, 0.9])
    selected = np.empty((6, 7), np.int64)
    arguments = (7, targets, 1e-6, 4, 896, rng.seeded(3)[0], selected)
    rows = np.take_along_axis(losses, order, 1)
    assert compiled_matching.select_rows(rows, order, *arguments) == -1
    for row in range(6):
        assert selected[row].tolist() == _select(losses[row], 7, targets[row], 3).tolist()
    losses[4, 9] = math.nan
    order = losses.argsort(axis=1)
    rows = np.take_along_axis(losses, order, 1)
    assert compiled_matching.select_rows(rows, order, *arguments) == 4
