"""The front door: names, limits, many problems at once, and the package that can be called."""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest

import subsetopt as so
from subsetopt import solving
from subsetopt.limits import Limits
from subsetopt.solvers import base, catalogue

PROBLEM = so.MeanMatching([0.1, 0.25, 0.7, 1.3, 2.9], k=2)
VECTORS = so.MeanMatching([[0.1, 1.0], [0.7, 0.2], [1.5, 0.4]], k=2)

WRONG_LIMITS: list[tuple[str, Any]] = [
    *[("time_limit", value) for value in (0, 0.0, -1.0, math.nan, "5", True, [1])],
    *[("gap", value) for value in (-1e-9, math.nan, "a", False)],
    *[("absolute_gap", value) for value in (-1, math.nan, "a", True)],
    *[("threads", value) for value in (0, -1, 4097, 1.0, "2", True)],
    *[("seed", value) for value in (-1, 2**31, 0.0, "0", None, True)],
    *[("log", value) for value in ("yes", 1, None)],
]


@dataclass(frozen=True, kw_only=True)
class Recording(base.Solver):
    """Takes the first k and remembers what it was asked."""

    asked: list[Limits] = field(default_factory=list, compare=False)

    name: ClassVar[str] = "recording"
    kind: ClassVar[base.Kind] = base.Kind.HEURISTIC
    summary: ClassVar[str] = "the first k"
    choose_when: ClassVar[str] = "testing"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)

    def _solve(self, problem: Any, limits: Limits) -> base.RawResult:
        self.asked.append(limits)
        return base.RawResult(indices=np.arange(problem.k), termination=so.Termination.FINISHED)


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [lambda: so.solve(PROBLEM, "swop"), lambda: so.solver("swop")])
def test_unknown_solver_lists_all_names(call: Any) -> None:
    with pytest.raises(so.UnknownSolver) as caught:
        call()
    for name in ("'swop'", *(row.name for row in so.available_solvers())):
        assert name in str(caught.value)


def test_unsupported_problem_names_those_that_can() -> None:
    with pytest.raises(so.UnsupportedProblem) as caught:
        so.solve(VECTORS, "stride")
    for part in ("'stride'", "vector-mean-matching", "it takes mean-matching"):
        assert part in str(caught.value)
    able = str(caught.value).partition("these do: ")[2].split(", ")
    assert able == [row.name for row in so.available_solvers() if VECTORS.family in row.handles]
    assert "swap" in able
    assert "stride" not in able


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subsetopt._dependencies._findable", lambda module: False)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(
    ("name", "fix"),
    [("highs", "pip install 'highspy"), ("scip", "pip install 'pyscipopt"), ("cbc", "'ortools")],
)
def test_missing_backend_says_the_fix(name: str, fix: str) -> None:
    with pytest.raises(
        so.MissingDependency, match=f"'{name}' cannot run: .*not installed"
    ) as caught:
        so.solve(PROBLEM, name)
    assert fix in str(caught.value)


@pytest.mark.usefixtures("nothing_installed")
def test_missing_backends_are_listed_with_the_reason() -> None:
    rows = {row.name: row for row in so.available_solvers()}
    assert tuple(rows)[: len(catalogue.BUILT_IN)] == tuple(catalogue.BUILT_IN)
    assert not rows["highs"].availability
    assert "pip install" in rows["highs"].availability.reason
    assert rows["random"].availability
    assert so.solve(PROBLEM, "random").indices is not None


def test_the_list_is_what_the_classes_declare() -> None:
    for row in so.available_solvers():
        declared = catalogue.solver_class(row.name)
        assert declared.name == row.name
        assert (row.handles, row.exact) == (declared.handles, declared.exact)
        assert row.options == declared.options()
        assert row.kind == declared.kind


@pytest.mark.parametrize("problem", [PROBLEM, VECTORS])
def test_auto(problem: so.MeanMatching) -> None:
    chosen, named = so.solve(problem), so.solve(problem, solving.AUTO[problem.family])
    assert chosen.solver == named.solver
    np.testing.assert_array_equal(chosen.indices, named.indices)


def test_auto_with_a_gap_of_0_proves() -> None:
    small = so.QuadraticSelection(np.arange(64).reshape(8, 8), k=3)
    proven = so.solve(small, gap=0)
    assert proven.solver == "branch-and-bound"
    assert proven.certificate.kind is so.CertificateKind.EXACT
    assert [each.solver for each in so.solve_many([small], gap=0)] == ["branch-and-bound"]
    assert so.solve(small, gap=0.01).solver == "tabu"
    large = so.QuadraticSelection(np.eye(201), k=3)
    assert so.solve(large, so.solver("tabu", iterations=1), gap=0).solver == "tabu"
    assert solving.automatic(large, 0) == "tabu"
    assert solving.automatic(PROBLEM, 0) == "swap"


def test_every_family_has_an_auto_that_takes_it() -> None:
    families = {family for row in so.available_solvers() for family in row.handles}
    assert families == set(solving.AUTO)
    for family, name in solving.AUTO.items():
        assert family in catalogue.solver_class(name).handles


