"""An analysis on the terminal."""

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from subsetopt.report.columns import Table
from subsetopt.report.terminal import print_lines
from subsetopt.training.analysis import Analysis, Family

from .columns import MARK, columns
from .findings import conditions, findings, remarks


def print_analysis(analysis: Analysis, console: Console) -> None:
    """Print a table of rules for each task and setting, and what may be concluded."""
    for family in analysis.families:
        _print_family(family, analysis.measure, console)
    print_lines(remarks(analysis), console)


def _print_family(family: Family, measure: str, console: Console) -> None:
    console.print()
    title = f"{family.task}: {family.metric} {measure}, {family.better} is better"
    console.print(Padding(Text(title, style="bold"), (0, 0, 0, 1)))
    print_lines([conditions(family)], console)
    console.print(Table.in_sections(columns(family), [group.lines for group in family.groups]))
    if any(group.baseline for group in family.groups):
        print_lines([f"{MARK} the baseline"], console)
    print_lines(findings(family), console)
    console.print()
