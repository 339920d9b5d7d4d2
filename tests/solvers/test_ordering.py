"""Sorting by bytes: the same as NumPy's stable sort, whatever the numbers and the threads."""

from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.solvers import _ordering
from subsetopt.solvers._ordering import ascending

N = 5_000
NAMES = ("normal", "ties", "constant", "outliers", "extremes", "clusters", "shifted", "descending")


def _numbers(name: str, dtype: Any) -> Any:
    draw = np.random.default_rng(3)
    normal = draw.normal(size=N)
    info = np.finfo(dtype)
    made = {
        "normal": normal,
        "ties": draw.integers(-4, 4, N),
        "constant": np.full(N, 2.5),
        "outliers": draw.pareto(0.3, N) * draw.choice([-1.0, 1.0], N),
        "extremes": draw.choice([info.max, info.min, info.tiny / 4, 0.0, -0.0, np.inf], N),
        "clusters": draw.choice([0.0, 1e12], N) + 1e-3 * normal,  # float32 keys are all the same
        "shifted": 1e9 + normal,
        "descending": -np.sort(normal),
    }
    return np.asarray(made[name]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_stable_order(name: str, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ordering, "MANY", 0)
    monkeypatch.setattr(_ordering, "_BLOCK", 1_000)
    values = _numbers(name, dtype)
    values.setflags(write=False)
    wanted = np.argsort(values + 0, kind="stable")
    for threads in (1, 3):
        found, order = ascending(values, threads)
        assert found.dtype == np.float64
        assert np.array_equal(found, values[order])
        assert np.array_equal(found, values[wanted])
        if name != "extremes":  # minus zero may come first
            assert np.array_equal(order, wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_no_number_is_at_an_end(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ordering, "MANY", 0)
    for bad in (np.nan, -np.nan):
        values = _numbers("normal", dtype)
        values[7] = bad
        found, _ = ascending(values)
        assert np.isnan(found[0] + found[-1])
        with pytest.raises(so.InvalidProblem, match=r"losses\[7\] is nan"):
            so.select(values, 10)


def test_many_losses_are_chosen_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = _numbers("normal", np.float32)
    problem = so.MeanMatching(losses, 500)
    names = ("swap", "stride")
    before = [so.select(losses, 500), *(so.solve(problem, name).indices for name in names)]
    monkeypatch.setattr(_ordering, "MANY", 0)
    monkeypatch.setattr("subsetopt.solvers.heuristics.stride.MANY", 0)
    after = [so.select(losses, 500), *(so.solve(problem, name).indices for name in names)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
