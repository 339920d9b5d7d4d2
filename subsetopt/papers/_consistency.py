"""What a file says about its runs, against these: its claims, published numbers and baselines."""

from collections.abc import Iterator, Mapping

from subsetopt.errors import InvalidFile

from ._claims import Claim
from ._parts import TableCell
from ._sheets import Sheet, one_of
from .experiment import Experiment, Scale

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
        raise InvalidFile(f"{where}: pairs: they must not be empty")
    if (claim.check == "more_so") != bool(claim.resolved_than):
        raise InvalidFile(f"{where}: than: pairs are needed where check is more_so, only there")
    for pair in (*claim.resolved, *claim.resolved_than):
        for part, cell, quantity in pair:
            one_of(sheet.quantities, quantity, f"{where}: quantity")
            _require_cell(cell, one_of(cells, part, f"{where}: part"), where)


def _require_cell(cell: TableCell, known: set[TableCell], where: str) -> None:
    one_of(dict.fromkeys(sorted(one.row for one in known)), cell.row, f"{where}: method")
    columns = sorted(one.column for one in known if one.row == cell.row)
    one_of(dict.fromkeys(columns), cell.column, f"{where}: column of {cell.row}")
