"""An experiment at its scales: quick, paper and smoke."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from subsetopt._spec import Spec
from subsetopt.errors import InvalidFile
from subsetopt.training.run import Run

from ._claims import Claim
from ._parts import Number, Part, TableCell
from ._sheets import Sheet, one_of

__all__ = ["Experiment", "Scale"]

_SMOKE = {"train": 48, "test": 24}
_LIMITED = ("mnist", "fashion-mnist", "cifar10", "cifar100", "svhn", "segmentation", "tabular")


class Scale(StrEnum):
    """How much is run."""

    QUICK = "quick"
    """Minutes on two processors: fewer samples, smaller models, fewer epochs."""
    PAPER = "paper"
    """As published, whatever it takes."""
    SMOKE = "smoke"
    """Seconds: whether everything works, and nothing else."""


@dataclass(frozen=True)
class Experiment:
    """A table or a figure of a paper.

    Parameters
    ----------
    name : str
    sheets : mapping of Scale to Sheet
        What the file says at the scales "quick" and "paper".
    """

    name: str
    sheets: Mapping[Scale, Sheet]

    def runs(self, scale: Scale | str, seeds: Sequence[int] | None = None) -> list[Part]:
        """Return the parts, with their runs.

        Parameters
        ----------
        seeds : sequence of int, optional
            In place of those of the scale.
        """
        scale = Scale(scale)
        sheet = self.sheets[Scale.QUICK if scale is Scale.SMOKE else scale]
        parts = sheet.made(sheet.seeds if seeds is None else seeds)
        return [_begun(part).mapped(_tiny) for part in parts] if scale is Scale.SMOKE else parts

    def limits(self, scale: Scale | str) -> tuple[str, ...]:
        """Return what differs from the paper, and what could not be run."""
        if Scale(scale) is Scale.SMOKE:
            return ("Two epochs of a few samples: the numbers say nothing.",)
        return self.sheets[Scale(scale)].differs

    @cached_property
    def published(self) -> dict[tuple[str, str, TableCell], Number]:
        """All published numbers, by part, quantity and cell."""
        return {
            (part.label, name, cell): number
            for part in self.sheet.made((0,))
            for (name, cell), number in part.published.items()
        }

    @property
    def sheet(self) -> Sheet:
        """What the file says at the scale of the paper: its title, item and claims are those."""
        return self.sheets[Scale.PAPER]


def _begun(part: Part) -> Part:
    """Return the first two columns of a part."""
    columns = list(dict.fromkeys(cell.column for cell in part.cells.values()))[:2]
    return replace(
        part, cells={run: cell for run, cell in part.cells.items() if cell.column in columns}
    )


def _tiny(run: Run) -> Run:
    named = Spec.parse(run.task)
    options = named.options | (_SMOKE if named.name in _LIMITED else {})
    rule = Spec.parse(run.rule)
    if "warmup_epochs" in rule.options:
        rule = replace(rule, options=rule.options | {"warmup_epochs": 1})
    return run.but(
        task=str(replace(named, options=options)),
        rule=str(rule),
        epochs=2,
        batch_size=min(run.batch_size, 12),
    )


Cells = Mapping[str, set[TableCell]]
"""What is run, by part, at one of the scales or both."""


def require_consistent(experiment: Experiment) -> None:
    """Raise InvalidFile where the file speaks of what is not run, with where it does."""
    quick, paper = (experiment.sheets[scale] for scale in (Scale.QUICK, Scale.PAPER))
    if (quick.title, quick.item, quick.claims) != (paper.title, paper.item, paper.claims):
        raise InvalidFile("title, item and claims must be the same at both scales")
    cells: dict[str, set[TableCell]] = {}
    for sheet in (paper, quick):
        for label, own in _made(sheet):
            cells.setdefault(label, set()).update(own)
    for sheet in (paper, quick):
        _require_published(sheet, cells)
    for number, claim in enumerate(paper.claims, start=1):
        _require_claim(claim, paper, cells, f"claims: entry {number}")


def _made(sheet: Sheet) -> Iterator[tuple[str, set[TableCell]]]:
    seen: set[str] = set()
    for part in sheet.made((0,)):
        if part.label in seen:
            raise InvalidFile(f"parts: label {part.label!r} must stand once")
        seen.add(part.label)
        one_of(dict.fromkeys(part.rows), part.baseline, f"parts: {part.label}: baseline")
        yield part.label, set(part.cells.values())


def _require_published(sheet: Sheet, cells: Cells) -> None:
    for number, table in enumerate(sheet.published, start=1):
        where = f"published: entry {number}"
        known = one_of(cells, table.part, f"{where}: part")
        for name, cell in sheet.numbers(table, where):
            one_of(sheet.quantities, name, f"{where}: table")
            _require_cell(cell, known, f"{where}: table")


def _require_claim(claim: Claim, sheet: Sheet, cells: Cells, where: str) -> None:
    if not claim.resolved:
        raise InvalidFile(f"{where}: pairs must not be empty")
    if (claim.check == "more_so") != bool(claim.resolved_than):
        raise InvalidFile(f"{where}: than must be given where check is more_so, and only there")
    for pair in (*claim.resolved, *claim.resolved_than):
        for part, cell, quantity in pair:
            one_of(sheet.quantities, quantity, f"{where}: quantity")
            _require_cell(cell, one_of(cells, part, f"{where}: part"), where)


def _require_cell(cell: TableCell, known: set[TableCell], where: str) -> None:
    one_of(dict.fromkeys(sorted(one.row for one in known)), cell.row, f"{where}: method")
    columns = sorted(one.column for one in known if one.row == cell.row)
    one_of(dict.fromkeys(columns), cell.column, f"{where}: column of {cell.row}")
