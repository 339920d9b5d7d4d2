"""A report on the terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .columns import Column, columns
from .findings import conditions, family_conditions, family_findings, remarks
from .report import FamilyReport, Report


def print_report(report: Report, console: Console) -> None:
    """Print what was compared, a table of solvers for each family, and what claims are worth."""
    console.print(_grid(conditions(report)))
    for family in report.families:
        _print_family(family, console)
    found = remarks(report)
    if found:
        console.print()
    _print_lines(found, console)


def _print_family(family: FamilyReport, console: Console) -> None:
    console.print()
    title = Text(f"{family.family.name}: {family.family.about}", style="bold")
    console.print(Padding(title, (0, 0, 0, 1)))
    console.print(_grid(family_conditions(family)))
    if family.summaries:
        console.print(_table(family, console))
    _print_lines(family_findings(family), console)


def _print_lines(lines: Iterable[str], console: Console) -> None:
    for line in lines:
        console.print(Padding(Text(line), (0, 0, 0, 1)))


def _grid(lines: dict[str, str]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in lines.items():
        grid.add_row(f" {name}", Text(text))
    return grid


def _table(family: FamilyReport, console: Console) -> Table:
    """Return the table with as many columns as there is room for."""
    shown = list(columns(family.family))
    table = _of_columns(family, shown)
    wide = console.options.update(width=10_000)
    while console.measure(table, options=wide).maximum > console.width:
        last = max(reversed(shown), key=lambda column: column.rank)
        if not last.rank:
            break
        shown.remove(last)
        table = _of_columns(family, shown)
    return table


def _of_columns(family: FamilyReport, shown: Sequence[Column]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for number, (column, heading) in enumerate(zip(shown, _headings(shown), strict=True)):
        table.add_column(
            heading if number else f" {heading}",
            justify="left" if column.is_text else "right",
            no_wrap=not column.is_text or number == 0,
            overflow="fold",
            vertical="top",
        )
    for summary in family.summaries:
        first, *others = (column.cell(summary) for column in shown)
        table.add_row(f" {first}", *others)
    return table


def _headings(shown: Sequence[Column]) -> Iterator[str]:
    """Yield headings of one or two lines, the group on the first of its columns alone."""
    group = ""
    for column in shown:
        above = column.group if column.group != group else ""
        group = column.group
        yield f"{above}\n{column.heading}" if group else column.heading