def test_options_of_a_solver() -> None:
    swap: Any = so.solver("swap", tolerance=0.5)
    assert swap.tolerance == 0.5
    assert swap == so.solver("swap", tolerance=0.5)
    assert swap != so.solver("swap")
    with pytest.raises(so.InvalidOption, match=r"'swap' has no option 'tolerence'.*tolerance"):
        so.solver("swap", tolerence=0.5)
    with pytest.raises(so.InvalidOption, match=r"'random' has no option 'x'; it has none"):
        so.solver("random", x=1)
    with pytest.raises(so.InvalidOption, match=r"tolerance must .*got -1"):
        so.solver("swap", tolerance=-1)


# -- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "value"), WRONG_LIMITS)
def test_wrong_limits_fail_before_any_work(name: str, value: Any) -> None:
    solver = Recording()
    wrong: dict[str, Any] = {name: value}
    with pytest.raises(so.InvalidOption) as caught:
        so.solve(PROBLEM, solver, **wrong)
    assert str(caught.value).startswith(f"{name} must be ")
    assert f"; got {value!r}" in str(caught.value)
    with pytest.raises(so.InvalidOption, match=name):
        so.solve_many([PROBLEM], solver, **wrong)
    assert not solver.asked


def test_limits_reach_the_solver() -> None:
    solver = Recording()
    limits: dict[str, Any] = {"time_limit": 1.5, "gap": 0.0, "absolute_gap": 0.25}
    limits |= {"threads": 2, "seed": 2**31 - 1, "log": True}
    so.solve(PROBLEM, solver, **limits)
    so.solve(PROBLEM, solver, time_limit=math.inf)
    assert solver.asked == [Limits(**limits), Limits(time_limit=math.inf)]
    assert set(Limits.names()) == set(limits)


# -- many problems -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many() -> list[so.MeanMatching]:
    rng = np.random.default_rng(4)
    return [so.MeanMatching(rng.normal(size=20 + i), k=3 + i % 5) for i in range(12)]


def same(one: so.Solution, other: so.Solution) -> bool:
    return np.array_equal(one.mask, other.mask) and one.objective == other.objective


@pytest.mark.parametrize("name", ["auto", "swap", "random", "stride", "greedy", "frank-wolfe"])
def test_many_is_one_by_one(name: str, many: list[so.MeanMatching]) -> None:
    alone = [so.solve(problem, name, seed=7) for problem in many]
    for threads in (1, 2, None):
        together = so.solve_many(iter(many), name, threads=threads, seed=7)
        assert len(together) == len(many)
        assert all(map(same, alone, together))
        assert [solution.n for solution in together] == [problem.n for problem in many]


def test_many_of_several_families_have_each_a_solver_of_its_own() -> None:
    quadratic = so.QuadraticSelection(np.eye(6), k=2)
    problems: list[so.problems.Problem] = [quadratic, PROBLEM, quadratic, VECTORS]
    for order in (problems, problems[::-1]):
        solutions = so.solve_many(order, threads=2, gap=0)
        wanted = {6: "branch-and-bound"}
        assert [each.solver for each in solutions] == [wanted.get(p.n, "swap") for p in order]
        assert [each.n for each in solutions] == [problem.n for problem in order]


def test_many_where_threads_share_some_of_them() -> None:
    """Problems that threads share and others come back in their order."""
    side = so.Constraints(conflicts=[(0, 1)])
    constrained = so.MeanMatching(np.arange(9.0), 3, constraints=side)
    order = [PROBLEM, constrained, PROBLEM]
    alone = [so.solve(problem) for problem in order]
    assert all(map(same, alone, so.solve_many(order)))


def test_many_of_none() -> None:
    assert so.solve_many([]) == []
    assert so.solve_many(iter(())) == []


def test_many_with_a_solver_that_threads_do_not_share() -> None:
    solver = Recording()
    solutions = so.solve_many([PROBLEM, PROBLEM], solver, threads=3, seed=5)
    assert [solution.solver for solution in solutions] == ["recording", "recording"]
    assert solver.asked == [Limits(threads=3, seed=5)] * 2


def test_many_with_threads_gives_each_problem_one() -> None:
    class Shared(Recording):
        concurrent: ClassVar[bool] = True

    solver = Shared()
    so.solve_many([PROBLEM] * 3, solver, threads=2, seed=5)
    assert solver.asked == [Limits(threads=1, seed=5)] * 3


def test_many_by_a_backend(many: list[so.MeanMatching]) -> None:
    if not catalogue.solver_class("highs").availability():
        pytest.skip("highs")
    alone = [so.solve(problem, "highs", threads=1) for problem in many[:3]]
    assert all(map(same, alone, so.solve_many(many[:3], "highs", threads=1)))


def test_many_checks_every_problem() -> None:
    with pytest.raises(so.UnsupportedProblem, match="stride"):
        so.solve_many([PROBLEM, VECTORS], "stride")
    with pytest.raises(so.UnknownSolver, match="nope"):
        so.solve_many([PROBLEM], "nope")
