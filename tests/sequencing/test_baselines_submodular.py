"""Submodular batches against a plain greedy, and what is claimed of the terms."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import subsetopt as so
from subsetopt.sequencing.baselines import Submodular

WEIGHTS = [
    {},
    {"uncertainty": 0},
    {"diversity": 0},
    {"closeness": 0, "coverage": 0},
    {"coverage": 5.0, "diversity": 0.5},
    {"uncertainty": 0, "closeness": 0, "diversity": 0},
    {"uncertainty": 0, "closeness": 0, "coverage": 0},
]


def _data(n: int, d: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng([n, d, seed])
    X = np.maximum(rng.normal(size=(n, d)), 0)
    X[:, 0] = 0  # a feature that no point has
    return X, rng.exponential(size=n)


def _value(
    rule: Submodular, X: NDArray[Any], U: NDArray[Any], chosen: Sequence[int]
) -> tuple[float, float]:
    """Return the three submodular terms of F, and the sum of distances to earlier picks."""
    mean = X.mean(axis=0)
    distance = np.linalg.norm(X - mean, axis=1)
    radius = distance.max()
    picks = list(chosen)
    modular = rule.uncertainty * U / U.max() + rule.closeness * (1 - distance / radius)
    matched = np.sqrt(X[picks].sum(axis=0)[mean > 0] / mean[mean > 0]).sum() / X.shape[1]
    apart = sum(
        min(np.linalg.norm(X[x] - X[y]) for y in picks[:t]) for t, x in enumerate(picks) if t
    )
    return (
        float(modular[picks].sum() + rule.coverage * matched),
        float(rule.diversity * apart / (2 * radius)),
    )


def _plain(
    rule: Submodular, X: NDArray[Any], U: NDArray[Any], available: Sequence[int], k: int
) -> list[int]:
    taken: list[int] = []
    for _ in range(k):
        rest = [x for x in available if x not in taken]
        taken.append(max(rest, key=lambda x: sum(_value(rule, X, U, [*taken, x]))))
    return taken


@pytest.mark.parametrize("options", WEIGHTS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lazy_takes_what_plain_greedy_takes(options: dict[str, float], dtype: Any) -> None:
    rule = Submodular(**options)  # type: ignore[arg-type]
    for seed in range(3):
        X, U = _data(25, 6, seed)
        X = X.astype(dtype)
        available = np.flatnonzero(np.arange(25) % 5)
        for k in (1, 2, 9, 20):
            taken, gains = rule.greedy(X, k, available=available, scores=U)
            expected = _plain(rule, X.astype(float), U, available.tolist(), k)
            assert taken.tolist() == expected
            assert gains.sum() == pytest.approx(sum(_value(rule, X, U, expected)), rel=1e-5)
            assert (np.diff(gains[1:]) <= 1e-12).all()


def test_the_terms_claimed_submodular_have_diminishing_returns() -> None:
    X, U = _data(6, 4, 0)
    rule = Submodular()
    sets = [s for size in range(5) for s in itertools.combinations(range(6), size)]
    checked = 0
    for small, large in itertools.product(sets, sets):
        if set(small) <= set(large):
            for x in set(range(6)) - set(large):
                gain_small, gain_large = (
                    _value(rule, X, U, (*s, x))[0] - _value(rule, X, U, s)[0]
                    for s in (small, large)
                )
                assert gain_small >= gain_large - 1e-12
                assert gain_large >= 0
                checked += 1
    assert checked > 500


def test_the_sum_of_smallest_distances_is_not_submodular() -> None:
    """Why no guarantee is claimed: 0, 3 and 9 on a line, each with its nearest of the set."""
    line = (0.0, 3.0, 9.0)

    def total(chosen: Sequence[int]) -> float:
        others = [[y for y in chosen if y != x] for x in chosen]
        return sum(
            min(abs(line[x] - line[y]) for y in rest)
            for x, rest in zip(chosen, others, strict=True)
            if rest
        )

    assert total([0, 1]) - total([0]) > total([1]) - total([])  # returns grow
    assert total([0, 1, 2]) < total([0, 2])  # and it is not monotone


def test_greedy_keeps_its_share_of_the_optimum() -> None:
    rule = Submodular(diversity=0)
    for seed in range(3):
        X, U = _data(10, 5, seed)
        best = max(_value(rule, X, U, s)[0] for s in itertools.combinations(range(10), 4))
        value = rule.greedy(X, 4, scores=U)[1].sum()
        assert (1 - 1 / math.e) * best <= value <= best + 1e-9


def test_points_that_coincide() -> None:
    taken, gains = Submodular(uncertainty=0).greedy(np.ones((6, 3)), 4)
    assert taken.tolist() == [0, 1, 2, 3]
    assert np.isfinite(gains).all()
    for level in (0, 1e-310, 1e150):
        taken, gains = Submodular(uncertainty=0).greedy(np.full((6, 3), level), 6)
        assert sorted(taken.tolist()) == list(range(6))
        assert np.isfinite(gains).all()


def test_without_scores_a_term_is_left_out_and_said_so() -> None:
    X, _ = _data(30, 5, 0)
    with pytest.warns(UserWarning, match="leave the uncertainty term out"):
        order, _ = Submodular().order(X, 7)
    assert np.array_equal(order, Submodular(uncertainty=0).order(X, 7)[0])


def test_negative_features_have_no_root() -> None:
    X, U = _data(30, 5, 0)
    X[4, 2] = -0.5
    with pytest.raises(so.InvalidProblem, match=r"X\[4, 2\] is -0.5; coverage"):
        Submodular().order(X, 7, scores=U)
    order, _ = Submodular(coverage=0).order(X, 7, scores=U)
    assert np.array_equal(np.sort(order), np.arange(30))


def test_bad_input() -> None:
    X, U = _data(30, 5, 0)
    with pytest.raises(so.InvalidProblem, match=r"scores\[2\] is -1"):
        Submodular().order(X, 7, scores=np.where(np.arange(30) == 2, -1.0, U))
    with pytest.raises(so.InvalidProblem, match=r"in \[1, 3\]; got 4"):
        Submodular().greedy(X, 4, available=[1, 2, 3], scores=U)
    with pytest.raises(so.InvalidSelection, match="more than once"):
        Submodular().greedy(X, 2, available=[1, 1, 3], scores=U)
    for weight in (-1, np.nan, np.inf, "1", True):
        with pytest.raises(so.InvalidOption, match="closeness must"):
            Submodular(closeness=weight)  # type: ignore[arg-type]
    with pytest.raises(so.InvalidOption, match="all 0"):
        Submodular(uncertainty=0, diversity=0, closeness=0, coverage=0)
