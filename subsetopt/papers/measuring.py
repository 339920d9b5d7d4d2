"""Lines of an experiment: published and measured numbers, with comparisons."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan

from subsetopt.training.analysis import PairedComparison, Spread, compared, holm_adjusted
from subsetopt.training.run import Run
from subsetopt.training.run_result import Result

from ._parts import Number, Part, Quantity, TableCell

__all__ = ["Line", "Measured", "measured"]

Values = Mapping[int, float]
"""By seed."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A cell of a table.

    Parameters
    ----------
    part : str
    quantity : Quantity
    cell : Cell
    published : Number or None
    values : mapping of int to float
        As measured, by seed; empty where nothing was run.
    comparison : Comparison or None
        With the baseline of the same column; None of the baseline itself, and where there is none.
    """

    part: str
    quantity: Quantity
    cell: TableCell
    published: Number | None
    values: Values
    comparison: PairedComparison | None = None
    is_baseline: bool = False

    @property
    def spread(self) -> Spread:
        """The mean and standard deviation of the seeds."""
        return Spread.of(self.values.values())


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All lines of an experiment.

    Verdicts hold all together (Holm) over `tests` comparisons; intervals hold one by one.
    """

    lines: tuple[Line, ...]
    tests: int
    results: Mapping[Run, Result]
    parts: tuple[Part, ...]

    def of(self, part: str) -> list[Line]:
        """Return the lines of a part."""
        return [line for line in self.lines if line.part == part]

    def values(self, part: str, quantity: str, cell: TableCell) -> Values:
        """Return what was measured in a cell, by seed; nothing where it was not run."""
        for line in self.lines:
            if (line.part, line.quantity.name, line.cell) == (part, quantity, cell):
                return line.values
        return {}

    def better(self, quantity: str) -> str:
        """Return which way a quantity improves."""
        found = (line.quantity.better for line in self.lines if line.quantity.name == quantity)
        return next(found, "higher")


def measured(parts: Sequence[Part], results: Iterable[Result]) -> Measured:
    """Return the lines of all parts."""
    by_run = {result.run: result for result in results}
    lines = [line for part in parts for line in _lines(part, by_run)]
    found = holm_adjusted([line.comparison for line in lines])
    return Measured(
        lines=tuple(replace(a, comparison=b) for a, b in zip(lines, found, strict=True)),
        tests=sum(one is not None and one.p is not None for one in found),
        results=by_run,
        parts=tuple(parts),
    )


def _lines(part: Part, results: Mapping[Run, Result]) -> Iterator[Line]:
    for quantity in part.quantities:
        values = _values(part, quantity, results)
        cells = dict.fromkeys(cell for name, cell in part.published if name == quantity.name)
        for cell in sorted(cells | dict.fromkeys(values), key=lambda cell: _place(part, cell)):
            base = values.get(TableCell(part.baseline, cell.column), {})
            own = values.get(cell, {})
            is_baseline = cell.row == part.baseline
            both = quantity.tested and own and base and not is_baseline
            yield Line(
                part=part.label,
                quantity=quantity,
                cell=cell,
                published=part.published.get((quantity.name, cell)),
                values=own,
                comparison=compared(own, base, quantity.better) if both else None,
                is_baseline=is_baseline,
            )


def _values(
    part: Part, quantity: Quantity, results: Mapping[Run, Result]
) -> dict[TableCell, dict[int, float]]:
    found: dict[TableCell, dict[int, float]] = {}
    for run, cell in part.cells.items():
        if run in results:
            found.setdefault(cell, {})[run.seed] = quantity.of(results[run])
    if quantity.against is None:
        return found
    like = found.get(quantity.against, {})
    return {
        cell: {seed: value / like[seed] if like.get(seed) else nan for seed, value in own.items()}
        for cell, own in found.items()
    }


def _place(part: Part, cell: TableCell) -> tuple[int, int, int]:
    """Return where a cell stands: by column, the baseline first, then as declared."""
    declared = [*part.cells.values(), *(cell for _, cell in part.published)]
    columns = list(dict.fromkeys(one.column for one in declared))
    if all(_is_number(column) for column in columns):
        columns.sort(key=float)
    rows = list(dict.fromkeys(one.row for one in declared))
    return columns.index(cell.column), cell.row != part.baseline, rows.index(cell.row)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
