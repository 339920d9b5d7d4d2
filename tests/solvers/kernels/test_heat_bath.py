"""Annealing: its bookkeeping against what is computed afresh, and the law that it draws by."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt._kernels import constrained_heat_bath, heat_bath, rng
from subsetopt.models import QuadraticForm
from subsetopt.solvers._deadline import NEVER
from subsetopt.solvers.heuristics import _annealing
from subsetopt.solvers.heuristics._annealing import Annealings
from subsetopt.solvers.heuristics._constrained_search import ConstrainedWalks
from subsetopt.solvers.heuristics._quadratic_steps import arrays, refresh


def _form(n: int, k: int, dtype: Any = np.float64) -> QuadraticForm:
    generator = np.random.default_rng([n, k])
    points = generator.normal(size=(n, 3))
    matrix = np.exp(-((points[:, None] - points) ** 2).sum(axis=2)).astype(dtype)
    return QuadraticForm(matrix, generator.normal(size=n), k)


def _value(form: QuadraticForm, mask: Any) -> float:
    return refresh(arrays(form), mask, np.empty(form.n), NEVER)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "k"), [(12, 3), (40, 39), (64, 1), (200, 20), (129, 60), (1100, 30)])
def test_the_state_is_what_is_computed_afresh(n: int, k: int, dtype: Any) -> None:
    form = _form(n, k, dtype)
    chosen, potentials = np.zeros(n, np.bool_), np.empty(n)
    chosen[:k] = True
    start = refresh(arrays(form), chosen, potentials, NEVER)
    annealings = Annealings(n, k, rng.seeded(1), alike=True)  # of 1100 those near are looked at
    annealings.begin(chosen, potentials, 0.5)
    while not annealings.look(arrays(form).matrix, 700):
        best, last = annealings.met()
        assert best.sum() == last.sum() == k
        fresh = np.empty(n)
        value = refresh(arrays(form), last, fresh, NEVER)
        keys, standing, members = annealings._arrays[:3]
        np.testing.assert_allclose(keys, np.where(last, np.inf, fresh), atol=1e-9)
        np.testing.assert_allclose(standing, fresh[members], atol=1e-9)
        assert start + annealings._numbers[heat_bath.VALUE] == pytest.approx(value, abs=1e-9)
        assert start + annealings.least == pytest.approx(_value(form, best), abs=1e-9)
        assert annealings.least <= 0.0
    assert start + annealings.least < start  # of so many looks some have led down


def test_selections_are_drawn_in_proportion_to_their_weight() -> None:
    form, looks, temperature = _form(7, 3), 40_000, 0.8
    annealings = Annealings(7, 3, rng.seeded(5))
    chosen, potentials = np.zeros(7, np.bool_), np.empty(7)
    chosen[:3] = True
    refresh(arrays(form), chosen, potentials, NEVER)
    annealings.begin(chosen, potentials, 0.0)
    annealings._numbers[heat_bath.TEMPERATURE] = temperature
    counts: dict[tuple[int, ...], int] = {}
    for _ in range(looks):
        annealings._looks[:] = 1, 4, 1000  # three looks, none of which changes the temperature
        heat_bath.anneal(arrays(form).matrix, *annealings._arrays)
        at = tuple(sorted(annealings._arrays[2].tolist()))
        counts[at] = counts.get(at, 0) + 1
    assert annealings._numbers[heat_bath.TEMPERATURE] == temperature
    everything = list(combinations(range(7), 3))
    masks = np.zeros((len(everything), 7), np.bool_)
    np.put_along_axis(masks, np.array(everything), True, axis=1)
    weights = np.exp(-np.array([_value(form, mask) for mask in masks]) / temperature)
    expected = looks * weights / weights.sum()
    seen = np.array([counts.get(at, 0) for at in everything])
    # Draws depend on the one before, so that the statistic is above that of independent ones.
    assert ((seen - expected) ** 2 / expected).sum() < 3 * len(everything)


def test_the_share_of_exchanges_is_what_it_should_be() -> None:
    form = _form(400, 40)
    chosen, potentials = np.zeros(400, np.bool_), np.empty(400)
    chosen[:40] = True
    refresh(arrays(form), chosen, potentials, NEVER)
    annealings = Annealings(400, 40, rng.seeded(2))
    annealings.begin(chosen, potentials, 1.0)
    annealings._shares[:] = 0.2, 0.2
    annealings._looks[:] = 0, 0, 64_000
    left = 0.0
    for turn in range(1000):
        annealings.look(arrays(form).matrix, 64)
        left += annealings._numbers[heat_bath.LEFT] if turn >= 200 else 0.0
    assert left / (800 * 64) == pytest.approx(0.2, abs=0.02)


def test_those_near_are_the_largest_of_groups_without_oneself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_annealing, "_MANY", 1024)
    form, chosen, potentials = _form(1111, 9), np.zeros(1111, np.bool_), np.empty(1111)
    chosen[:9] = True
    refresh(arrays(form), chosen, potentials, NEVER)
    annealings = Annealings(1111, 9, rng.seeded(1), alike=True)
    annealings.begin(chosen, potentials, 0.5)
    annealings.look(arrays(form).matrix, 100)
    lists, listed = annealings._arrays[3:5]
    assert listed[chosen].all()
    others = form.matrix - 2.0 * np.eye(1111)  # nobody is near oneself
    groups = others[:, : 1111 // 64 * 64].reshape(1111, -1, 64)
    expected = 64 * groups.argmax(axis=1) + np.arange(64)
    np.testing.assert_array_equal(lists[listed], expected[listed])
    assert (expected == others.argmax(axis=1)[:, None]).any(axis=1).mean() > 0.9


def _constrained(seed: int) -> Any:
    generator = np.random.default_rng(seed)
    n, k = 60, 12
    rules = so.Constraints(
        quotas=[
            so.Quota(np.arange(n) % 4, exactly=3),
            so.Quota(generator.integers(0, 3, n), at_least=1, at_most=8),
        ],
        costs=generator.integers(0, 5, n).astype(float),
        budget=40.0,
        conflicts=[(0, 4), (8, 12), (1, 5)],
    )
    return so.MMDSelection(generator.normal(size=(n, 3)), k, constraints=rules)


@pytest.mark.parametrize("seed", range(4))
def test_constraints_are_kept_by_what_is_kept(seed: int) -> None:
    problem = _constrained(seed)
    form = problem.quadratic_form()
    search = ConstrainedWalks(form, seed, None, None, -np.inf)
    search.start(form.rows(so.solve(problem, "random").indices))
    search.go(search.best)
    start, side = search.current, search._side
    annealings = search._annealings
    annealings.begin(search.chosen, search.potentials, 0.9)
    broken = 0
    while not annealings.look(search.matrix, 50):
        best, *rest = annealings.met()
        problem.check(form.indices(np.flatnonzero(best)))
        assert start + annealings.least == pytest.approx(_value(form, best), abs=1e-9)
        last = np.zeros(form.n, np.bool_)
        last[annealings._arrays[2]] = True
        value = start + annealings._numbers[heat_bath.VALUE]
        assert value == pytest.approx(_value(form, last), abs=1e-9)
        # The rows, what they are broken by, and what entering costs, against the definition.
        starts, rows, weights, lower, upper, load, _, _ = side
        entry = np.repeat(last, np.diff(starts))
        fresh = np.bincount(rows[entry], weights[entry], len(load))
        np.testing.assert_array_equal(load, fresh)
        quotas = search._quotas
        lower, upper = lower[:quotas], upper[:quotas]

        def by(load: Any, lower: Any = lower, upper: Any = upper) -> Any:
            return np.maximum(load - upper, 0) + np.maximum(lower - load, 0)

        now = by(fresh[:quotas])
        assert annealings._numbers[constrained_heat_bath.BROKEN] == now.sum()
        assert (load[quotas:] <= side[4][quotas:]).all()
        assert bool(rest) == (now.sum() == 0)
        broken += bool(now.sum())
        extra = np.zeros(form.n)
        soft = rows < quotas
        step = by(fresh[:quotas] + 1) - now
        np.add.at(extra, np.repeat(np.arange(form.n), np.diff(starts))[soft], step[rows[soft]])
        np.testing.assert_array_equal(annealings._arrays[13], extra)
    assert broken  # quotas are broken on the way, which is the point
    assert annealings.least < 0.0
