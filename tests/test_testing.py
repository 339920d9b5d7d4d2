"""The contract: every solver here keeps it, and it finds out those that do not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, combinations, count
from typing import Any, ClassVar

import numpy as np
import pytest

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.solvers.base import Kind, RawResult, Solver
from subsetopt.testing import CASES, assert_solver_contract

OPTIMAL, FINISHED = so.Termination.OPTIMAL, so.Termination.FINISHED


def every() -> Iterator[Any]:
    for row in so.available_solvers():
        mark = pytest.mark.skipif(not row.availability, reason=row.availability.reason or "there")
        yield pytest.param(row.name, marks=mark)


@pytest.mark.parametrize("name", list(every()))
def test_every_solver_keeps_the_contract(name: str) -> None:
    assert_solver_contract(so.solver(name))


@pytest.mark.parametrize(
    ("name", "options"),
    [("swap", {"tolerance": 0.0}), ("exact", {"method": "meet"}), ("frank-wolfe", {"steps": 1})],
)
def test_with_options(name: str, options: dict[str, Any]) -> None:
    assert_solver_contract(so.solver(name, **options))


def test_the_table_is_small_and_has_all_families() -> None:
    assert max(problem.n for problem in CASES.values()) <= 9
    handled = {family for row in so.available_solvers() for family in row.handles}
    assert {problem.family for problem in CASES.values()} == handled
    assert len(set(CASES.values())) == len(CASES)


# -- solvers that break one rule each ------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Good(Solver):
    """The first k; those below break one rule of it each."""

    name: ClassVar[str] = "planted"
    kind: ClassVar[Kind] = Kind.BASELINE
    summary: ClassVar[str] = "the first k"
    choose_when: ClassVar[str] = "testing"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        return self.say(problem, limits, np.arange(problem.k))

    def say(self, problem: Any, limits: Limits, indices: Any) -> RawResult:
        return RawResult(indices=indices, termination=FINISHED)


def test_a_good_one_passes() -> None:
    assert_solver_contract(Good())
    assert_solver_contract(Good(), families=["mean-matching"])


def test_nothing_to_try_is_no_pass() -> None:
    with pytest.raises(ValueError, match=r"no problem of routing to try; there are: mean-matching"):
        assert_solver_contract(Good(), families=["routing"])
    with pytest.raises(so.UnsupportedProblem):
        assert_solver_contract(Good(), families=["vector-mean-matching"])


def frozen(wrong: type[Good]) -> Good:
    decorated = "__dataclass_params__" in vars(wrong)
    return (wrong if decorated else dataclass(frozen=True, kw_only=True)(wrong))()


class TooMany(Good):
    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        return self.say(problem, limits, np.arange(problem.k + 1))


class Twice(Good):
    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        return self.say(problem, limits, np.zeros(problem.k, dtype=int))


class Outside(Good):
    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        return self.say(problem, limits, np.arange(problem.k) + problem.n)


class Floats(Good):
    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        return self.say(problem, limits, np.arange(float(problem.k)))


class BoundAboveObjective(Good):
    def say(self, problem: Any, limits: Limits, indices: Any) -> RawResult:
        return RawResult(indices=indices, termination=FINISHED, bound=1e307)


class OptimalWithout(Good):
    def say(self, problem: Any, limits: Limits, indices: Any) -> RawResult:
        return RawResult(indices=None, termination=OPTIMAL)


@pytest.mark.parametrize(
    "wrong", [TooMany, Twice, Outside, Floats, BoundAboveObjective, OptimalWithout]
)
def test_answers_that_solve_refuses(wrong: type[Good]) -> None:
    with pytest.raises(so.InvalidResult, match="'planted'"):
        assert_solver_contract(frozen(wrong))


class BoundAboveOptimum(Good):
    def say(self, problem: Any, limits: Limits, indices: Any) -> RawResult:
        objective = problem.objective(indices)
        return RawResult(indices=indices, termination=FINISHED, bound=objective)


class FalseProof(Good):
    def say(self, problem: Any, limits: Limits, indices: Any) -> RawResult:
        return RawResult(indices=indices, termination=OPTIMAL, proven=True)


class FalseTolerance(Good):
    def say(self, problem: Any, limits: Limits, indices: Any) -> RawResult:
        return RawResult(indices=indices, termination=OPTIMAL, eps=1e-300)


class GivesUp(Good):
    def say(self, problem: Any, limits: Limits, indices: Any) -> RawResult:
        return RawResult(indices=None, termination=so.Termination.ERROR)


class FalseProofWhenLate(Good):
    def say(self, problem: Any, limits: Limits, indices: Any) -> RawResult:
        late = limits.time_limit is not None
        return RawResult(
            indices=indices, termination=FINISHED, proven=late or problem.k == problem.n
        )


class NeverProves(Good):
    exact: ClassVar[bool] = True


class ProvesNothing(Good):
    kind: ClassVar[Kind] = Kind.EXACT


class NoSummary(Good):
    summary: ClassVar[str] = ""


class NoKind(Good):
    kind: ClassVar[Any] = "baseline"


class ListOfFamilies(Good):
    handles: ClassVar[Any] = ["mean-matching"]


class NoFamilies(Good):
    handles: ClassVar[tuple[str, ...]] = ()


class OddRequirement(Good):
    requires: ClassVar[Any] = ("numpy",)


@dataclass(frozen=True, kw_only=True)
class Random(Good):
    drawn: Any = field(default_factory=count, compare=False)

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        shift = next(self.drawn)
        return self.say(problem, limits, (np.arange(problem.k) + shift) % problem.n)


@dataclass(frozen=True, kw_only=True)
class SharesState(Good):
    calls: list[int] = field(default_factory=list, compare=False)

    concurrent: ClassVar[bool] = True

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        self.calls.append(problem.n)
        late = len(self.calls) > sum(p.family == "mean-matching" for p in CASES.values()) * 5
        return self.say(problem, limits, (np.arange(problem.k) + late) % problem.n)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (BoundAboveOptimum, "'float32': the bound .* lies above the optimum"),
        (FalseProof, "'float32': .* called exact|the bound .* lies above the optimum"),
        (FalseProofWhenLate, "called exact|the bound .* lies above the optimum"),
        (FalseTolerance, "is said to be within 1e-300 of the optimum"),
        (GivesUp, "no selection; it ended as error"),
        (NeverProves, "declares that it proves optimality, but ended as finished"),
        (ProvesNothing, "its kind is exact, but its certificate is bound"),
        (NoSummary, "summary is empty"),
        (NoKind, "kind must be a Kind; got 'baseline'"),
        (ListOfFamilies, "handles must be a tuple"),
        (NoFamilies, "handles is"),
        (OddRequirement, "requires is"),
        (Random, "two runs with one seed gave two selections"),
        (SharesState, "in threads it gave other selections"),
    ],
)
def test_rules_that_the_contract_finds_broken(wrong: type[Good], rule: str) -> None:
    with pytest.raises(AssertionError, match=rule):
        assert_solver_contract(frozen(wrong))


def test_not_a_frozen_dataclass() -> None:
    class Loose(Solver):
        name, kind, summary, choose_when = "planted", Kind.BASELINE, "x", "y"
        handles = ("mean-matching",)
        _solve = Good._solve

    with pytest.raises(AssertionError, match="Loose is not a frozen dataclass"):
        assert_solver_contract(Loose())


def test_an_option_without_a_default() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Needy(Good):
        effort: int

    with pytest.raises(AssertionError, match="option 'effort' has no default"):
        assert_solver_contract(Needy(effort=1))


def test_no_solver_at_all() -> None:
    odd: Any = "swap"
    with pytest.raises(AssertionError, match="'swap' is not an object of a Solver class"):
        assert_solver_contract(odd)


def test_the_optimum_is_by_enumeration() -> None:
    from subsetopt import testing

    problem = CASES["at most"]
    sizes = range(problem.k + 1)
    subsets = chain.from_iterable(combinations(range(problem.n), size) for size in sizes)
    assert testing._optimum(problem) == min(testing._value(problem, list(c)) for c in subsets)
