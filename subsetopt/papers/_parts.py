"""Parts of an experiment: runs, the cells of published tables, and pairs of cells."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import product
from statistics import fmean
from typing import Literal, NamedTuple

from subsetopt._spec import Spec
from subsetopt.errors import InvalidOption
from subsetopt.training.run import Run
from subsetopt.training.run_result import Result


@dataclass(frozen=True)
class TableCell:
    """Where a run belongs: the method as the paper calls it, and the column of the table."""

    row: str
    column: str = ""


class Number(NamedTuple):
    """A published mean, and the standard deviation where it is given."""

    mean: float
    std: float | None = None

    def scaled(self, factor: float) -> "Number":
        """Return it in another unit."""
        return Number(self.mean * factor, None if self.std is None else self.std * factor)


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number of each run.

    Parameters
    ----------
    name : str
    value : str
        A number or a term, or such less another, as ``1 - mean.accuracy``: final.METRIC of the test
        set after training, mean.METRIC over the epochs, selected.NAME, facts.NAME, and the seconds
        of training.
    better : {"higher", "lower"}
    share : bool
        From 0 to 1, and written as a percentage.
    against : Cell, optional
        Values are divided by those of this cell, seed by seed.
    tested : bool
        Whether rows are compared with the baseline; not where another quantity says the same.
    defaults : mapping
        The values of terms that a result may lack.
    """

    name: str
    value: str
    better: Literal["higher", "lower"]
    share: bool = False
    against: TableCell | None = None
    tested: bool = True
    defaults: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for term in self.value.split(" - "):
            if not re.fullmatch(r"\d+|seconds|(final|mean|selected|facts)\.\w+", term):
                raise InvalidOption(
                    f"value is {self.value!r}; terms must be numbers, final.METRIC, mean.METRIC, "
                    "selected.NAME, facts.NAME or seconds, with ' - ' between two of them"
                )

    def of(self, result: Result) -> float:
        """Return the number of a result."""
        terms = [self._term(term, result) for term in self.value.split(" - ")]
        return reduce(lambda one, other: one - other, terms)

    def _term(self, term: str, result: Result) -> float:
        kind, _, name = term.partition(".")
        if not name:
            return result.training_seconds if term == "seconds" else float(term)
        if kind == "mean":
            return fmean(row[f"test_{name}"] for row in result.history if f"test_{name}" in row)
        source: Mapping[str, float] = getattr(result, kind)
        if name not in source and term in self.defaults:
            return self.defaults[term]
        return source[name]


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
    cells: Mapping[Run, TableCell]
    quantities: tuple[Quantity, ...]
    published: Mapping[tuple[str, TableCell], Number] = field(default_factory=dict)
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
            if cell.row == self.baseline or any(is_called(name, run, cell) for name in wanted)
        }
        return replace(self, cells=kept)

    def mapped(self, change: Callable[[Run], Run]) -> "Part":
        """Return the part with other runs."""
        return replace(self, cells={change(run): cell for run, cell in self.cells.items()})


def is_called(name: str, run: Run, cell: TableCell) -> bool:
    """Return whether a run is of the method of a name: the paper's, or that of its rule."""
    plain = name.strip().lower()
    return plain in (cell.row.lower(), run.rule.lower(), Spec.parse(run.rule).name)


def require_rows(parts: Sequence[Part], wanted: Sequence[str]) -> None:
    """Raise InvalidOption where a name is of no method."""
    known = [(run, cell) for part in parts for run, cell in part.cells.items()]
    for name in wanted:
        if not any(is_called(name, run, cell) for run, cell in known):
            rows = dict.fromkeys(cell.row for _, cell in known)
            raise InvalidOption(f"method must be one of {', '.join(rows)}; got {name!r}")


@dataclass(frozen=True, kw_only=True)
class FigureSettings:
    """How the parts are drawn."""

    over: Literal["columns", "epochs"] = "columns"
    """Numbers over the columns of the table, or a metric over the epochs."""
    quantities: int = 1
    """So many of the quantities are drawn over columns, a panel each."""
    metric: str = ""
    """Of the history, for "epochs"; accuracies are drawn as errors."""
    log: bool = False


Names = str | tuple[str, ...]


class Term(NamedTuple):
    """A measured number of each seed."""

    part: str
    cell: TableCell
    quantity: str


class Pair(NamedTuple):
    """Two terms, of which the first is said to be better."""

    one: Term
    other: Term

    @property
    def name(self) -> str:
        """What is compared."""
        one, other = self.one.cell, self.other.cell
        differs = (
            other.row if other.row != one.row else "",
            other.column if other.column != one.column else "",
            self.other.part if self.other.part != self.one.part else "",
        )
        names = (one.row, one.column), differs
        return " less ".join(" ".join(filter(None, several)) for several in names)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Cells compared with others: all combinations of what is listed."""

    part: Names
    row: Names
    column: Names = ""
    quantity: Names = "accuracy"
    """Of the first cell of each pair."""
    than: Names = ""
    """The rows of the second; empty for the same row."""
    than_part: str = ""
    than_column: str = ""
    """Where the second stands, if not where the first does."""

    def each(self) -> Iterator[Pair]:
        """Yield the pairs, by part, column, row, other row, quantity; never a cell and itself."""
        given = (self.part, self.column, self.row, self.than, self.quantity)
        for part, column, row, than, name in product(*map(_listed, given)):
            one = Term(part, TableCell(row, column), name)
            cell = TableCell(than or row, self.than_column or column)
            other = Term(self.than_part or part, cell, name)
            if one != other:
                yield Pair(one, other)


def resolved(pairs: Pairs | tuple[Pairs, ...]) -> list[Pair]:
    """Return all pairs, one by one."""
    several = (pairs,) if isinstance(pairs, Pairs) else pairs
    return [pair for one in several for pair in one.each()]


def _listed(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names
