"""Backends on problems on which they overstay: an answer in time, never less than the start."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.cli import exits
from subsetopt.limits import Limits
from subsetopt.solvers import bounds, catalogue
from subsetopt.solvers.heuristics import _start
from subsetopt.solvers.relaxations import _lp_engines

MARGIN = 8.0
"""Seconds past the limit that a busy machine may take; without an end to it CBC took 15 s at this
size, and SCIP and HiGHS more than a minute after Ctrl-C."""


def _backends() -> Iterator[Any]:
    for name in ("cbc", "scip", "highs", "cpsat"):
        available = catalogue.solver_class(name).availability()
        mark = pytest.mark.skipif(not available, reason=available.reason or "available")
        yield pytest.param(name, marks=mark)


backend = pytest.mark.parametrize("name", list(_backends()))


def dense(n: int, k: int) -> so.QuadraticSelection:
    return so.QuadraticSelection(np.random.default_rng(5).normal(size=(n, n)), k=k)


@backend
def test_the_limit_is_kept_and_there_is_a_selection(name: str) -> None:
    problem = dense(200, 40)
    start: Any = _start.quick(problem, Limits(time_limit=0.5))
    so.solve(dense(70, 3), name, time_limit=0.01)  # the process is there
    solution: Any = so.solve(problem, name, time_limit=0.5, threads=1)
    assert solution.stats.total_seconds < 0.5 + MARGIN
    assert solution.termination is so.Termination.TIME_LIMIT
    assert solution.objective <= problem.objective(start.indices)
    assert solution.bound is None or solution.bound <= solution.objective


def test_a_start_that_keeps_constraints_takes_a_tenth_of_the_moves() -> None:
    """Each takes ten times as long."""
    matrix = dense(40, 8).quadratic_form().matrix
    rules = so.Constraints(quotas=so.Quota(np.arange(40) % 2, at_least=2))
    for seconds in (math.inf, 1.0):
        free = _start._heuristic(so.QuadraticSelection(matrix, k=8), seconds)
        kept = _start._heuristic(so.QuadraticSelection(matrix, k=8, constraints=rules), seconds)
        assert kept.iterations * 10 == free.iterations  # type: ignore[attr-defined]


@backend
@pytest.mark.parametrize("kind", ["quadratic", "mmd", "vectors", "scalars"])
def test_never_less_than_the_start(name: str, kind: str) -> None:
    rng = np.random.default_rng(6)
    points = rng.normal(size=(24, 3))
    problem: Any = {
        "quadratic": dense(24, 6),
        "mmd": so.MMDSelection(points, k=5),
        "vectors": so.MeanMatching(points, k=6, cardinality="at_most", target=[1.0, 0.0, 2.0]),
        "scalars": so.MeanMatching(points[:, 0], k=6),
    }[kind]
    start: Any = _start.quick(problem, Limits(time_limit=1e-3))
    solution: Any = so.solve(problem, name, time_limit=1e-3, threads=1)
    assert solution.objective <= problem.objective(start.indices)
    if np.array_equal(solution.indices, start.indices):
        assert f"the selection is the start, by {start.by}" in solution.message
    cold = so.solve(problem, so.solver(name, warm_start=False), time_limit=1e-3, threads=1)
    assert "the selection is the start" not in cold.message


@pytest.mark.parametrize("name", ["scip", "highs", "cpsat"])
def test_the_start_is_handed_over(name: str) -> None:
    """What they have first is the start: they need not find it."""
    if not so.solver(name).availability():
        pytest.skip(f"{name} is missing")
    from time import monotonic

    from subsetopt.solvers.backends._adapter import Watch

    problem = dense(20, 6)
    start: Any = _start.quick(problem, Limits())
    reported: list[Any] = []
    so.solve(dense(5, 2), name)  # imports
    solver: Any = so.solver(name)
    watch = Watch(
        start=start.indices,
        deadline=monotonic() + 3.0,
        report=lambda answer, final=False: reported.append(answer),
    )
    solver.search(problem, Limits(threads=1, time_limit=3.0), watch)
    first = problem.objective(reported[0].indices)
    assert first <= problem.objective(start.indices) + 1e-9


# -- bounds ---------------------------------------------------------------------------------------


def test_a_quadratic_program_that_goes_round_in_circles_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """HiGHS does so now and then; here it is out of iterations at once."""
    pytest.importorskip("highspy")
    for limit in ("_ITERATIONS", "_ITERATIONS_EACH"):
        monkeypatch.setattr(_lp_engines, limit, 0)
    problem = so.MeanMatching(np.random.default_rng(0).normal(size=(12, 3)), k=5)
    solution: Any = so.solve(problem, "greedy", bound="qp")
    assert solution.bound <= solution.objective
    assert "ended as iteration_limit; the bound is that of 'fw' instead" in solution.message
    rounded: Any = so.solve(problem, so.solver("lp-rounding", linearisation="qp"))
    assert rounded.indices is not None
    assert "'fw' instead" in rounded.message


@pytest.mark.parametrize("method", ["qp", "rlt"])
def test_a_bound_keeps_the_limit(method: str) -> None:
    pytest.importorskip("highspy")
    problem = dense(200, 40)
    solution: Any = so.solve(problem, "greedy", bound=method, time_limit=0.5)
    assert solution.stats.total_seconds < 1.0 + 2 * MARGIN
    assert solution.indices is not None


def _raises(*_: object) -> Any:
    raise KeyboardInterrupt


def _is_interrupted(*_: object) -> Any:
    return bounds.LowerBound(-1e9, interrupted=True, note="bound: stopped")


@pytest.mark.parametrize("work", [_raises, _is_interrupted])
def test_ctrl_c_while_bounding_keeps_the_selection(
    work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "METHODS", {**bounds.METHODS, "sdp": work})
    problem = dense(12, 4)
    alone: Any = so.solve(problem, "greedy")
    solution: Any = so.solve(problem, "greedy", bound="sdp")
    np.testing.assert_array_equal(solution.indices, alone.indices)
    assert solution.termination is so.Termination.INTERRUPTED
    assert "bound: " in solution.message
    assert exits.of_solution(solution) == 130


def test_after_ctrl_c_nothing_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from subsetopt.solvers.base import RawResult
    from subsetopt.solvers.heuristics.greedy import Greedy

    def interrupted(self: Any, problem: Any, limits: Limits) -> RawResult:
        return RawResult(indices=np.arange(4), termination=so.Termination.INTERRUPTED)

    monkeypatch.setattr(Greedy, "_solve", interrupted)
    monkeypatch.setattr(bounds, "METHODS", {"fw": None})
    solution = so.solve(dense(12, 4), "greedy", bound="fw")
    assert solution.termination is so.Termination.INTERRUPTED
    np.testing.assert_array_equal(solution.indices, np.arange(4))
