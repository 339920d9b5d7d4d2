from itertools import product
from math import comb

import numpy as np
import pytest

from subsetopt._significance import log_ratio, sign_test, t_quantile, wilson


@pytest.mark.parametrize(
    ("p", "freedom", "value"),  # from printed tables
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 5, 2.571),
        (0.975, 30, 2.042),
        (0.995, 10, 3.169),
        (0.9995, 4, 8.610),
        (0.975, 500, 1.9647),
        (0.5, 3, 0.0),
    ],
)
def test_quantiles_of_t(p: float, freedom: int, value: float) -> None:
    assert t_quantile(p, freedom) == pytest.approx(value, abs=6e-4)


def test_wilson() -> None:
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10)[1] == 1.0


@pytest.mark.parametrize(("ups", "downs"), [(6, 0), (0, 6), (5, 1), (3, 4), (0, 0), (9, 2)])
def test_the_sign_test_counts_coins(ups: int, downs: int) -> None:
    n = ups + downs
    uneven = sum(comb(n, i) for i in range(n + 1) if abs(2 * i - n) >= abs(ups - downs))
    assert sign_test(ups, downs) == pytest.approx(uneven / 2**n)


def test_log_ratios_are_of_medians_and_every_case_weighs_the_same() -> None:
    rng = np.random.default_rng(0)
    cases = [(np.array([1.0, 1.0, 1.0]), np.array([2.0, 2.0, 90.0])), (np.ones(2), np.full(2, 8.0))]
    centre, half = log_ratio(cases, rng, 0.95)
    assert centre == pytest.approx(np.log(4.0))
    assert half > 0


def test_the_error_is_that_of_drawing_cases_and_repeats() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.lognormal(0, 0.2, (2, 3, 3))
    logs = [
        [np.log(np.median(b[list(i)]) / np.median(a[list(i)])) for i in product(range(3), repeat=3)]
        for a, b in zip(before, after, strict=True)
    ]
    estimates = [[logs[case] for case in drawn] for drawn in product(range(3), repeat=3)]
    # Mean and variance over all resamples: cases, then repeats within each of those drawn.
    means = np.mean(np.mean(estimates, axis=2), axis=1)
    inner = np.mean(np.var(estimates, axis=2), axis=1) / 3
    error = np.sqrt(np.var(means) + np.mean(inner))
    _, half = log_ratio(list(zip(before, after, strict=True)), np.random.default_rng(0), 0.95)
    assert half == pytest.approx(t_quantile(0.975, 8) * error * np.sqrt(9 / 8), rel=0.03)
