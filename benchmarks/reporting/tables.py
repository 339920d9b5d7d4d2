"""A report on the terminal."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .best_known import TOLERANCE
from .report import Report
from .suites import Suite
from .summary import SolverSummary

NOTHING = "-"
NAMED = 8
"""Instances up to which all are named."""


def print_report(report: Report, console: Console) -> None:
    """Print what was compared, the table of solvers, and what their claims are worth."""
    console.print(_about(report))
    if report.rows:
        console.print(_table(report, console.width))
    for line in _sentences(report):
        console.print(Padding(Text(line), (0, 0, 0, 1)))


# -- what is compared -----------------------------------------------------------------------------


def _about(report: Report) -> Table:
    machine = report.machine
    versions = {"subsetopt": machine.subsetopt, "numpy": machine.numpy} | dict(report.packages)
    about = Table.grid(padding=(0, 2))
    about.add_column(style="bold")
    about.add_column(overflow="fold")
    lines = {
        "compared": f"{report.suite.name}: {report.suite.about}",
        report.suite.data: "\n".join(dict.fromkeys(case.source for case in report.cases)),
        "instances": _instances(report),
        "machine": f"{machine.cpu}, {machine.cores} cores, {machine.system}, "
        f"Python {machine.python}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
    if not report.suite.absolute:
        lines["timed"] = "the solver alone; matrices are built once per instance, before"
    for name, text in lines.items():
        about.add_row(f" {name}", Text(text))
    return about


def _instances(report: Report) -> str:
    sizes = ", ".join(str(n) for n in sorted({case.n for case in report.cases}))
    ks = ", ".join(str(k) for k in sorted({case.k for case in report.cases}))
    named = not report.suite.absolute and len(report.cases) <= NAMED
    names = ", ".join(case.name for case in report.cases) + "\n" if named else ""
    return (
        f"{names}{len(report.cases)}, n = {sizes}, k = {ks}; at most {report.repeats} repeats, "
        f"{report.time_limit:g} s per solve, seed {report.seed}"
        + ("" if report.bound == "none" else f", bound {report.bound}")
    )


# -- the table ------------------------------------------------------------------------------------


def _table(report: Report, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    shown = [column for column in columns(report.suite) if width >= column.from_width]
    for column in shown:
        fold = column.justify == "left" and column is not shown[0]
        table.add_column(column.heading, justify=column.justify, no_wrap=not fold, overflow="fold")
    for summary in report.summaries:
        table.add_row(*(column.cell(summary) for column in shown))
    return table


def _certificates(summary: SolverSummary) -> str:
    text = counts(summary.certificates)
    return (
        text if summary.tolerance_max is None else f"{text}\n(within {summary.tolerance_max:.0e})"
    )


def _repeats(summary: SolverSummary) -> str:
    if summary.fewest_repeats == summary.most_repeats:
        return str(summary.most_repeats)
    return f"{summary.fewest_repeats}-{summary.most_repeats}"


def counts(found: Mapping[str, int]) -> str:
    """Return one line each, such as ``optimal 7``, the most frequent first."""
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return "\n".join(f"{name} {number}" for name, number in ordered) or NOTHING


def error(value: float | None) -> str:
    """Return an error with two digits."""
    return NOTHING if value is None else "0" if value == 0 else f"{value:.1e}"


def share(value: float | None) -> str:
    """Return a share in per cent."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def duration(seconds: float | None) -> str:
    """Return seconds with three digits, in the unit that suits."""
    if seconds is None:
        return NOTHING
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if seconds * scale >= 0.9995:
            return f"{seconds * scale:#.3g}".rstrip(".") + f" {unit}"
    return f"{seconds * 1e6:.0f} us"


def factor(value: float | None) -> str:
    """Return a ratio: whole from 10 on, with two digits below."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def gap(value: float | None) -> str:
    """Return a relative distance in per cent, signed where it is below 0."""
    if value is None:
        return NOTHING
    if abs(value) <= TOLERANCE:
        return "0"
    percent = 100 * value
    digits = next((d for d, end in ((3, 0.1), (2, 10), (1, 100)) if abs(percent) < end), 0)
    return f"{percent:,.{digits}f}"


def reached(summary: SolverSummary) -> str:
    """Return on how many of its cases a solver has the best value."""
    return f"{summary.best_reached or 0}/{summary.cases}"


@dataclass(frozen=True)
class Column:
    """A column of the table; it gives way in windows of fewer characters than `from_width`."""

    heading: str
    cell: Callable[[SolverSummary], str]
    justify: Literal["left", "right"] = "right"
    from_width: int = 0


def columns(suite: Suite) -> tuple[Column, ...]:
    """Return the columns of a suite."""
    p95_and_runs = 100 if suite.absolute else 120
    worth = _ERRORS if suite.absolute else _GAPS
    return (
        Column(" solver", lambda s: f" {s.solver}", "left"),
        *worth,
        Column("random\nas good", lambda s: share(s.rank_median), from_width=100),
        Column("ended", lambda s: counts(s.terminations), "left"),
        Column("certificate", _certificates, "left", from_width=0 if suite.absolute else 100),
        Column("time\nmedian", lambda s: duration(s.seconds_median)),
        Column("\np95", lambda s: duration(s.seconds_p95), from_width=p95_and_runs),
        Column(f"faster\nx {suite.reference}", lambda s: factor(s.times_faster)),
        Column("runs\neach", _repeats, from_width=p95_and_runs),
    )


_ERRORS = (
    Column("error\nmedian", lambda s: error(s.error_median)),
    Column("\nmax", lambda s: error(s.error_max)),
)
_GAPS = (
    Column("gap %\nmedian", lambda s: gap(s.gap_median)),
    Column("\nmax", lambda s: gap(s.gap_max)),
    Column("best\nin", reached),
    Column("bound\ngap %", lambda s: gap(s.bound_gap_median)),
)


# -- the sentences --------------------------------------------------------------------------------


def _sentences(report: Report) -> Iterator[str]:
    if report.interrupted:
        yield "Interrupted: these are the measurements made until then."
    yield from report.against_known
    yield from (str(verdict) for verdict in report.verdicts)
    for summary in report.summaries:
        silent = summary.cases - summary.answered - sum(summary.failures.values())
        if silent:
            yield f"{summary.solver}: no answer on {silent} of {summary.cases} instances"
        for reason, number in summary.failures.items():
            yield f"{summary.solver}: failed on {number} of {summary.cases} instances: {reason}"
    yield from report.notes
    for solver, reason in report.left_out.items():
        yield f"not compared: {solver}: {reason}"
