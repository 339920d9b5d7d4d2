"""An outcome as GitHub Markdown."""

from subsetopt.papers.outcome import Outcome
from subsetopt.report.columns import Table
from subsetopt.report.markup import bullets, drawn, escaped

from .columns import columns
from .terminal import explained, tables


def to_markdown(outcome: Outcome, figure: str = "") -> str:
    """Return the outcome as Markdown, with a link to its figure where there is one."""
    own = outcome.experiment.sheet
    parts = [
        f"# {outcome.experiment.name}: {escaped(own.title)}",
        escaped(f"{own.item} of {own.paper}."),
    ]
    parts += [escaped(own.did)]
    if figure:
        parts += drawn({own.title: figure})
    for part in outcome.measured.parts:
        for name, sections in tables(outcome, part):
            lines = [line for section in sections for line in section]
            parts += [
                f"## {escaped(part.label)}: {escaped(name)}",
                Table(columns(lines, part.x), lines).to_markdown(),
            ]
    parts += [escaped(explained(outcome)), "## What the paper says"]
    parts += bullets(
        f"**{finding.standing}:** {escaped(text)}"
        + (f" ({escaped(finding.why)})" if finding.why else "")
        for text, finding in outcome.findings
    )
    parts += ["## What differs", *bullets(map(escaped, outcome.limits))]
    return "\n\n".join(parts) + "\n"
