"""A report as GitHub Markdown, to be pasted."""

import re
from collections.abc import Iterable, Iterator, Mapping

from subsetopt.benchmarks.analysis.summary import SolverSummary

from .columns import Column, columns
from .findings import conditions, family_conditions, family_findings, headlines, remarks
from .report import FamilyReport, Report

LEAST = 4
"""Rank of the columns that are left to the page."""


Links = Mapping[str, Mapping[str, str]]
"""Where figures are: by family, "" for none, and title."""


def to_markdown(report: Report, figures: Links | None = None) -> str:
    """Return the report as Markdown.

    Parameters
    ----------
    report : Report
    figures : Links, optional
    """
    links = figures or {}
    parts = [f"# Comparison of solvers: {escaped(report.results.plan.suite)}"]
    parts += _list(map(escaped, headlines(report)))
    parts += _list(f"**{name}:** {escaped(text)}" for name, text in _lines(conditions(report)))
    parts += _figures(links.get("", {}))
    for family in report.families:
        parts += [*_family(family), *_figures(links.get(family.family.name, {}))]
    found = remarks(report)
    if found:
        parts += ["## Remarks", *_list(map(escaped, found))]
    return "\n\n".join(parts) + "\n"


def _family(family: FamilyReport) -> Iterator[str]:
    yield f"## {family.family.name}"
    yield f"To be found: {escaped(family.family.about)}."
    yield from _list(
        f"**{name}:** {escaped(text)}" for name, text in _lines(family_conditions(family))
    )
    if family.summaries:
        yield _table(family)
    yield from _list(map(escaped, family_findings(family)))


def _figures(links: Mapping[str, str]) -> Iterator[str]:
    for title, where in links.items():
        yield f"![{escaped(title)}]({f'<{where}>' if ' ' in where else where})"


def _lines(found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in found.items():
        yield name, text.replace("\n", "; ")


def _list(lines: Iterable[str]) -> list[str]:
    text = "\n".join(f"- {line}" for line in lines)
    return [text] if text else []


def _table(family: FamilyReport) -> str:
    shown = [column for column in columns(family.family) if column.rank < LEAST]
    lines = [
        _line(column.name for column in shown),
        _line("---" if column.is_text else "---:" for column in shown),
    ]
    lines += [_line(_cell(column, summary) for column in shown) for summary in family.summaries]
    return "\n".join(lines)


def _cell(column: Column, summary: SolverSummary) -> str:
    return escaped(column.cell(summary)).replace("\n", "<br>")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it stands."""
    return re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", text)
