"""Nothing of a solver's answer is taken on trust: planted liars, and what becomes of them."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so
from subsetopt._rounding import down, up
from subsetopt.certification import Begun, certify
from subsetopt.limits import Limits
from subsetopt.solvers.base import Kind, RawResult, Solver

OPTIMAL, FINISHED = so.Termination.OPTIMAL, so.Termination.FINISHED
PROBLEM = so.MeanMatching([0.1, 0.25, 0.7, 1.3, 2.9], k=2)
BEST, WORSE = [2, 3], [1, 3]


@dataclass(frozen=True)
class Planted(Solver):
    """Says what the test wants it to say."""

    said: RawResult

    name: ClassVar[str] = "planted"
    kind: ClassVar[Kind] = Kind.HEURISTIC
    summary: ClassVar[str] = "says what it is told"
    choose_when: ClassVar[str] = "testing"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        return self.said


def solved(
    indices: Any,
    termination: so.Termination = FINISHED,
    problem: so.MeanMatching = PROBLEM,
    **said: Any,
) -> so.Solution:
    given: Any = indices
    return so.solve(
        problem, Planted(RawResult(indices=given, termination=termination, **said)), time_limit=1
    )


def test_the_examples_are_what_they_seem() -> None:
    assert PROBLEM.objective(BEST) < PROBLEM.objective(WORSE)
    assert 0 < PROBLEM.lower_bound() < PROBLEM.exact_objective(BEST)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([1], "must be 2 distinct candidates; got 1"),
        ([0, 1, 2], "must be 2 distinct candidates; got 3"),
        ([], "must be 2 distinct candidates; got 0"),
        ([1, 1], "indices must be distinct; got 1 more than once"),
        ([1, 5], r"indices must be in \[0, 4\]; got 5"),
        ([-1, 2], "indices must be >= 0; got -1"),
        (np.array([1.0, 2.0]), "float64"),
        (np.array([False, True, True, False, False]), "bool"),
        (np.array([[1, 2]]), r"shape \(1, 2\)"),
        ([[0], [1, 2]], "cannot be read"),
        ("ab", "shape"),
    ],
)
def test_no_selection_of_the_problem(indices: Any, message: str) -> None:
    with pytest.raises(so.InvalidResult, match=f"solver 'planted' .*{message}"):
        solved(indices)


def test_order_and_integer_type_do_not_matter() -> None:
    solution = solved(np.array([3, 2], dtype=np.uint8))
    assert solution.indices is not None
    assert solution.indices.dtype == np.int64
    np.testing.assert_array_equal(solution.indices, [2, 3])


def test_a_bound_above_the_objective() -> None:
    with pytest.raises(so.InvalidResult, match=r"solver 'planted' claims the bound 9.0, above"):
        solved(BEST, bound=9.0)
    with pytest.raises(so.InvalidResult, match="planted"):
        solved(BEST, bound=PROBLEM.objective(BEST) + 1e-3, eps=1e-4)


@pytest.mark.parametrize("termination", [OPTIMAL, FINISHED])
def test_success_without_a_selection(termination: so.Termination) -> None:
    with pytest.raises(so.InvalidResult, match=f"'planted' reports {termination} but returned no"):
        solved(None, termination)


def test_failure_without_a_selection_is_an_answer() -> None:
    solution = solved(None, so.Termination.TIME_LIMIT, bound=1e9, message="too slow")
    assert solution.indices is None
    assert solution.objective is None
    assert solution.bound == down(PROBLEM.lower_bound())  # not its own, which nothing checks
    assert solution.certificate.kind is so.CertificateKind.NONE
    assert solution.termination is so.Termination.TIME_LIMIT
    assert solution.message == "too slow"


@pytest.mark.parametrize("proven", [True, False])
def test_the_objective_is_the_problems(proven: bool) -> None:
    solution = solved(WORSE, OPTIMAL, bound=0.0, eps=0.0, proven=proven)
    assert solution.objective == PROBLEM.objective(WORSE)
    assert solution.solver == "planted"


def test_a_false_optimum_within_tolerances_is_never_exact() -> None:
    """It says optimal, while a better selection exists: its word is passed on as its word."""
    solution = solved(WORSE, OPTIMAL, eps=1e-9)
    assert solution.certificate.kind is so.CertificateKind.TOLERANCE
    assert solution.certificate.eps == 1e-9
    assert "claim" in solution.certificate.reason
    assert solution.bound == down(PROBLEM.lower_bound())
    assert solution.gap is not None
    assert solution.gap > 0


def test_a_tolerance_wider_than_the_known_bound_is_not_repeated() -> None:
    solution = solved(BEST, OPTIMAL, eps=100.0)
    assert solution.certificate.kind is so.CertificateKind.BOUND
    assert solution.certificate.eps == solution.absolute_gap


def test_an_optimum_claimed_with_no_number_behind_it() -> None:
    solution = solved(BEST, OPTIMAL)
    assert solution.certificate.kind is so.CertificateKind.BOUND


def test_a_claimed_bound_is_lowered_by_its_tolerance() -> None:
    objective = PROBLEM.objective(BEST)
    claimed = (objective + float(PROBLEM.lower_bound())) / 2
    plain, loose = (solved(BEST, bound=claimed, eps=eps) for eps in (None, 1e-3))
    assert plain.bound is not None
    assert loose.bound is not None
    assert claimed - 1e-8 < plain.bound < claimed
    assert plain.bound - loose.bound == pytest.approx(1e-3)
    assert plain.certificate.kind is so.CertificateKind.BOUND
    value = max(PROBLEM.exact_objective(BEST), Fraction(objective))
    assert plain.certificate.eps == up(value - Fraction(plain.bound))


def test_a_rational_bound_is_taken_as_it_stands() -> None:
    third = Fraction(1, 30)
    solution = solved(BEST, bound=third)
    assert solution.bound == down(third) < third
    assert solved(BEST, bound=third, eps=0.01).bound == down(third - Fraction(0.01))


@pytest.mark.parametrize("claimed", [-5.0, -math.inf, None])
def test_worthless_bounds_give_way_to_the_problems_own(claimed: float | None) -> None:
    solution = solved(BEST, bound=claimed)
    assert solution.bound == down(PROBLEM.lower_bound())


def test_proven() -> None:
    solution = solved(BEST, OPTIMAL, proven=True)
    assert solution.certificate.kind is so.CertificateKind.EXACT
    assert solution.certificate.eps == 0.0
    exact = PROBLEM.exact_objective(BEST)
    assert solution.bound == min(down(exact), PROBLEM.objective(BEST)) <= exact
    assert solution.gap == solution.absolute_gap == 0.0


@pytest.mark.parametrize("said", [FINISHED, so.Termination.ITERATION_LIMIT, OPTIMAL])
def test_attaining_the_lower_bound_is_a_proof(said: so.Termination) -> None:
    problem = so.MeanMatching([1.0, 2.0, 3.0, 10.0], k=2, target=2.0)
    solution = solved([0, 2], said, problem)
    assert solution.termination is OPTIMAL
    assert solution.certificate.kind is so.CertificateKind.EXACT
    assert "exact arithmetic" in solution.certificate.reason
    assert solution.bound == solution.objective == 0.0


@pytest.mark.parametrize("said", [so.Termination.TIME_LIMIT, so.Termination.INTERRUPTED])
def test_why_it_stopped_is_not_what_is_held(said: so.Termination) -> None:
    problem = so.MeanMatching([1.0, 2.0, 3.0, 10.0], k=2, target=2.0)
    solution = solved([0, 2], said, problem)
    assert solution.termination is said
    assert solution.certificate.kind is so.CertificateKind.EXACT


def test_an_objective_that_rounds_to_the_bound_does_not_attain_it() -> None:
    # exactly 2**-1080 off the lower bound of zero, which no float64 tells from zero
    tiny = 5e-324
    problem = so.MeanMatching([tiny, 0.0, 0.0, 0.0, 0.0], k=5, target=0.0)
    assert problem.objective(range(5)) == 0.0
    assert problem.exact_objective(range(5)) > 0
    other = so.MeanMatching([tiny, 0.0, 0.0, 0.0, 0.0], k=4, target=0.0)
    assert solved([0, 1, 2, 3], problem=other).certificate.kind is not so.CertificateKind.EXACT
    assert solved([1, 2, 3, 4], problem=other).certificate.kind is so.CertificateKind.EXACT


@dataclass(frozen=True)
class Acting(Planted):
    """Does what the test wants it to do, then gives a good answer."""

    act: Callable[[Any], object] = print

    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        self.act(problem)
        return self.said


def raising(error: BaseException) -> Callable[[Any], object]:
    def act(problem: Any) -> None:
        raise error

    return act


def acted(act: Callable[[Any], object], problem: so.MeanMatching) -> so.Solution:
    given: Any = BEST
    return so.solve(problem, Acting(RawResult(indices=given, termination=FINISHED), act))


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), KeyError("a"), RecursionError()])
def test_what_a_solver_raises_is_named_and_not_hidden(error: Exception) -> None:
    with pytest.raises(
        so.InvalidResult, match=f"solver 'planted' failed with {type(error).__name__}"
    ) as caught:
        acted(raising(error), PROBLEM)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        so.TooLarge("it would take a year", seconds=3e7, bytes=1.0),
        so.UnsupportedProblem("not this one"),
        KeyboardInterrupt(),
        MemoryError(),
    ],
)
def test_what_is_raised_on_purpose_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        acted(raising(error), PROBLEM)
    assert caught.value is error


def writes_values(problem: Any) -> None:
    problem.values.setflags(write=True)
    problem.values[0] = 0.15


@pytest.mark.parametrize(
    "act",
    [
        writes_values,
        lambda problem: object.__setattr__(problem, "k", 3),
        lambda problem: object.__setattr__(problem, "target", 0.5),
        lambda problem: object.__setattr__(problem, "values", np.arange(5.0)),
        lambda problem: object.__setattr__(problem, "cardinality", "at_most"),
    ],
)
def test_a_solver_that_changes_the_problem(act: Callable[[Any], object]) -> None:
    problem = so.MeanMatching([0.1, 0.25, 0.7, 1.3, 2.9], k=2)
    with pytest.raises(so.InvalidResult, match="solver 'planted' changed the problem"):
        acted(act, problem)


def test_a_solver_that_changes_a_kernel_matrix() -> None:
    def act(problem: Any) -> None:
        matrix = problem.quadratic_form().matrix
        matrix.setflags(write=True)
        matrix[0, 1] = matrix[1, 0] = 0.0

    problem = so.MMDSelection(np.arange(5.0), k=2)
    said = RawResult(indices=np.array([0, 1]), termination=FINISHED)
    liar = type("Liar", (Acting,), {"handles": ("mmd",)})(said, act)
    with pytest.raises(so.InvalidResult, match="solver 'planted' changed the problem"):
        so.solve(problem, liar)


@pytest.mark.parametrize("answer", [None, 3, ([0, 1], 0.5), {"indices": [0, 1]}])
def test_no_answer_at_all(answer: Any) -> None:
    with pytest.raises(so.InvalidResult, match="'planted' must return a RawResult; got"):
        so.solve(PROBLEM, Planted(answer))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("eps", -1e-9),
        ("eps", math.nan),
        ("eps", "small"),
        ("eps", True),
        ("bound", math.nan),
        ("bound", math.inf),
        ("bound", "low"),
        ("bound", np.zeros(1)),
        ("bound", False),
        ("proven", 1),
        ("termination", "optimal"),
        ("termination", None),
        ("build_seconds", -1.0),
        ("solve_seconds", None),
        ("solve_seconds", math.inf),
        ("iterations", 1.5),
        ("iterations", -1),
        ("message", None),
    ],
)
def test_parts_that_cannot_be(part: str, value: Any) -> None:
    given: Any = BEST
    said = RawResult(indices=given, termination=OPTIMAL)
    with pytest.raises(so.InvalidResult, match=f"solver 'planted' .*: {part} must be .*; got"):
        acted(lambda problem: replace(said, **{part: value}), PROBLEM)


def test_numbers_of_numpy_become_pythons() -> None:
    said: Any = {"iterations": np.int64(7), "solve_seconds": np.float32(0.5), "eps": np.float64(1)}
    solution = solved(BEST, OPTIMAL, bound=np.float32(-1), **said)
    assert type(solution.stats.iterations) is int
    assert json.loads(solution.to_json())["solve_seconds"] == 0.5


# -- bounds and rounding --------------------------------------------------------------------------

QUADRATIC = so.QuadraticSelection(np.full((7, 7), 0.7), k=7, sense="maximise")


@dataclass(frozen=True)
class Quadratic(Planted):
    handles: ClassVar[tuple[str, ...]] = ("quadratic",)


def test_a_bound_that_rounding_puts_above_the_objective_is_clipped_and_said() -> None:
    objective = QUADRATIC.objective(range(7))
    allowed = QUADRATIC.rounding(range(7))
    assert abs(Fraction(objective) - QUADRATIC.exact_objective(range(7))) <= allowed
    answer = RawResult(indices=np.arange(7), termination=FINISHED)
    solution = certify(QUADRATIC, Quadratic(answer), answer, Begun(), objective + allowed / 2)
    assert solution.bound == objective
    assert solution.certificate.kind is so.CertificateKind.BOUND
    assert solution.certificate.eps == 0.0
    assert "rounding" in solution.certificate.reason
    with pytest.raises(so.InvalidResult, match=r"the lower bound worked out is .* above"):
        certify(QUADRATIC, Quadratic(answer), answer, Begun(), objective + 3 * allowed)


@pytest.mark.parametrize("method", ["fw", "sdp"])
def test_no_bound_lies_above_the_objective(method: str) -> None:
    for k in range(1, 8):
        problem = so.QuadraticSelection(np.full((7, 7), 0.7), k=k, sense="maximise")
        solution = so.solve(problem, "greedy", bound=method)
        assert solution.bound is not None
        assert solution.bound <= problem.exact_objective(range(k))
        assert solution.certificate.eps is not None
        assert solution.certificate.eps >= 0


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    values=st.lists(
        st.floats(-1e3, 1e3) | st.sampled_from([0.1, 1 / 3, 5e-324]), min_size=2, max_size=9
    ),
    data=st.data(),
)
def test_bounds_of_scalars_are_rounded_down(values: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(values)))
    target = data.draw(st.none() | st.floats(-2e3, 2e3))
    problem = so.MeanMatching(values, k, target)
    best = min(map(problem.exact_objective, combinations(range(len(values)), k)))
    solution = so.solve(problem, "stride")
    assert solution.bound is not None
    assert solution.objective is not None
    assert solution.certificate.eps is not None
    assert solution.bound <= best
    assert Fraction(solution.objective) - Fraction(solution.certificate.eps) <= best


def test_times_and_counts_are_passed_on() -> None:
    solution = solved(BEST, build_seconds=0.25, solve_seconds=0.5, iterations=7)
    assert (solution.stats.build_seconds, solution.stats.solve_seconds) == (0.25, 0.5)
    assert solution.stats.iterations == 7
    assert 0 < solution.stats.total_seconds < 60
