"""Learning rates at the epochs that are published."""

import math

import pytest

from subsetopt.errors import InvalidOption
from subsetopt.training._optimization import Schedule, learning_rate
from subsetopt.training.run import SCHEDULES


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule(name: str) -> None:
    schedule = Schedule(name, 0.1, 200)
    rates = [schedule(step / 1000) for step in range(1001)]
    assert all(0.0 <= rate <= 0.1 for rate in rates)
    assert schedule(0.0) == (0.1 / 16 if name == "warmup_exponential" else 0.1)
    assert rates == [learning_rate(name, 0.1, step / 1000, 200) for step in range(1001)]
    if name != "warmup_exponential":
        assert rates == sorted(rates, reverse=True)


def test_steps_at_the_published_epochs() -> None:
    schedule = Schedule("step", 0.1, 200)
    batches = 391
    expected = {0: 0.1, 65: 0.1, 66: 0.01, 132: 0.01, 133: 0.001, 199: 0.001}
    for epoch, rate in expected.items():
        assert schedule(epoch * batches / (200 * batches)) == pytest.approx(rate)
    assert schedule((66 * batches - 1) / (200 * batches)) == pytest.approx(0.1)


def test_three_steps_are_every_tenth_epoch_of_35() -> None:
    schedule = Schedule("three_steps", 1.0, 35)
    expected = {0: 0, 9: 0, 10: 1, 19: 1, 20: 2, 29: 2, 30: 3, 34: 3}
    assert all(schedule(epoch / 35) == pytest.approx(0.1**n) for epoch, n in expected.items())
    short = Schedule("three_steps", 1.0, 7)
    assert [short(epoch / 7) for epoch in range(7)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01, 0.001]
    )


@pytest.mark.parametrize("epochs", [1, 2, 2.5])
def test_steps_of_a_short_training(epochs: float) -> None:
    schedule = Schedule("step", 1.0, epochs)
    assert [schedule(p) for p in (0.0, 0.33, 0.34, 0.66, 0.67, 1.0)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )


def test_linear_and_cosine() -> None:
    linear, cosine = Schedule("linear", 0.1), Schedule("cosine", 0.1)
    assert linear(1.0) == pytest.approx(1e-6, rel=1e-6)
    assert linear(0.5) == pytest.approx((0.1 + 1e-6) / 2)
    assert cosine(1.0) == pytest.approx(0.0, abs=1e-12)
    assert cosine(0.25) == pytest.approx(0.05 * (1 + math.sqrt(0.5)))


def test_warmup_and_decay() -> None:
    schedule = Schedule("warmup_exponential", 0.256, 150)

    def at(epoch: float) -> float:
        return schedule(epoch / 150)

    assert at(0) == pytest.approx(0.016)
    assert at(2.5) == pytest.approx((0.016 + 0.256) / 2)
    assert at(5) == at(7.3) == pytest.approx(0.256)
    assert at(7.4) == pytest.approx(0.256 * 0.97)
    assert at(5 + 10 * 2.4) == pytest.approx(0.256 * 0.97**10)


def test_options() -> None:
    with pytest.raises(InvalidOption, match="one of constant, step"):
        Schedule("linaer", 0.1)
    with pytest.raises(InvalidOption, match="one of constant, step"):
        learning_rate("linaer", 0.1, 0.0)
    for lr in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(InvalidOption, match="lr must"):
            Schedule("constant", lr)
    for epochs in (0, -1.0, math.nan):
        with pytest.raises(InvalidOption, match="epochs must"):
            Schedule("constant", 0.1, epochs)
