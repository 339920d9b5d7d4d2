from math import inf, nan

import numpy as np
import pytest

from subsetopt.training.analysis import LEVEL, RuleVerdict, compared, holm


def seeded(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values))


def alone(own: list[float], base: list[float], better: str = "higher") -> RuleVerdict:
    """Return the verdict of a report with this one comparison."""
    from dataclasses import replace

    found = compared(seeded(own), seeded(base), better)
    return replace(found, adjusted=found.p).verdict


def test_an_example_by_hand() -> None:
    # Differences 1, 2, 3, 4: mean 2.5, std 1.29099, error 0.645497; t of 3 degrees 3.182446.
    found = compared(seeded([2.0, 4.0, 6.0, 8.0]), seeded([1.0, 2.0, 3.0, 4.0]), "higher")
    assert found.difference == pytest.approx(2.5)
    assert found.low == pytest.approx(2.5 - 3.182446 * 0.645497, abs=2e-6)
    assert found.high == pytest.approx(2.5 + 3.182446 * 0.645497, abs=2e-6)
    assert found.p == pytest.approx(0.030466, abs=1e-5)
    assert (found.pairs, found.unpaired, found.diverged) == (4, 0, 0)


def test_orientation() -> None:
    high, low = [0.95, 0.96, 0.97, 0.955], [0.90, 0.92, 0.91, 0.905]
    assert alone(high, low, "higher") is RuleVerdict.BETTER
    assert alone(high, low, "lower") is RuleVerdict.WORSE
    assert alone(low, high, "higher") is RuleVerdict.WORSE
    assert alone(low, high, "lower") is RuleVerdict.BETTER


def test_seeds_that_one_has_alone_are_left_out_and_counted() -> None:
    found = compared(
        {0: 1.0, 1: 2.0, 2: 3.5, 9: 100.0}, {0: 0.0, 1: 1.5, 2: 2.0, 7: -5.0}, "higher"
    )
    assert (found.pairs, found.unpaired) == (3, 2)
    assert found.difference == pytest.approx(1.0)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_seeds(count: int) -> None:
    found = compared(seeded([2.0, 5.0][:count]), seeded([1.0, 1.0][:count]), "higher")
    assert found.verdict is RuleVerdict.TOO_FEW
    assert found.p is found.low is found.high is None
    assert (found.difference is None) == (count == 0)


def test_equal_runs_are_no_different() -> None:
    values = [0.9, 0.91, 0.92, 0.93]
    found = compared(seeded(values), seeded(values), "higher")
    assert (found.difference, found.p, found.low) == (0.0, 1.0, None)
    assert alone(values, values) is RuleVerdict.NO_DIFFERENCE


def test_differences_without_a_spread_count_as_coins() -> None:
    base = [0.1, 0.2, 0.3, 0.4, 0.5]
    found = compared(seeded([x + 0.01 for x in base]), seeded(base), "higher")
    assert found.difference == pytest.approx(0.01)
    assert found.low is None
    assert found.p == pytest.approx(2 * 0.5**5)
    assert found.gain > 0
    many = list(np.arange(8) / 10)
    assert alone([x + 0.01 for x in many], many) is RuleVerdict.BETTER


@pytest.mark.parametrize("lost", [nan, inf, -inf])
@pytest.mark.parametrize("better", ["higher", "lower"])
def test_a_diverged_run_loses(lost: float, better: str) -> None:
    base = [0.5, 0.51, 0.52, 0.53, 0.54, 0.55]
    found = compared(seeded([lost] * 6), seeded(base), better)
    assert (found.diverged, found.difference, found.low) == (6, None, None)
    assert found.p == pytest.approx(2 * 0.5**6)
    assert alone([lost] * 6, base, better) is RuleVerdict.WORSE
    assert alone(base, [lost] * 6, better) is RuleVerdict.BETTER
    assert alone([lost] * 6, [lost] * 6, better) is RuleVerdict.NO_DIFFERENCE


def test_a_diverged_run_outweighs_wins_that_would_do_alone() -> None:
    base = [0.5, 0.51, 0.52, 0.53, 0.54]
    own = [0.6, 0.62, 0.61, 0.64, 0.66]
    assert alone(own, base) is RuleVerdict.BETTER
    assert alone([*own[:4], nan], base) is RuleVerdict.DIVERGED
    assert (
        alone([0.6, 0.62, nan, 0.64, 0.66], [0.5, nan, 0.52, 0.53, 0.54])
        is RuleVerdict.NO_DIFFERENCE
    )


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


@pytest.mark.parametrize("pairs", [3, 5, 10])
def test_intervals_hold_as_often_as_they_say(pairs: int) -> None:
    rng, draws, truth = np.random.default_rng(pairs), 2000, 0.3
    hits = 0
    for _ in range(draws):
        base = rng.normal(0, 5, pairs)
        own = base + truth + rng.normal(0, 1, pairs)
        found = compared(seeded(own.tolist()), seeded(base.tolist()), "higher")
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    slack = 3 * np.sqrt(0.95 * 0.05 / draws)
    assert abs(hits / draws - 0.95) <= slack


def test_false_verdicts_are_as_rare_as_promised_and_large_effects_are_seen() -> None:
    rng, draws, rules = np.random.default_rng(0), 2000, 6
    false = seen = 0
    for _ in range(draws):
        base = rng.normal(0, 1, 5)  # one baseline for all: the comparisons are not independent
        own = rng.normal(0, 1, (rules, 5))
        tests = [compared(seeded(x.tolist()), seeded(base.tolist()), "higher").p for x in own]
        false += min(holm([p for p in tests if p is not None])) <= LEVEL
        large = compared(
            seeded((base + rng.normal(3, 0.5, 5)).tolist()), seeded(base.tolist()), "higher"
        )
        assert large.p is not None
        seen += holm([large.p, *(p for p in tests if p is not None)])[0] <= LEVEL
    assert false / draws <= LEVEL + 3 * np.sqrt(LEVEL / draws)
    assert seen / draws >= 0.9


def test_runs_that_diverge_by_chance_make_no_false_verdicts() -> None:
    rng, draws = np.random.default_rng(1), 2000
    false = 0
    for _ in range(draws):
        own, base = np.where(rng.random((2, 8)) < 0.3, nan, rng.normal(0, 1, (2, 8)))
        p = compared(seeded(own.tolist()), seeded(base.tolist()), "lower").p
        assert p is not None
        false += p <= LEVEL
    assert false / draws <= LEVEL + 3 * np.sqrt(LEVEL / draws)
