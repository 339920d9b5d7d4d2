from math import inf

import pytest

from subsetopt.benchmarks.analysis._anytime import anytime
from subsetopt.benchmarks.results import Row


def row(
    case: str, limit: float, objective: float | None, family: str = "mmd", **more: object
) -> Row:
    return Row(
        case=case,
        family=family,
        source="x",
        n=8,
        k=2,
        solver="s",
        time_limit=limit,
        objective=objective,
        seconds=(limit,),
        **more,  # type: ignore[arg-type]
    )


LADDER = {"1": (4.0, 2.0), "2": (None, 1.0), "3": (None, 1.5), "4": (3.0, None)}


def rows(family: str, **more: object) -> list[Row]:
    return [
        row(case, limit, value, family, **more)
        for case, values in LADDER.items()
        for limit, value in zip((1.0, 100.0), values, strict=True)
    ]


def test_medians_begin_when_half_of_the_cases_have_an_answer() -> None:
    found = anytime(rows("mean-matching"), points=3)
    assert (found.relative, found.left_out) == (False, 0)
    assert found.times == pytest.approx((1.0, 10.0, 100.0))
    (curve,) = found.curves
    assert curve.median == (4.0, 4.0, 1.5)
    assert curve.lower == (3.0, 3.0, 1.0)
    assert curve.upper == (inf, inf, 2.0)


def test_gaps_are_to_the_best_known_value() -> None:
    found = anytime(rows("mmd", best_known=0.5), points=2)
    assert found.relative
    assert found.curves[0].median == pytest.approx((7.0, 2.0))
    assert found.curves[0].lower == pytest.approx((5.0, 1.0))


def test_a_case_is_the_median_of_its_repeats() -> None:
    repeated = [row("1", 1.0, v, "sequence", repeat=i) for i, v in enumerate((1.0, None, 3.0))]
    (curve,) = anytime(repeated).curves
    assert (curve.cases, curve.median) == (1, (3.0,))


def test_cases_whose_best_is_zero_are_left_out_of_gaps() -> None:
    found = anytime([row("1", 1.0, 0.0), row("2", 1.0, 3.0)])
    assert (found.left_out, found.curves[0].median) == (1, (0.0,))
    assert anytime([row("1", 1.0, 0.0)]).curves == ()


def test_no_answer_at_all() -> None:
    assert anytime([row("1", 1.0, None)]).curves[0].median == (inf,)
