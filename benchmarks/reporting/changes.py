"""The comparison of two results on the terminal."""

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from subsetopt.benchmarks.analysis.changes import TimeChange, WorthChange
from subsetopt.benchmarks.analysis.comparison import Comparison
from subsetopt.report.number_format import NOTHING

STYLES = {
    "slower": "red",
    "worse": "red",
    "broken": "red",
    "fewer answers": "red",
    "faster": "green",
    "better": "green",
    "more answers": "green",
}
NOT_TO_SAY = {
    "no difference seen": "none seen",
    "too few pairs": "too few",
    "too few cases": "too few",
}


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the conclusion, what is not the same in the two, and the changes of each solver."""
    style = "bold red" if comparison.regressed else "bold"
    _print(comparison.conclusion, console, style)
    for line in _conditions(comparison):
        _print(line, console)
    if comparison.times:
        console.print(_table(comparison))
    for change in comparison.answers:
        _print(str(change), console, STYLES.get(change.verdict, ""))


def _print(text: str, console: Console, style: str = "") -> None:
    console.print(Padding(Text(text, style=style), (0, 0, 0, 1)))


def _conditions(comparison: Comparison) -> Iterator[str]:
    if not comparison.same_machine:
        yield "Not the same machine: times may differ for that alone."
    yield from map(str, comparison.differences)
    yield from (f"only in A: {name}" for name in comparison.only_before)
    yield from (f"only in B: {name}" for name in comparison.only_after)


def _table(comparison: Comparison) -> Table:
    families = any(change.family for change in comparison.times)
    overheads = {(change.solver, change.family): change for change in comparison.overheads}
    worths = {(change.solver, change.family): change for change in comparison.worths}
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(" solver", no_wrap=True)
    if families:
        table.add_column("family", no_wrap=True)
    for heading in ("time\n%", "\ninterval", "", "runs\npaired", "overhead\n%", ""):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    table.add_column("answers\nbetter / worse", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for change in comparison.times:
        key = (change.solver, change.family)
        first = [Text(f" {change.solver}" if change.family is None else "", style="bold")]
        if families:
            first.append(Text(change.family or "all"))
        table.add_row(
            *first, *_time(change), *_overhead(overheads.get(key)), *_worth(worths.get(key))
        )
    return table


def _time(change: TimeChange) -> tuple[str | Text, ...]:
    return (
        _signed(change.ratio),
        f"{_signed(change.low)} to {_signed(change.high)}" if change.ratio else NOTHING,
        _verdict(change.verdict),
        str(change.pairs),
    )


def _overhead(change: TimeChange | None) -> tuple[str | Text, ...]:
    if change is None:
        return (NOTHING, "")
    return (_signed(change.ratio), _verdict(change.verdict))


def _worth(change: WorthChange | None) -> tuple[str | Text, ...]:
    if change is None:
        return (NOTHING, "")
    return (f"{change.better} / {change.worse} of {change.cases}", _verdict(change.verdict))


def _verdict(verdict: str) -> Text:
    return Text(NOT_TO_SAY.get(verdict, verdict), style=STYLES.get(verdict, "dim"))


def _signed(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{100 * (ratio - 1):+,.0f}"
