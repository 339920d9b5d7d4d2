"""A report on the terminal."""

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from subsetopt.report.columns import Table
from subsetopt.report.terminal import facts, print_lines

from .columns import columns
from .findings import conditions, family_conditions, family_findings, remarks
from .report import FamilyReport, Report


def print_report(report: Report, console: Console) -> None:
    """Print what was compared, a table of solvers for each family, and what claims are worth."""
    console.print(facts(conditions(report)))
    for family in report.families:
        _print_family(family, console)
    found = remarks(report)
    if found:
        console.print()
    print_lines(found, console)


def _print_family(family: FamilyReport, console: Console) -> None:
    console.print()
    title = Text(f"{family.family.name}: {family.family.about}", style="bold")
    console.print(Padding(title, (0, 0, 0, 1)))
    console.print(facts(family_conditions(family)))
    if family.summaries:
        console.print(Table.in_sections(columns(family.family), [family.summaries]))
    print_lines(family_findings(family), console)
