"""Column by column, with random selections as baseline."""

import numpy as np
import pytest

import subsetopt as so
from subsetopt._marginals import worst

RNG = np.random.default_rng(0)
X = np.column_stack([RNG.normal(5e3, 1e3, 400), RNG.integers(0, 3, 400), np.full(400, 2.5)])


def test_distances_are_those_of_their_definitions() -> None:
    rows = np.arange(0, 400, 7)
    for c, found in enumerate(so.marginals(X, rows, draws=5)):
        values, chosen = X[:, c], X[rows, c]
        grid = np.unique(values)
        cdfs = [np.searchsorted(np.sort(v), grid, "right") / v.size for v in (values, chosen)]
        assert found.ks == pytest.approx(np.abs(cdfs[0] - cdfs[1]).max())
        assert found.chosen_mean == pytest.approx(chosen.mean())
        spread = values.std() if c < 2 else 1.0
        assert found.shift == pytest.approx(abs(chosen.mean() - values.mean()) / spread)


def test_all_rows_are_like_themselves_and_a_constant_column_is_like_any() -> None:
    for found in so.marginals(X, range(400), draws=3):
        assert (found.shift, found.ks) == (0.0, 0.0)
    constant = so.marginals(X, [3], draws=3)[2]
    assert (constant.std, constant.shift, constant.ks, constant.random_ks) == (0, 0, 0, 0)


def test_random_rows_are_as_far_off_as_the_baseline_says() -> None:
    values = np.random.default_rng(1).normal(size=(2000, 1))
    (found,) = so.marginals(values, range(50), draws=301)
    # The median of the Kolmogorov distribution is 0.828 / sqrt(k).
    assert found.random_ks == pytest.approx(0.828 / np.sqrt(50), rel=0.15)
    assert found.random_shift == pytest.approx(0.674 / np.sqrt(50), rel=0.15)


def test_the_baseline_depends_on_the_seed_alone() -> None:
    first = so.marginals(X, [1, 2, 3], seed=4, names=["a", "b", "c"])
    np.random.default_rng(4).random()
    assert first == so.marginals(X, [3, 2, 1], seed=4, names=["a", "b", "c"])
    assert [row.name for row in first] == ["a", "b", "c"]
    assert first[0].to_dict()["name"] == "a"


def test_the_worst_columns_come_in_their_own_order() -> None:
    rows = so.marginals(np.random.default_rng(2).normal(size=(60, 9)), range(10))
    kept = list(worst(rows, 3))
    assert {row.ks for row in kept} == set(sorted((row.ks for row in rows), reverse=True)[:3])
    assert [row.name for row in kept] == sorted(row.name for row in kept)


def test_bad_input_is_named() -> None:
    with pytest.raises(so.InvalidProblem, match="names has 1 entries, X has 3 columns"):
        so.marginals(X, [1], names=["a"])
    with pytest.raises(so.InvalidProblem, match="draws must be at least 1; got 0"):
        so.marginals(X, [1], draws=0)
    with pytest.raises(so.InvalidSelection):
        so.marginals(X, [])


def test_a_weighted_target_by_hand() -> None:
    X, T = [[0.0], [1.0], [2.0], [3.0]], [[1.0], [3.0], [5.0]]
    (found,) = so.marginals(X, [1, 3], target=T, weights=[2, 1, 1], draws=3)
    assert found.mean == 2.5
    assert found.std == pytest.approx(np.sqrt((2 * 1.5**2 + 0.5**2 + 2.5**2) / 4))
    assert found.chosen_mean == 2.0
    assert found.shift == pytest.approx(0.5 / found.std)
    assert found.ks == 0.25  # at 3: all of the chosen, three quarters of the target


def test_known_moments_stand_for_those_of_a_sample() -> None:
    X, T = [[0.0], [1.0], [2.0], [3.0]], [[1.0], [3.0]]
    sampled = so.marginals(X, [1, 3], target=T, draws=3)[0]
    (known,) = so.marginals(X, [1, 3], target=T, draws=3, moments=([5.0], [2.0]))
    assert (known.mean, known.std, known.shift, known.ks) == (5.0, 2.0, 1.5, sampled.ks)
    for wrong in (([5.0, 1.0], [2.0]), ([5.0], [-2.0])):
        with pytest.raises(so.InvalidProblem, match="moments must be the 1 means"):
            so.marginals(X, [1], moments=wrong)


def test_all_rows_are_the_target_that_none_is() -> None:
    X = np.random.default_rng(3).normal(size=(40, 2))
    for name, value in (("target", X), ("weights", np.ones(40))):
        for one, two in zip(
            so.marginals(X, [3, 5], draws=5),
            so.marginals(X, [3, 5], draws=5, **{name: value}),  # type: ignore[arg-type]
            strict=True,
        ):
            assert np.allclose(
                [one.mean, one.std, one.shift, one.ks, one.random_ks],
                [two.mean, two.std, two.shift, two.ks, two.random_ks],
            )
    with pytest.raises(so.InvalidProblem, match="target must have the 2 columns of X; got 1"):
        so.marginals(X, [1], target=[1.0])
