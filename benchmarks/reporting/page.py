"""A report as one HTML page that needs nothing else, not even a network."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from subsetopt import report as report_package
from subsetopt.benchmarks.analysis.summary import SolverSummary
from subsetopt.benchmarks.families import Family
from subsetopt.formats.atomic import replacing
from subsetopt.report.columns import Column
from subsetopt.report.number_format import NOTHING, duration
from subsetopt.report.visible import visible
from subsetopt.solvers.base import Requirement

from .columns import columns
from .findings import conditions, family_conditions, family_failures, headlines, remarks
from .instances import instances
from .report import FamilyReport, Report
from .words import gap

JINJA = Requirement("jinja2", "jinja2", extra="bench")
EMPHASISED = ("error", "gap %")
"""Groups of columns whose least value is set off."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure of the page.

    Parameters
    ----------
    name : str
        Of the files beside the page, with .svg and .png.
    title : str
        For whoever cannot see it.
    svg : str
        As `plots.to_svg` returns it, its title within.
    caption : str
        How to read it.
    family : str
        Beside whose table it stands; empty is before all.
    """

    name: str
    title: str
    svg: str
    caption: str = ""
    family: str = ""


@dataclass(frozen=True)
class Heading:
    """A cell of the head of a table; `column` is the one it can be sorted by."""

    text: str
    rows: int = 1
    span: int = 1
    is_text: bool = False
    column: int | None = None


@dataclass(frozen=True)
class Cell:
    """A cell of the body of a table; `value` is what it is sorted by."""

    lines: Sequence[str]
    value: float | str | None
    is_text: bool
    is_least: bool = False


@dataclass(frozen=True)
class Note:
    """A sentence; `kind` is good, bad, new or empty."""

    text: str
    kind: str = ""


def write_page(
    path: Path,
    report: Report,
    figures: Sequence[Figure] = (),
    files: Mapping[str, str] | None = None,
) -> None:
    """Write the page; a file that is there is replaced when all has succeeded.

    Parameters
    ----------
    path : Path
    report : Report
    figures : sequence of Figure
    files : mapping of str to str
        What lies beside the page: a relative link, and what it is.

    Raises
    ------
    MissingBackend
        Without the package jinja2.
    OSError
        If it cannot be written.
    """
    text = page(report, figures, files)
    with replacing(path) as file:
        file.write(text.encode())


def page(
    report: Report, figures: Sequence[Figure] = (), files: Mapping[str, str] | None = None
) -> str:
    """Return the page as text; see `write_page`."""
    jinja2 = JINJA.load()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([Path(__file__).parent, report_package.__path__[0]]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        duration=duration,
        gap=gap,
        limit=lambda seconds: NOTHING if seconds is None else f"{seconds:g} s",
    )
    environment.finalize = _unbroken
    text: str = environment.get_template("page.html").render(
        report=report,
        plan=report.results.plan,
        versions={session.machine.subsetopt for session in report.results.sessions},
        headlines=headlines(report),
        conditions=conditions(report),
        remarks=remarks(report),
        general=[figure for figure in figures if not figure.family],
        families=[_section(family, figures) for family in report.families],
        glossary=_glossary(report),
        files=files or {},
    )
    return text


def _unbroken(found: object) -> object:
    """Return a text with numbers and their units kept together."""
    if type(found) is not str:
        return found
    return re.sub(r"(?<=\d) (?=(?:%|s|ms|µs|MiB|GiB)(?!\w))", "\N{NO-BREAK SPACE}", visible(found))


def _section(family: FamilyReport, figures: Sequence[Figure]) -> dict[str, Any]:
    summaries = family.summaries
    shown = [c for c in columns(family.family) if any(c.text(s) != NOTHING for s in summaries)]
    return {
        "name": family.family.name,
        "about": family.family.about,
        "conditions": family_conditions(family),
        "head": list(_head(shown)),
        "body": _body(shown, summaries),
        "notes": list(_notes(family)),
        "figures": [figure for figure in figures if figure.family == family.family.name],
        "instances": list(instances(family)),
    }


def _notes(family: FamilyReport) -> Iterator[Note]:
    for line in family.against_known:
        yield Note(line, "new" if "NEW BEST" in line else "")
    for verdict in family.verdicts:
        yield Note(str(verdict), "bad" if verdict.beaten else "good")
    for line in family_failures(family):
        yield Note(line, "bad")


# -- the table ------------------------------------------------------------------------------------


def _head(shown: Sequence[Column[SolverSummary]]) -> Iterator[list[Heading]]:
    """Yield the two rows of the head."""
    above, below = [], []
    for group, members in groupby(enumerate(shown), key=lambda pair: pair[1].group):
        own = list(members)
        if group:
            above.append(Heading(group, span=len(own)))
            below += [Heading(column.heading, column=number) for number, column in own]
        else:
            above += [
                Heading(column.heading, rows=2, is_text=column.is_text, column=number)
                for number, column in own
            ]
    yield above
    yield below


def _body(
    shown: Sequence[Column[SolverSummary]], summaries: Sequence[SolverSummary]
) -> list[list[Cell]]:
    least = {column: _least(column, summaries) for column in shown}
    return [[_cell(column, s, least[column]) for column in shown] for s in summaries]


def _least(column: Column[SolverSummary], summaries: Sequence[SolverSummary]) -> str | None:
    """Return what stands in the cells with the least value, where these are set off."""
    value = column.value
    if value is None or column.group not in EMPHASISED:
        return None
    found = [(v, column.text(s)) for s in summaries if (v := value(s)) is not None]
    return min(found)[1] if found else None


def _cell(column: Column[SolverSummary], summary: SolverSummary, least: str | None) -> Cell:
    text = column.text(summary)
    return Cell(
        lines=text.split("\n"),
        value=text if column.value is None else column.value(summary),
        is_text=column.is_text,
        is_least=text == least,
    )


def _glossary(report: Report) -> dict[str, str]:
    kinds: list[Family] = [family.family for family in report.families]
    meanings = {column.name: column.meaning for kind in kinds for column in columns(kind)}
    references = dict.fromkeys(f"faster x {kind.reference}" for kind in kinds)
    if len(references) > 1:  # they mean the same
        meanings["faster x ..."] = meanings[next(iter(references))]
        meanings = {name: text for name, text in meanings.items() if name not in references}
    return meanings
