"""An experiment at one scale, as its file states it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.training.run import Run

from ._claims import Claim
from ._parts import FigureSettings, Number, Part, Quantity, TableCell

Settings = Mapping[str, Any]
"""Fields of a `Run`."""
NOT_PRINTED = "-"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Methods by conditions: a run for each row and column."""

    rows: tuple[str, ...] | Mapping[str, Settings]
    """Names of methods, or methods of this grid alone."""
    columns: tuple[str, ...] = ("",)
    """Names of conditions; any other is a budget, as the paper prints it."""


@dataclass(frozen=True, kw_only=True)
class PartSheet:
    """A part as declared; see `Part`."""

    label: str
    runs: tuple[Grid, ...]
    baseline: str
    quantities: tuple[str, ...]
    x: str = "budget"
    conditions: tuple[str, ...] = ()
    """Names of conditions that all of its runs share."""
    settings: Settings = field(default_factory=dict)
    """Of all its runs."""


@dataclass(frozen=True, kw_only=True)
class PublishedTable:
    """Numbers of a part, as printed: ``SB | 93.37 ± 0.11 | -``, a row in each line."""

    part: str
    table: str
    """``-`` where nothing is printed."""
    quantity: str = ""
    columns: tuple[str, ...] = ("",)
    methods: tuple[str, ...] = ()
    """In place of `quantity` and `columns`: the methods are printed across, quantities down."""
    unit: float = 1.0
    """What all numbers are multiplied by: 0.01 for %."""
    saved: bool = False
    """What is printed is the share that is saved."""
    relative: bool = False
    """What is printed is divided by the number of the cell that the quantity is measured
    against."""

    def numbers(self, against: TableCell | None = None) -> dict[tuple[str, TableCell], Number]:
        """Return the numbers by quantity and cell; `against` is that cell."""
        found = dict(self._printed())
        if self.relative:
            whole = found.get((self.quantity, against)) if against else None
            if whole is None:
                raise InvalidFile("relative needs the number of the cell that quantity is against")
            return {where: number.scaled(1 / whole.mean) for where, number in found.items()}
        return found

    def _printed(self) -> Iterator[tuple[tuple[str, TableCell], Number]]:
        names = self.methods or self.columns
        for line in self.table.strip().splitlines():
            first, *cells = (cell.strip() for cell in line.split("|"))
            if len(cells) != len(names):
                raise InvalidFile(f"{line!r} has {len(cells)} numbers for {len(names)} columns")
            for name, cell in zip(names, cells, strict=True):
                where = (
                    (first, TableCell(name))
                    if self.methods
                    else (self.quantity, TableCell(first, name))
                )
                if cell != NOT_PRINTED:
                    yield where, self._number(cell)

    def _number(self, text: str) -> Number:
        mean, _, std = text.partition("±")
        try:
            number = Number(float(mean), float(std) if std else None).scaled(self.unit)
        except ValueError:
            raise InvalidFile(f"{text!r} must be MEAN, MEAN ± STD or {NOT_PRINTED}") from None
        return Number(1 - number.mean) if self.saved else number


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """All that a file says, at one scale."""

    title: str
    """What is shown."""
    paper: str
    item: str
    did: str
    """What the paper did."""
    parts: tuple[PartSheet, ...]
    claims: tuple[Claim, ...]
    differs: tuple[str, ...]
    """What is not as in the paper, or could not be run, and why."""
    quantities: Mapping[str, Quantity]
    methods: Mapping[str, str | Settings]
    """What each method of the papers is: a rule, or settings with one."""
    published: tuple[PublishedTable, ...] = ()
    conditions: Mapping[str, Settings] = field(default_factory=dict)
    settings: Settings = field(default_factory=dict)
    """Settings by name, and those of all runs. A part's own are stronger, a column's stronger
    still, and a method's the strongest."""
    seeds: tuple[int, ...] = (0, 1, 2)
    minutes: float | None = None
    """How long all runs take on two processors; None where it is not known."""
    figure: FigureSettings = field(default_factory=FigureSettings)

    def made(self, seeds: Sequence[int]) -> list[Part]:
        """Return the parts, with their runs.

        Raises InvalidFile for a name or a setting that is not one, with where it stands.
        """
        return [self._part(part, seeds) for part in self.parts]

    def _part(self, part: PartSheet, seeds: Sequence[int]) -> Part:
        where = f"parts: {part.label}"
        cells: dict[TableCell, Run] = {}
        for cell, run in self._cells(part, where):
            if cell in cells or run in cells.values():
                again = " ".join(filter(None, (cell.row, cell.column)))
                raise InvalidFile(f"{where}: runs: {again} must be another run than those above")
            cells[cell] = run
        return Part(
            label=part.label,
            # A seed after the other, so that early results compare rows.
            cells={run.but(seed=seed): cell for seed in seeds for cell, run in cells.items()},
            quantities=tuple(
                one_of(self.quantities, name, f"{where}: quantities") for name in part.quantities
            ),
            published=self._published(part.label),
            baseline=part.baseline,
            x=part.x,
        )

    def _cells(self, part: PartSheet, where: str) -> Iterator[tuple[TableCell, Run]]:
        shared = {**self.settings}
        for name in part.conditions:
            shared |= one_of(self.conditions, name, f"{where}: conditions")
        shared |= part.settings
        for grid in part.runs:
            for column in grid.columns:
                for row in grid.rows:
                    here = f"{where}: runs: {' '.join(filter(None, (row, column)))}"
                    given = {
                        **shared,
                        **self._column(column, here),
                        **self._method(grid, row, here),
                    }
                    yield TableCell(row, column), _run(given, here)

    def _column(self, name: str, where: str) -> Settings:
        if not name or name in self.conditions:
            return self.conditions.get(name, {})
        try:
            return {"budget": float(name)}
        except ValueError:
            known = ", ".join(self.conditions) or "none"
            raise InvalidFile(
                f"{where}: column {name!r} must be a budget or a condition; conditions are {known}"
            ) from None

    def _method(self, grid: Grid, row: str, where: str) -> Settings:
        if isinstance(grid.rows, Mapping):
            return grid.rows[row]
        known = one_of(self.methods, row, f"{where}: methods")
        return {"rule": known} if isinstance(known, str) else known

    def _published(self, label: str) -> dict[tuple[str, TableCell], Number]:
        found: dict[tuple[str, TableCell], Number] = {}
        for number, table in enumerate(self.published, start=1):
            if table.part == label:
                found |= self.numbers(table, f"published: entry {number}")
        return found

    def numbers(self, table: PublishedTable, where: str) -> dict[tuple[str, TableCell], Number]:
        """Return the numbers of a published table by quantity and cell, or raise InvalidFile."""
        against = None
        if not table.methods:
            against = one_of(self.quantities, table.quantity, f"{where}: quantity").against
        try:
            return table.numbers(against)
        except InvalidFile as error:
            raise InvalidFile(f"{where}: table: {error}") from None


def _run(settings: Settings, where: str) -> Run:
    try:
        return Run.of(**settings)
    except (InvalidOption, TypeError) as error:
        raise InvalidFile(f"{where}: {error}") from error


def one_of(known: Mapping[str, Any], name: str, where: str) -> Any:
    """Return what is known by a name, or raise InvalidFile."""
    if name not in known:
        listed = ", ".join(known) or "none"
        raise InvalidFile(f"{where} must be one of {listed}; got {name!r}")
    return known[name]
