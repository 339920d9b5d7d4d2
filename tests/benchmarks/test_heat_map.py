import pytest

from subsetopt.benchmarks.analysis._heat_map import heat_map
from subsetopt.benchmarks.results import Row


def row(case: str, solver: str, seconds: float, objective: float | None, family: str) -> Row:
    return Row(
        case=f"{family}{case}",
        family=family,
        source="x",
        n=8,
        k=2,
        solver=solver,
        objective=objective,
        seconds=(seconds,) if seconds else (),
        random_rank=None if objective is None else objective,
    )


ROWS = [
    row("1", "a", 1.0, 2.0, "mmd"), row("1", "b", 4.0, 2.0, "mmd"), row("1", "c", 1.0, 3.0, "mmd"),
    row("2", "a", 4.0, 1.5, "mmd"), row("2", "b", 1.0, 1.0, "mmd"), row("2", "c", 0.0, None, "mmd"),
    row("3", "a", 2.0, 0.0, "mean-matching"),
]  # fmt: skip


def test_cells_by_hand() -> None:
    heat = heat_map(ROWS)
    assert heat.families == ("mmd", "mean-matching")
    a, b, c = (heat.cell(solver, "mmd") for solver in "abc")
    assert a
    assert b
    assert c
    assert (a.cases, a.answered, a.good, a.best) == (2, 2, 0.5, 0.5)
    assert (a.value, a.relative) == (0.25, True)
    assert a.seconds == pytest.approx(2.0)
    assert (a.rank, b.rank, c.rank) == (1.75, 1.25, 3.0)
    assert (a.slowdown, b.slowdown, c.slowdown) == (2.5, 2.5, 1.0)
    assert (b.good, c.good, c.cases, c.answered) == (1.0, 0.0, 2, 1)


def test_who_was_not_run_has_no_cell_and_errors_are_no_gaps() -> None:
    heat = heat_map(ROWS)
    assert heat.cell("b", "mean-matching") is None
    cell = heat.cell("a", "mean-matching")
    assert cell
    assert (cell.value, cell.relative, cell.good) == (0.0, False, 1.0)


def test_the_best_come_first() -> None:
    assert heat_map(ROWS).solvers == ("b", "a", "c")


def test_no_answers() -> None:
    (cell,) = heat_map([row("1", "a", 0.0, None, "mmd")]).cells
    assert (cell.good, cell.value, cell.rank, cell.seconds, cell.slowdown) == (0, *[None] * 4)
