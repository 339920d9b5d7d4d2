import numpy as np
import pytest

from subsetopt.benchmarks.analysis._size_scaling import scaling
from subsetopt.benchmarks.results import Row
from subsetopt.solution import Termination


def row(n: int, seconds: float, solver: str = "s", case: str = "", **more: object) -> Row:
    more = {"termination": Termination.FINISHED, "objective": 1.0} | more
    return Row(
        case=case or f"c{n}",
        family="mmd",
        source="x",
        n=n,
        k=2,
        solver=solver,
        time_limit=10.0,
        seconds=(seconds,),
        **more,  # type: ignore[arg-type]
    )


def test_a_power_law_is_recovered() -> None:
    curve = scaling([row(n, 3e-6 * n**1.7) for n in (100, 200, 800)]).curves[0]
    assert curve.fit is not None
    assert (curve.fit.exponent, curve.fit.factor) == pytest.approx((1.7, 3e-6))
    assert (curve.fit.low, curve.fit.high) == pytest.approx((1.7, 1.7))
    assert curve.fit.seconds(400) == pytest.approx(3e-6 * 400**1.7)


def test_intervals_hold_the_exponent_about_as_often_as_they_say() -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        rows = [row(n, n**2 * rng.lognormal(0, 0.3)) for n in (100, 200, 400, 800)]
        fit = scaling(rows).curves[0].fit
        assert fit is not None
        held += fit.low <= 2 <= fit.high
    assert 180 <= held <= 199


def test_times_that_a_limit_cut_off_are_kept_but_not_fitted() -> None:
    rows = [row(n, n / 100.0) for n in (100, 200, 400)]
    rows.append(row(800, 0.1, termination=Termination.TIME_LIMIT))
    curve = scaling(rows).curves[0]
    assert [point.ended for point in curve.points] == [True, True, True, False]
    assert curve.fit is not None
    assert curve.fit.exponent == pytest.approx(1.0)
    assert curve.fit.points == 3


def test_two_sizes_are_no_fit() -> None:
    rows = [row(n, 1.0, case=f"{n}{i}") for n in (100, 200) for i in range(5)]
    assert scaling(rows).curves[0].fit is None


def test_repeats_are_one_point_and_the_flattest_comes_first() -> None:
    rows = [row(100, s, repeat=r) for r, s in enumerate((5.0, 1.0, 2.0))]
    rows += [
        row(n, n**power, solver) for n in (10, 20, 40) for solver, power in (("b", 2), ("a", 1))
    ]
    found = scaling(rows)
    assert [curve.solver for curve in found.curves] == ["a", "b", "s"]
    assert [point.seconds for point in found.curves[2].points] == [2.0]
