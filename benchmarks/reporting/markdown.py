"""A report as GitHub Markdown, to be pasted."""

from collections.abc import Iterator, Mapping

from subsetopt.report.columns import Table
from subsetopt.report.markup import bullets, drawn, escaped, named

from .columns import columns
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
    parts += bullets(map(escaped, headlines(report)))
    parts += named(conditions(report))
    parts += drawn(links.get("", {}))
    for family in report.families:
        parts += [*_family(family), *drawn(links.get(family.family.name, {}))]
    found = remarks(report)
    if found:
        parts += ["## Remarks", *bullets(map(escaped, found))]
    return "\n\n".join(parts) + "\n"


def _family(family: FamilyReport) -> Iterator[str]:
    yield f"## {family.family.name}"
    yield f"To be found: {escaped(family.family.about)}."
    yield from named(family_conditions(family))
    if family.summaries:
        shown = [column for column in columns(family.family) if column.rank < LEAST]
        yield Table(shown, family.summaries).to_markdown()
    yield from bullets(map(escaped, family_findings(family)))
