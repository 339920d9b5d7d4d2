import pytest

from subsetopt.benchmarks.analysis._heat_map import HeatCell, heat_map
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


def cells(rows: list[Row]) -> dict[tuple[str, str], HeatCell]:
    return {(cell.solver, cell.family): cell for cell in heat_map(rows).cells}


def test_cells_by_hand() -> None:
    assert heat_map(ROWS).families == ("mmd", "mean-matching")
    found = cells(ROWS)
    a, b, c = (found[solver, "mmd"] for solver in "abc")
    assert (a.cases, a.answered, a.good, a.best) == (2, 2, 0.5, 0.5)
    assert a.seconds == pytest.approx(2.0)
    assert (b.good, c.good, c.cases, c.answered) == (1.0, 0.0, 2, 1)


def test_who_was_not_run_has_no_cell() -> None:
    found = cells(ROWS)
    assert ("b", "mean-matching") not in found
    assert found["a", "mean-matching"].good == 1.0


def test_the_best_come_first() -> None:
    assert heat_map(ROWS).solvers == ("b", "a", "c")


def test_no_answers() -> None:
    (cell,) = heat_map([row("1", "a", 0.0, None, "mmd")]).cells
    assert (cell.good, cell.answered, cell.seconds) == (0, 0, None)
