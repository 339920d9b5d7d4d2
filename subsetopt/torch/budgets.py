"""Budgets: schedules of how many samples to train on at each step, stateless and nestable.

Warm-up is ``During(0.25, start=0.1)``, whole batches at the end ``During(0.25, end=0.875)``, and
every fifth batch whole ``Interrupted(0.25, every=5)``; the first argument can be a schedule again.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from subsetopt._checks import is_integer, require
from subsetopt.errors import InvalidOption

__all__ = ["Budget", "ConstantBudget", "During", "Interrupted", "LinearBudget"]

WHOLE = 1.0
"""The share that means the whole batch."""


class Budget(ABC):
    """Base of schedules: a frozen dataclass that implements `_k`."""

    def __call__(self, step: int, total: int | None = None) -> int | float:
        """Return k for a step, counted from 0: a number of samples or a share, `WHOLE` for all.

        Raises
        ------
        InvalidOption
            If the schedule speaks of shares of the training and `total`, its steps, is None; at
            whatever step.
        """
        return self._k(step, total)

    @abstractmethod
    def _k(self, step: int, total: int | None) -> int | float: ...


@dataclass(frozen=True)
class ConstantBudget(Budget):
    """Always the same: `k` samples, or the share 0 < k <= 1."""

    k: int | float

    def __post_init__(self) -> None:
        count = is_integer(self.k) and self.k >= 1
        share = isinstance(self.k, float) and 0.0 < self.k <= 1.0
        require("k", self.k, count or share, "an integer >= 1 or a share in (0, 1]")

    def _k(self, step: int, total: int | None) -> int | float:
        return self.k


@dataclass(frozen=True)
class LinearBudget(Budget):
    """From one share at the first step to another at the last."""

    first: float
    last: float

    def __post_init__(self) -> None:
        for name in ("first", "last"):
            value = getattr(self, name)
            good = isinstance(value, float) and 0.0 < value <= 1.0
            require(name, value, good, "a share in (0, 1]")

    def _k(self, step: int, total: int | None) -> float:
        last_step = max(_known(self, total) - 1, 1)
        done = min(step / last_step, 1.0)
        return self.first * (1.0 - done) + self.last * done


@dataclass(frozen=True)
class _Around(Budget):
    inside: Budget | int | float

    def __post_init__(self) -> None:
        object.__setattr__(self, "inside", as_budget(self.inside))

    def _inner(self, step: int, total: int | None) -> int | float:
        assert isinstance(self.inside, Budget)
        return self.inside(step, total)


@dataclass(frozen=True)
class During(_Around):
    """Choose from `start` on and before `end`; earlier and later, whole batches.

    Parameters
    ----------
    inside : Budget, int or float
    start, end : int or float
        Steps if integers, shares of the training 0..1 if floats.

    References
    ----------
    Both: Selective Backprop in Composer. `end` alone: the annealing of InfoBatch, delta = 0.875,
    which trains the bias of the choice away again.
    """

    start: int | float = 0.0
    end: int | float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("start", "end"):
            value = getattr(self, name)
            count = is_integer(value) and value >= 0
            share = isinstance(value, float) and 0.0 <= value <= 1.0
            require(name, value, count or share, "a number of steps >= 0 or a share in [0, 1]")
        if type(self.start) is type(self.end):
            good = self.start < self.end
            require("start", self.start, good, f"a value below end, {self.end!r},")

    def _k(self, step: int, total: int | None) -> int | float:
        k = self._inner(step, total)
        start, end = self._step(self.start, total), self._step(self.end, total)
        return k if start <= step < end else WHOLE

    def _step(self, when: int | float, total: int | None) -> float:
        if is_integer(when):
            return when
        if when in (0.0, 1.0):  # from the first step on, and for good
            return math.inf if when else 0.0
        return math.ceil(round(when * _known(self, total), 6))  # 0.07 * 100 is above 7


@dataclass(frozen=True)
class Interrupted(_Around):
    """Choose, but leave the `every`-th, 2 `every`-th, ... batch whole.

    References
    ----------
    The option ``interrupt`` of Selective Backprop in Composer.
    """

    every: int

    def __post_init__(self) -> None:
        super().__post_init__()
        require("every", self.every, is_integer(self.every) and self.every >= 2, "a number >= 2")

    def _k(self, step: int, total: int | None) -> int | float:
        k = self._inner(step, total)
        return WHOLE if (step + 1) % self.every == 0 else k


def as_budget(k: Any) -> Budget:
    """Return a schedule: `k` itself, or always the number or share that it is."""
    return k if isinstance(k, Budget) else ConstantBudget(k)


def _known(budget: Budget, total: int | None) -> int:
    if total is None:
        raise InvalidOption(
            f"{budget!r} speaks of shares of the training; say how many steps there are with "
            "total_steps=, or give integers, which are steps"
        )
    return total
