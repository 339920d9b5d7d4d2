"""The table of time limits: what is measured, and what counts as kept."""

import math
from typing import Any

import pytest

import subsetopt as so
from subsetopt.benchmarks.scripts import time_limits
from subsetopt.benchmarks.scripts.time_limits import Call, LimitCase


@pytest.mark.parametrize("case", time_limits.CASES, ids=lambda case: case.name)
def test_the_small_problem_is_of_the_same_kind(case: LimitCase) -> None:
    problem = case.small().stated()
    assert problem.family == case.family
    assert problem.n <= 40
    assert 0 < problem.k < problem.n
    array: Any = getattr(problem, "values", None)
    if array is None:
        array = problem.quadratic_form().matrix
    assert array.dtype == case.dtype


def test_what_may_be_asked_of_a_case() -> None:
    vectors, scalars = (
        LimitCase("vector-mean-matching", 9, 3, 2),
        LimitCase("mean-matching", 9, 3, 1),
    )
    asked = ["stride", "swap", "tabu", "bound-fw"]
    names = {call.name for call in time_limits.calls(vectors, asked, (1.0, 2.0))}
    assert names == {"swap", "tabu", "bound fw"}
    assert {c.name for c in time_limits.calls(scalars, asked, (1.0,))} == {"stride", "swap"}


def test_allowed() -> None:
    assert Call("swap", 1.0).allowed == 1.3
    assert Call("swap", 10.0).allowed == 11.0


def test_a_row_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    case = LimitCase("quadratic", 30, 6)
    row = time_limits.measured(case, case.stated(), Call("random", 5.0))
    assert row["outcome"] == "finished"
    assert row["kept"]
    assert 0 <= row["seconds"] < 5.0
    row = time_limits.measured(case, case.stated(), Call("exact", 5.0))
    assert row["outcome"] == "UnsupportedProblem"

    def refuse(*_: object) -> so.Solution:
        raise so.TooLarge("for a test", seconds=1.0, bytes=1)

    monkeypatch.setattr(Call, "solve", refuse)
    row = time_limits.measured(case, case.stated(), Call("random", 5.0))
    assert row["outcome"] == "refused"


def test_a_process_that_dies_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> so.Solution:
        raise SystemExit(3)

    monkeypatch.setattr(Call, "solve", die)
    case = LimitCase("quadratic", 30, 6)
    row = time_limits.measured(case, case.stated(), Call("random", 5.0))
    assert row["outcome"] == "its process died"
    assert not row["kept"]
    assert math.isnan(row["seconds"])


def test_pivoted() -> None:
    rows = [
        {"case": "a", "solver": "x", "limit": 1.0, "seconds": 0.5, "outcome": "o", "kept": True},
        {"case": "a", "solver": "y", "limit": 1.0, "seconds": 2.0, "outcome": "o", "kept": False},
        {
            "case": "b",
            "solver": "x",
            "limit": 1.0,
            "seconds": 0.0,
            "outcome": "refused",
            "kept": True,
        },
    ]
    assert time_limits.pivoted(rows) == [
        {"case": "a", "x, 1 s": "0.50", "y, 1 s": "2.00 late"},
        {"case": "b", "x, 1 s": "refused", "y, 1 s": "-"},
    ]
