"""An analysis as GitHub Markdown, to be pasted."""

from collections.abc import Iterator, Mapping

from subsetopt.report.columns import Table
from subsetopt.report.markup import bullets, drawn, escaped, named
from subsetopt.training.analysis import Analysis, Family

from .columns import columns
from .findings import conditions, findings, remarks

Links = Mapping[int, Mapping[str, str]]
"""Where figures are: by the number of the family, and title."""


def to_markdown(analysis: Analysis, figures: Links | None = None) -> str:
    """Return the analysis as Markdown.

    Parameters
    ----------
    analysis : Analysis
    figures : Links, optional
    """
    parts = ["# Training under a budget"]
    for number, family in enumerate(analysis.families):
        parts += [*_family(family, analysis.measure), *drawn((figures or {}).get(number, {}))]
    found = bullets(map(escaped, remarks(analysis)))
    if found:
        parts += ["## Remarks", *found]
    if analysis.families:
        meanings = {c.name: c.meaning for x in analysis.families for c in columns(x)}
        parts += ["## Columns", *named(meanings)]
    return "\n\n".join(parts) + "\n"


def _family(family: Family, measure: str) -> Iterator[str]:
    yield f"## {escaped(family.task)}"
    yield escaped(f"{family.metric} {measure}, {family.better} is better; {conditions(family)}")
    yield Table(
        columns(family), [line for group in family.groups for line in group.lines]
    ).to_markdown()
    yield from bullets(map(escaped, findings(family)))
