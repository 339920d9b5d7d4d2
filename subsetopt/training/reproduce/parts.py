"""What an experiment consists of: runs, and the cell of a published table that each belongs to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from subsetopt.errors import InvalidOption
from subsetopt.training.naming import Named
from subsetopt.training.result import Result
from subsetopt.training.run import Run

from .published import Number


class Cell(NamedTuple):
    """Where a run belongs: the method as the paper calls it, and the column of the table."""

    row: str
    column: str = ""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number of each run.

    Parameters
    ----------
    name : str
    of : callable
    better : {"higher", "lower"}
    is_share : bool
        From 0 to 1, and written in per cent.
    against : Cell, optional
        Values are divided by those of this cell, seed by seed.
    tested : bool
        Whether rows are compared with the baseline; not where another quantity says the same.
    """

    name: str
    of: Callable[[Result], float]
    better: str
    is_share: bool = False
    against: Cell | None = None
    tested: bool = True


def final(metric: str, better: str = "higher", name: str = "", share: bool = False) -> Quantity:
    """Return a metric of the test set after training."""

    def of(result: Result) -> float:
        return result.final[metric]

    return Quantity(name=name or metric, of=of, better=better, is_share=share)


ACCURACY = final("accuracy", share=True)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Runs whose rows are compared with one of them, column by column.

    Parameters
    ----------
    label : str
        What sets it apart: the data set, the augmentation, the schedule.
    cells : mapping of Run to Cell
        Runs that differ in the seed alone share a cell.
    quantities : tuple of Quantity
        The first is the one that is drawn.
    published : mapping
        By the name of the quantity, and cell.
    baseline : str
        The row that others are compared with.
    x : str
        What columns are: "budget".
    without : str
        Why there are no runs, where there are none.
    """

    label: str
    cells: Mapping[Run, Cell]
    quantities: tuple[Quantity, ...] = (ACCURACY,)
    published: Mapping[tuple[str, Cell], Number] = field(default_factory=dict)
    baseline: str
    x: str = "budget"
    without: str = ""

    @property
    def runs(self) -> list[Run]:
        """The runs, in the order in which they are trained."""
        return list(self.cells)

    @property
    def rows(self) -> list[str]:
        """The methods that are run, in their order."""
        return list(dict.fromkeys(cell.row for cell in self.cells.values()))

    def only(self, wanted: Sequence[str]) -> "Part":
        """Return the runs of some methods, named as the paper or as rules, and of the baseline."""
        kept = {
            run: cell
            for run, cell in self.cells.items()
            if cell.row == self.baseline or any(_is(name, run, cell) for name in wanted)
        }
        return replace(self, cells=kept)

    def mapped(self, change: Callable[[Run], Run]) -> "Part":
        """Return the part with other runs."""
        return replace(self, cells={change(run): cell for run, cell in self.cells.items()})


def keyed(
    numbers: Mapping[tuple[str, str], Number], quantity: str = "accuracy"
) -> dict[tuple[str, Cell], Number]:
    """Return published numbers as a part holds them."""
    return {(quantity, Cell(*where)): number for where, number in numbers.items()}


def seeded(
    seeds: Iterable[int], cells: Mapping[Cell, Run], own: Mapping[Run, Iterable[int]] | None = None
) -> dict[Run, Cell]:
    """Return the runs of all seeds, a seed after the other, so that early results compare rows."""
    found: dict[Run, Cell] = {}
    for seed in seeds:
        for cell, run in cells.items():
            allowed = (own or {}).get(run)
            if allowed is None or seed in allowed:
                found[run.but(seed=seed)] = cell
    return found


def require_rows(parts: Iterable[Part], wanted: Sequence[str]) -> None:
    """Raise InvalidOption where a name is of no method."""
    known = [(run, cell) for part in parts for run, cell in part.cells.items()]
    for name in wanted:
        if not any(_is(name, run, cell) for run, cell in known):
            rows = dict.fromkeys(cell.row for _, cell in known)
            raise InvalidOption(f"method is {name!r}; one of {', '.join(rows)} is needed")


def _is(name: str, run: Run, cell: Cell) -> bool:
    plain = name.strip().lower()
    return plain in (cell.row.lower(), run.rule.lower(), Named.parse(run.rule).name)
