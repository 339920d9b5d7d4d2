"""Random batches on average, and the classes of batches."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from subsetopt.errors import InvalidProblem
from subsetopt.sequencing import choose, mmd_to_whole
from subsetopt.sequencing._mmd_curves import Curve, plot_curves
from subsetopt.sequencing.measure import class_balance, random_mmd2, relative_area


def test_random_batches_on_average_are_all_subsets_on_average() -> None:
    X = np.random.default_rng(0).normal(size=(7, 2))
    engine = choose(X)
    boundaries = [0, 1, 3, 6, 7]
    expected = random_mmd2(engine, boundaries)
    for s, value in zip(boundaries[1:-1], expected, strict=False):
        every = [
            mmd_to_whole(engine, np.array(chosen), [0, s])[0] * (7 / (7 - s)) ** 2
            for chosen in combinations(range(7), s)
        ]
        assert np.mean(every) == pytest.approx(value)
    assert np.isnan(expected[-1])


def test_areas_leave_out_what_is_no_number() -> None:
    mmd, random = np.array([1.0, 2.0, np.nan]), np.array([4.0, 4.0, np.nan])
    assert relative_area(mmd, random) == 3 / 8
    assert np.isnan(relative_area(mmd[2:], random[2:]))


def test_the_distance_of_classes() -> None:
    labels = np.array(["a", "a", "b", "b", "b", "b", "a", "b"])  # 3/8 and 5/8
    balance = class_balance([np.array([0, 2]), np.array([0, 1, 6]), np.array([3])], labels)
    assert balance.mean == pytest.approx((1 / 8 + 5 / 8 + 3 / 8) / 3)
    assert (balance.worst, balance.worst_batch) == (5 / 8, 1)
    same = class_balance([np.arange(8)], labels)
    assert (same.mean, same.worst) == (0, 0)
    with pytest.raises(InvalidProblem, match="8 labels, but point 8"):
        class_balance([np.array([8])], labels)
    with pytest.raises(InvalidProblem, match=r"labels must .*got shape \(2, 2\)"):
        class_balance([np.array([0])], np.eye(2))
    with pytest.raises(InvalidProblem, match=r"2 missing values .* for point 1; give each"):
        class_balance([np.array([0])], [0, np.nan, 1, np.nan])


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_pictures_are_the_same_each_time(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    chosen = np.arange(10, 60, 10)
    curves = {
        "swap": Curve(chosen, np.linspace(1, 0.1, 5)),
        "random": Curve(chosen, np.append(np.ones(4), np.nan)),
    }
    for name in ("one", "two"):
        plot_curves(curves, tmp_path / f"{name}.{suffix}")
    drawn = (tmp_path / f"one.{suffix}").read_bytes()
    assert drawn == (tmp_path / f"two.{suffix}").read_bytes()
    assert len(drawn) > 2000
