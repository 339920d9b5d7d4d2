import pytest

from subsetopt.benchmarks.analysis._row_groups import (
    RisingLimits,
    final_rows,
    of_each_case,
    rising_limits,
    typical_seconds,
)
from subsetopt.benchmarks.analysis._target_values import aims, costs, described, first_times, target
from subsetopt.benchmarks.results import Row


def row(objective: float | None, limit: float | None, seconds: float = 1.0, **more: object) -> Row:
    plain = {"case": "c", "family": "mmd", "source": "x", "n": 8, "k": 2, "solver": "s"} | more
    took = (seconds,) if seconds else ()
    return Row(objective=objective, time_limit=limit, seconds=took, **plain)  # type: ignore[arg-type]


RUNGS = (row(3.0, 10.0, 9.0), row(None, 0.1, 0.1), row(5.0, 1.0, 1.0), row(4.0, None, 20.0))


def test_ladders_ascend_and_no_limit_is_the_longest() -> None:
    (run,) = rising_limits(RUNGS)
    assert [rung.time_limit for rung in run.rows] == [0.1, 1.0, 10.0, None]
    assert run.final is RUNGS[3]
    assert final_rows(RUNGS) == [RUNGS[3]]


def test_steps_are_the_best_so_far_by_time() -> None:
    (run,) = rising_limits(RUNGS)
    assert run.steps == ((1.0, 5.0), (9.0, 3.0))


def test_a_longer_limit_may_have_ended_sooner() -> None:
    assert RisingLimits((row(2.0, 1.0, 1.0), row(1.0, 10.0, 0.9))).steps == ((0.9, 1.0),)


def test_typical_seconds_are_medians_of_the_final_rows() -> None:
    rows = [row(1.0, 1.0, s, repeat=r) for r, s in enumerate((3.0, 1.0, 2.0))]
    rows += [row(1.0, 0.1, 99.0), row(None, 1.0, 0.0, solver="dead")]
    assert typical_seconds(rows) == {("c", "s"): 2.0}
    assert {pair: len(own) for pair, own in of_each_case(rows).items()} == {
        ("c", "s"): 3,
        ("c", "dead"): 1,
    }


@pytest.mark.parametrize(
    ("family", "level", "objective", "rank", "best", "met"),
    [
        ("mmd", "good", 1.0099, None, 1.0, True),
        ("mmd", "good", 1.0101, None, 1.0, False),
        ("mmd", "best", 1.0 + 1e-8, None, 1.0, True),
        ("mmd", "best", 1.0 + 3e-8, None, 1.0, False),
        ("quadratic", "good", -99.1, None, -100.0, True),
        ("quadratic", "good", -98.9, None, -100.0, False),
        ("quadratic", "best", -101.0, None, -100.0, True),
        ("quadratic", "best", 0.0, None, 0.0, True),
        ("quadratic", "good", 1e-12, None, 0.0, False),
        ("mean-matching", "good", 9.0, 0.001, 0.0, True),
        ("mean-matching", "good", 0.0, 0.002, 0.0, False),
        ("mean-matching", "good", 0.0, None, 0.0, False),
        ("mean-matching", "best", 1e-6, 1.0, 0.0, True),
        ("mean-matching", "best", 1.1e-6, 0.0, 0.0, False),
        ("sequence", "good", 0.219, None, 0.2, True),
        ("sequence", "best", 0.203, None, 0.2, False),
    ],
)
def test_goals(
    family: str, level: str, objective: float, rank: float | None, best: float, met: bool
) -> None:
    answer = row(objective, 1.0, family=family, random_rank=rank)
    assert target(family, level).met(answer, best) is met  # type: ignore[arg-type]


def test_the_aim_is_the_best_known_value_even_if_it_is_beaten() -> None:
    rows = [row(5.0, 1.0), row(4.0, 1.0, solver="t"), row(1.0, 1.0, case="d", best_known=2.0)]
    assert aims(rows) == {"c": 4.0, "d": 2.0}


def test_first_times_are_infinite_where_the_goal_is_never_met() -> None:
    rows = [row(2.0, 0.1, 0.1), row(1.0, 1.0, 0.8), row(1.5, 1.0, 1.0, repeat=1)]
    rows += [row(None, 1.0, 0.0, solver="dead")]
    inf = float("inf")
    assert first_times(rows, "good") == {("c", "s"): [0.8, inf], ("c", "dead"): [inf]}
    assert costs(rows, "good") == {("c", "s"): inf, ("c", "dead"): inf}
    rows += [row(1.0, 1.0, 0.5, repeat=2)]
    assert costs(rows, "good")["c", "s"] == 0.8


def test_goals_are_described() -> None:
    assert described([row(1.0, 1.0)], "good") == "within 1 % of the best"
    mixed = [row(1.0, 1.0), row(1.0, 1.0, family="sequence")]
    assert described(mixed, "good") == "good by the measure of their family"
    assert described([row(1.0, 1.0), row(1.0, 1.0, family="quadratic")], "best") == (
        "as good as the best"
    )
