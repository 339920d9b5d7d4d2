"""Wrong arguments of the front door: our own errors, which say what is wrong."""

import numpy as np
import pytest

import subsetopt as so


def test_what_is_no_problem() -> None:
    said = r"problem must be a problem such as MeanMatching\(values, k\); got "
    with pytest.raises(so.InvalidProblem, match=said + "list"):
        so.solve([1.0, 2.0], "swap")  # type: ignore[arg-type]
    with pytest.raises(so.InvalidProblem, match=said + r"ndarray of shape \(20,\)"):
        so.solve(np.ones(20), "swap")  # type: ignore[arg-type]


def test_what_many_problems_have_no_option_for() -> None:
    with pytest.raises(so.InvalidOption, match="solve_many has no option 'bound'; it has"):
        so.solve_many([so.MeanMatching([1.0, 2.0], 1)], bound="lp")


def test_what_is_no_solver() -> None:
    with pytest.raises(so.InvalidOption, match=r"solver must .*got 3"):
        so.solve(so.MeanMatching([1.0, 2.0], 1), 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("swap", "tolerance"),
        ("frank-wolfe", "tolerance"),
        ("exact", "max_seconds"),
        ("exact", "max_bytes"),
        ("cbc", "replay_seconds"),
    ],
)
@pytest.mark.parametrize("value", ["a", None, True, float("nan"), -1])
def test_options_of_a_wrong_type(name: str, option: str, value: object) -> None:
    with pytest.raises(so.InvalidOption, match=option):
        so.solver(name, **{option: value})


def test_numpy_numbers_are_numbers() -> None:
    problem = so.MeanMatching(np.arange(9.0) ** 2, 3)
    plain = so.solve(problem, "swap", seed=3, time_limit=1.0, absolute_gap=0.5)
    scalars = so.solve(
        problem,
        "swap",
        seed=np.int64(3),  # type: ignore[arg-type]
        time_limit=np.float32(1.0),  # type: ignore[arg-type]
        absolute_gap=np.float64(0.5),
    )
    assert scalars.indices is not None
    assert plain.indices is not None
    assert scalars.indices.tolist() == plain.indices.tolist()


def test_vectors_whose_squares_overflow() -> None:
    with pytest.raises(so.InvalidProblem, match="squared distances overflow"):
        so.MeanMatching(np.full((2, 2), 4e200), 1)
    with pytest.raises(so.InvalidProblem, match="target holds a magnitude"):
        so.MeanMatching(np.ones((2, 2)), 1, target=[4e200, 0.0])


def test_swap_ends_early_where_selections_are_few() -> None:
    problem = so.MeanMatching([1.0, 2.0, 4.0, 8.5, 16.0], 2)
    solution = so.solve(problem, "swap", time_limit=60.0)
    assert solution.stats.total_seconds < 20.0
    assert solution.termination is not so.Termination.TIME_LIMIT
