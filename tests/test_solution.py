"""A solution as data: both ways through JSON, and the gaps."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so

SOLUTION = so.Solution(
    indices=np.array([1, 4], dtype=np.int64),
    n=6,
    k=2,
    objective=0.1 + 0.2,
    bound=0.1,
    termination=so.Termination.TIME_LIMIT,
    certificate=so.Certificate(so.CertificateKind.BOUND, 0.2, "why"),
    stats=so.Stats(0.25, 1 / 3, 2 / 3, 17, 1 / 7),
    solver="swap",
    version="1.2",
    message="a message, with “quotes” and\nlines",
)
UNBOUNDED = replace(SOLUTION, bound=None, certificate=so.Certificate(so.CertificateKind.NONE))
EMPTY = replace(
    SOLUTION,
    indices=None,
    objective=None,
    certificate=so.Certificate(so.CertificateKind.NONE, reason="no selection"),
    stats=so.Stats(0.0, 0.0, 0.0),
)


def assert_identical(one: so.Solution, other: so.Solution) -> None:
    for field in one.__dataclass_fields__:
        mine, theirs = getattr(one, field), getattr(other, field)
        assert type(mine) is type(theirs)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
        else:
            assert mine == theirs


@pytest.mark.parametrize("solution", [SOLUTION, EMPTY], ids=["selection", "none"])
@pytest.mark.parametrize("indent", [None, 2])
def test_json_both_ways(solution: so.Solution, indent: int | None) -> None:
    assert_identical(so.Solution.from_json(solution.to_json(indent)), solution)
    assert_identical(so.Solution.from_dict(solution.to_dict()), solution)


def test_solutions_without_warm_up_seconds_are_read() -> None:
    data = EMPTY.to_dict()
    del data["warmup_seconds"]
    assert_identical(so.Solution.from_dict(data), EMPTY)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(objective=st.floats(allow_nan=False, allow_infinity=False))
def test_floats_survive_bit_for_bit(objective: float) -> None:
    back = so.Solution.from_json(replace(UNBOUNDED, objective=objective).to_json())
    assert np.float64(back.objective).tobytes() == np.float64(objective).tobytes()


def test_json_is_strict() -> None:
    assert json.loads(SOLUTION.to_json())["termination"] == "time_limit"


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "NaN", "3", '"text"', "{}", '{"n": 1}'])
def test_garbage(text: str) -> None:
    with pytest.raises(so.InvalidFile, match="this is no"):
        so.Solution.from_json(text)


@pytest.mark.parametrize(
    "key", sorted(set(SOLUTION.to_dict()) - {"gap", "absolute_gap", "warmup_seconds"})
)
def test_missing_keys(key: str) -> None:
    data = SOLUTION.to_dict()
    del data[key]
    with pytest.raises(so.InvalidFile, match=key):
        so.Solution.from_dict(data)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("indices", "ab"),
        ("indices", 5),
        ("indices", [1.5, 2]),
        ("indices", [[1]]),
        ("indices", [5, 6]),
        ("indices", [-1, 0]),
        ("indices", [1, 1]),
        ("n", "x"),
        ("n", -3),
        ("k", None),
        ("k", True),
        ("objective", "a"),
        ("bound", [1]),
        ("termination", "odd"),
        ("certificate", None),
        ("certificate", {}),
        ("certificate", {"kind": "odd", "eps": None, "reason": ""}),
        ("build_seconds", "q"),
        ("iterations", "q"),
        ("solver", 3),
    ],
)
def test_values_that_cannot_be(key: str, value: Any) -> None:
    with pytest.raises(so.InvalidFile, match="this is not a solution"):
        so.Solution.from_dict({**SOLUTION.to_dict(), key: value})


def test_mask() -> None:
    np.testing.assert_array_equal(SOLUTION.mask, [False, True, False, False, True, False])
    np.testing.assert_array_equal(EMPTY.mask, np.zeros(6, dtype=bool))


@pytest.mark.parametrize(
    ("objective", "bound", "gap", "absolute"),
    [
        (4.0, 3.0, 0.25, 1.0),
        (4.0, 0.0, 1.0, 4.0),
        (4.0, 4.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0),
        (-2.0, -3.0, 0.5, 1.0),
        (0.0, -1.0, None, 1.0),
        (4.0, None, None, None),
        (1.0, 0.9, 1.0 - 0.9, 1.0 - 0.9),
        (1.0, 1e-30, 1.0, 1.0),
    ],
)
def test_gaps(
    objective: float, bound: float | None, gap: float | None, absolute: float | None
) -> None:
    solution = replace(UNBOUNDED, objective=objective, bound=bound)
    assert solution.gap == gap
    assert solution.absolute_gap == absolute
    assert solution.to_dict()["gap"] == gap
    assert solution.to_dict()["absolute_gap"] == absolute


def test_an_exact_answer_has_no_gap() -> None:
    certificate = so.Certificate(so.CertificateKind.EXACT, 0.0)
    solution = replace(
        SOLUTION, objective=0.3, bound=math.nextafter(0.3, 0), certificate=certificate
    )
    assert solution.gap == solution.absolute_gap == 0.0
    assert EMPTY.gap is EMPTY.absolute_gap is None


@pytest.mark.parametrize(
    ("kind", "eps"),
    [
        ("bound", -7e-15),
        ("bound", math.nan),
        ("tolerance", math.inf),
        ("bound", None),
        ("exact", 1e-9),
    ],
)
def test_certificates_that_cannot_be(kind: str, eps: float | None) -> None:
    with pytest.raises(so.InvalidResult, match="eps"):
        so.Certificate(so.CertificateKind(kind), eps)
    data = SOLUTION.to_dict()
    with pytest.raises(so.InvalidFile, match="eps"):
        so.Solution.from_dict({**data, "certificate": {"kind": kind, "eps": eps, "reason": ""}})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"objective": 0.05}, "the bound 0.1 is above the objective 0.05"),
        ({"objective": math.inf}, "objective of a solution must be finite; got inf"),
        ({"bound": -math.inf}, "bound of a solution must be finite; got -inf"),
        ({"bound": math.nan}, "bound of a solution must be finite; got nan"),
        ({"bound": None}, "needs a bound"),
        ({"indices": None}, "both a selection and its objective"),
        ({"objective": None}, "both a selection and its objective"),
        ({"indices": None, "objective": None}, "needs a selection"),
    ],
)
def test_solutions_that_cannot_be(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(so.InvalidResult, match=message):
        replace(SOLUTION, **wrong)


def test_certificates_read_well() -> None:
    kinds = so.CertificateKind
    assert str(so.Certificate(kinds.EXACT, 0.0)) == "exact"
    assert str(so.Certificate(kinds.BOUND, 0.0123)) == "bound (0.012)"
    assert str(so.Certificate(kinds.TOLERANCE, 1e-6)) == "tolerance (1e-06)"
    assert str(so.Certificate(kinds.NONE)) == "none"


X = np.random.default_rng(0).normal(size=(30, 2))


@pytest.mark.parametrize(
    ("problem", "shown"),
    [
        (so.MMDSelection(X, 5), ["The candidates", "The objective"]),
        (so.MeanMatching(X[:, 0], 5), ["The candidates", "The objective"]),
        (so.MeanMatching(X, 5), ["The candidates", "The objective"]),
        (so.QuadraticSelection(X @ X.T, k=5, sense="maximise"), ["The objective"]),
        (so.MMDSelection(np.exp(X @ X.T), 5, kernel="precomputed"), ["The objective"]),
    ],
)
def test_pictures(problem: Any, shown: list[str], tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib.figure")
    solution = so.solve(problem, "random", time_limit=0.05)
    figure = solution.plot(problem)
    assert [axes.get_title(loc="left") for axes in figure.axes] == shown
    (axes,) = matplotlib.Figure().subplots(1, 1, squeeze=False).ravel()
    assert solution.plot(problem, axes=axes) is axes
    assert axes.get_title() == shown[0]
    solution.plot(problem, tmp_path / "one.svg")
    assert f"5 of 30 by {solution.solver}" in (tmp_path / "one.svg").read_text()
    nothing = replace(
        solution, indices=None, objective=None, certificate=so.Certificate(so.CertificateKind.NONE)
    )
    with pytest.raises(so.InvalidProblem, match="no selection to draw"):
        nothing.plot(problem)


def test_pictures_show_features_as_they_are_compared() -> None:
    pytest.importorskip("matplotlib")
    problem = so.MMDSelection(X * [1.0, 1e6], 5, kernel=so.Gaussian(), scale_columns="std")
    solution = so.solve(problem, "random", time_limit=0.05)
    plane = solution.plot(problem).axes[0]
    assert max(map(abs, plane.get_ylim())) < 10
    assert "100 %" not in plane.get_xlabel()
