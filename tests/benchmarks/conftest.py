from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from subsetopt.benchmarks.cases import Case, MeanMatchingCase
from subsetopt.benchmarks.cases.synthetic import losses
from subsetopt.errors import TooLarge
from subsetopt.limits import Limits
from subsetopt.solution import Termination
from subsetopt.solvers import catalogue
from subsetopt.solvers.base import Answer, Kind, Requirement, Solver

Plant = Callable[..., None]


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Make the catalogue hold, beside the first built-in ones, the given solvers."""

    def put(*classes: type[Solver]) -> None:
        real = catalogue.solver_class
        planted = {found.name: found for found in classes}
        monkeypatch.setattr(
            catalogue, "solver_class", lambda name: planted[name] if name in planted else real(name)
        )
        monkeypatch.setattr(catalogue, "names", lambda: ("random", "stride", *planted))

    return put


@pytest.fixture
def cases() -> list[Case]:
    return [
        MeanMatchingCase.of(batch, k) for batch in losses(n=24, count=2, seed=0) for k in (4, 9)
    ]


class Planted(Solver):
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "planted"
    choose_when: ClassVar[str] = "never"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)


@dataclass(frozen=True, kw_only=True)
class Liar(Planted):
    """Claims that the k smallest are optimal."""

    name: ClassVar[str] = "liar"

    def answer(self, problem: Any, limits: Limits) -> Answer:
        chosen = np.argsort(problem.values)[: problem.k]
        return Answer(indices=chosen, termination=Termination.OPTIMAL, eps=1e-9)


@dataclass(frozen=True, kw_only=True)
class Refuser(Planted):
    name: ClassVar[str] = "refuser"

    def answer(self, problem: Any, limits: Limits) -> Answer:
        raise TooLarge("it would take a year", seconds=3e7, bytes=1.0)


@dataclass(frozen=True, kw_only=True)
class Absent(Planted):
    name: ClassVar[str] = "absent"
    requires: ClassVar[tuple[Requirement, ...]] = (Requirement("no-such-thing", "no_such_thing"),)

    def answer(self, problem: Any, limits: Limits) -> Answer:
        raise AssertionError("never reached")


@dataclass(frozen=True, kw_only=True)
class Vectorial(Planted):
    name: ClassVar[str] = "vectorial"
    handles: ClassVar[tuple[str, ...]] = ("vector-mean-matching",)

    def answer(self, problem: Any, limits: Limits) -> Answer:
        raise AssertionError("never reached")


@dataclass(frozen=True, kw_only=True)
class Silent(Planted):
    name: ClassVar[str] = "silent"
    handles: ClassVar[tuple[str, ...]] = ("quadratic",)

    def answer(self, problem: Any, limits: Limits) -> Answer:
        return Answer(indices=None, termination=Termination.TIME_LIMIT)


@pytest.fixture
def planted() -> dict[str, type[Solver]]:
    return {found.name: found for found in (Liar, Refuser, Absent, Vectorial, Silent)}
