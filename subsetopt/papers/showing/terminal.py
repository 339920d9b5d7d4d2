"""An outcome on the terminal."""

from collections.abc import Iterator
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from subsetopt.papers.claims import Finding
from subsetopt.papers.measuring import Line
from subsetopt.papers.outcome import Outcome
from subsetopt.papers.parts import Part
from subsetopt.report.columns import Table
from subsetopt.report.terminal import print_lines

from .columns import columns


def print_outcome(outcome: Outcome, console: Console) -> None:
    """Print a table for each part and quantity, the claims, and the limits."""
    own = outcome.experiment.sheet
    _heading(f"{own.title}: {own.item} of {own.paper}", console)
    print_lines([own.did], console)
    for part in outcome.measured.parts:
        for name, sections in tables(outcome, part):
            _heading(f"{part.label}: {name}", console)
            shown = columns([line for section in sections for line in section], part.x)
            console.print(Table.in_sections(shown, sections))
    print_lines([explained(outcome)], console)
    _heading("What the paper says", console)
    for text, finding in outcome.findings:
        console.print(_claim(text, finding))
    _heading("What differs", console)
    print_lines((f"- {text}" for text in outcome.limits), console)


def tables(outcome: Outcome, part: Part) -> Iterator[tuple[str, list[list[Line]]]]:
    """Yield the quantities of a part that have lines, with these by column."""
    lines = outcome.measured.of(part.label)
    for quantity in part.quantities:
        own = [line for line in lines if line.quantity.name == quantity.name]
        own = own if any(line.values for line in own) else [x for x in own if x.published]
        if own:
            title = f"{quantity.name}, {quantity.better} is better"
            yield title, [list(group) for _, group in groupby(own, lambda x: x.cell.column)]


def explained(outcome: Outcome) -> str:
    """Return how tables are to be read."""
    return (
        "Pairs of runs have the seed in common. Intervals (95 %, Student's t) hold one by one; "
        f"verdicts hold all together, {outcome.measured.tests} tests by Holm's method. A claim "
        "holds or fails by such intervals, and is undecided where they allow both."
    )


def _heading(text: str, console: Console) -> None:
    console.print()
    console.print(Padding(Text(text, style="bold"), (0, 0, 0, 1)))


def _claim(text: str, finding: Finding) -> Padding:
    line = Text(f"{finding.standing}: ", style="bold")
    line.append(text, style="not bold")
    if finding.why:
        line.append(f" [{finding.why}]", style="not bold dim")
    return Padding(line, (0, 0, 0, 1))
