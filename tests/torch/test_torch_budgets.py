"""Schedules: what they say at each step, and what they refuse when they are made."""

from typing import Any

import pytest

pytest.importorskip("torch")

from subsetopt.errors import InvalidOption
from subsetopt.torch.budgets import (
    Budget,
    ConstantBudget,
    During,
    Interrupted,
    LinearBudget,
    as_budget,
)


def ks(budget: Budget, total: int | None = 10, steps: int = 10) -> list[int | float]:
    return [budget(step, total) for step in range(steps)]


def test_what_they_say() -> None:
    assert ks(ConstantBudget(0.25), None) == [0.25] * 10
    assert ks(ConstantBudget(12), None) == [12] * 10
    assert ks(LinearBudget(1.0, 0.5), 6, 8) == pytest.approx([1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.5])
    assert ks(LinearBudget(1.0, 0.5), 1, 1) == [1.0]
    assert ks(During(0.25, start=0.07), 100, 9) == [1.0] * 7 + [0.25] * 2  # 7.000000000000001
    assert ks(During(0.25, start=0.3)) == [1.0] * 3 + [0.25] * 7
    assert ks(During(8, start=3), None) == [1.0] * 3 + [8] * 7
    assert ks(During(0.25, start=0.2, end=0.8)) == [1.0] * 2 + [0.25] * 6 + [1.0] * 2
    assert ks(During(0.25, end=0.875), 8, 9) == [0.25] * 7 + [1.0] * 2
    assert ks(During(0.25), None, 3) == [0.25] * 3  # for good, however many
    assert ks(Interrupted(0.25, 3), None, 7) == [0.25, 0.25, 1.0, 0.25, 0.25, 1.0, 0.25]


def test_they_nest() -> None:
    both = Interrupted(During(LinearBudget(0.9, 0.1), start=2, end=0.8), every=4)
    assert ks(both, 9, 9) == pytest.approx([1, 1, 0.7, 1, 0.5, 0.4, 0.3, 1, 1])


def test_a_budget_has_no_state() -> None:
    budget = Interrupted(During(0.5, start=0.5), every=2)
    assert budget == Interrupted(During(ConstantBudget(0.5), start=0.5), every=2)
    assert ks(budget)[::-1] == [budget(step, 10) for step in reversed(range(10))]
    assert hash(budget) == hash(Interrupted(During(0.5, start=0.5), every=2))


@pytest.mark.parametrize("wrong", [0, -1, 0.0, 1.5, True, "half", None, float("nan")])
def test_values_that_are_none(wrong: Any) -> None:
    for made in (as_budget, ConstantBudget, During, lambda k: Interrupted(k, 2)):
        with pytest.raises(InvalidOption, match="share"):
            made(wrong)
    with pytest.raises(InvalidOption, match="first"):
        LinearBudget(wrong, 0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": -1}, "start"),
        ({"end": 1.5}, "end"),
        ({"start": True}, "start"),
        ({"start": 0.9, "end": 0.1}, "below end, 0.1"),
        ({"start": 5, "end": 5}, "below end, 5"),
    ],
)
def test_windows_that_are_none(options: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        During(0.5, **options)


@pytest.mark.parametrize("every", [0, 1, 2.0, True])
def test_intervals_that_are_none(every: Any) -> None:
    with pytest.raises(InvalidOption, match="every"):
        Interrupted(0.5, every)


@pytest.mark.parametrize(
    "budget",
    [
        LinearBudget(1.0, 0.5),
        During(0.5, start=0.5),
        During(0.5, start=100, end=0.5),
        Interrupted(During(LinearBudget(1.0, 0.1), start=50), every=2),
    ],
)
def test_shares_of_a_training_of_unknown_length_are_refused_at_the_first_step(
    budget: Budget,
) -> None:
    with pytest.raises(InvalidOption, match="total_steps="):
        budget(0)
