import pytest

from subsetopt._significance import wilson
from subsetopt.benchmarks.analysis._target_curves import performance_profiles, times_to_target
from subsetopt.benchmarks.results import Row


def row(case: str, solver: str, seconds: float, objective: float | None = 1.0, **more: int) -> Row:
    return Row(
        case=case,
        family="mmd",
        source="x",
        n=8,
        k=2,
        solver=solver,
        time_limit=10.0,
        objective=objective,
        seconds=(seconds,),
        **more,  # type: ignore[arg-type]
    )


ROWS = [
    row("1", "a", 1.0), row("1", "b", 2.0), row("1", "c", 1.0, 5.0),
    row("2", "a", 3.0), row("2", "b", 1.0), row("2", "c", 1.0, None),
    row("3", "a", 2.0), row("3", "b", 2.0, 9.0),
    row("4", "a", 1.0, None), row("4", "b", 1.0, None), row("4", "c", 1.0, None),
]  # fmt: skip


def test_profiles_by_hand() -> None:
    found = performance_profiles(ROWS)
    assert (found.cases, found.unsolved, found.target) == (3, 1, "within 1 % of the best")
    a, b, c = found.curves
    assert (a.solver, a.ratios, a.cases) == ("a", (1.0, 1.0, 3.0), 3)
    assert (b.solver, b.ratios) == ("b", (1.0, 2.0))
    assert (c.solver, c.ratios) == ("c", ())
    assert (b.wins, b.solved, c.solved) == (1 / 3, 2 / 3, 0.0)


def test_costs_are_medians_over_the_repeats() -> None:
    rows = [row("1", "a", s, repeat=r) for r, s in enumerate((1.0, 9.0, 2.0))]
    rows += [row("1", "b", 1.0, value, repeat=r) for r, value in enumerate((1.0, 3.0, 3.0))]
    a, b = performance_profiles([*rows, row("1", "c", 4.0)]).curves[0:2]
    assert (a.solver, a.ratios, b.solver, b.ratios) == ("a", (1.0,), "c", (2.0,))


def test_a_time_of_zero_divides_nothing() -> None:
    found = performance_profiles([row("1", "a", 0.0), row("1", "b", 1e-6)])
    assert [curve.ratios for curve in found.curves] == [(1.0,), (pytest.approx(1000.0),)]


def test_nothing_solved() -> None:
    found = performance_profiles([row("1", "a", 1.0, None)])
    assert (found.cases, found.unsolved, found.curves[0].solved) == (0, 1, 0.0)


def test_every_run_counts_for_the_time_to_target() -> None:
    found = times_to_target([*ROWS, row("1", "a", 7.0, repeat=1)])
    a, b, c = found.curves
    assert (a.solver, a.times, a.runs) == ("a", (1.0, 2.0, 3.0, 7.0), 5)
    assert (b.reached, c.reached, found.horizon) == (0.5, 0.0, 7.0)
    assert a.interval == wilson(4, 5)
