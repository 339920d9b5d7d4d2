"""The folder of a report: the page, its figures as files, and the rows as tables."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from subsetopt.benchmarks.analysis.anytime import anytime
from subsetopt.benchmarks.analysis.heat import heat_map
from subsetopt.benchmarks.analysis.profiles import performance_profiles
from subsetopt.benchmarks.analysis.reaching import times_to_target
from subsetopt.benchmarks.analysis.scaling import scaling
from subsetopt.benchmarks.results.folder import ROWS

from . import plots
from .frames import write_tables
from .page import JINJA, Figure, write_page
from .report import FamilyReport, Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawn

SIZES = 3
"""From so many on it is shown how times grow with n."""
TABLES = {
    ROWS: "each run as it was measured, one JSON object per line",
    "rows.parquet": "the same as a table, with gaps to the best",
    "rows.csv": "the same as text",
}


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure of the report, not yet drawn; `name` is that of its files."""

    name: str
    title: str
    family: str
    caption: str
    draw: "Callable[[], Drawn]"


def write_report(
    report: Report,
    source: Path,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write ``index.html``, each figure as SVG and PNG, and ``rows.parquet`` and ``rows.csv``.

    Parameters
    ----------
    report : Report
    source : Path
        The folder of the results: the tables go there if the report lies in it, else to `out`.
    out : Path
        Made if it is not there.
    progress : callable
        Called with the figures drawn and all of them.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    MissingBackend
        Without matplotlib, jinja2, pandas or pyarrow.
    OSError
        If something cannot be written.
    """
    for needed in (plots.MATPLOTLIB, JINJA):
        needed.load()
    out.mkdir(parents=True, exist_ok=True)
    inside = source.resolve() in out.resolve().parents
    tables = source if inside else out
    write_tables(report.results, tables)
    wanted = drawings(report)
    figures = []
    for number, drawing in enumerate(wanted):
        progress(number, len(wanted))
        figures.append(_written(drawing, out))
    files = {
        quote(Path(os.path.relpath(folder / name, out)).as_posix()): what
        for name, what in TABLES.items()
        for folder in (source if name == ROWS else tables,)
        if (folder / name).exists()
    }
    write_page(out / "index.html", report, figures, files)
    return out / "index.html"


def _written(drawing: Drawing, out: Path) -> Figure:
    drawn = drawing.draw()
    for suffix in ("svg", "png"):
        plots.save(drawn, out / f"{drawing.name}.{suffix}")
    return Figure(
        name=drawing.name,
        title=drawing.title,
        caption=drawing.caption,
        svg=plots.to_svg(drawn),
        family=drawing.family,
    )


def drawings(report: Report) -> list[Drawing]:
    """Return all figures of a report, those of no family first."""
    style = plots.styles(entrant.label for entrant in report.results.plan.entrants)
    found = []
    if report.rows:
        found.append(
            Drawing(
                name="heat-map",
                title="What each solver is good at",
                family="",
                caption="Who is good at what, and how fast.",
                draw=lambda: plots.heat_map(heat_map(report.rows)),
            )
        )
    for family in report.families:
        if family.rows:
            found += _of_family(family, style)
    return found


def linked(report: Report, pattern: str = "{}.png") -> dict[str, dict[str, str]]:
    """Return where the figures of a report are in its folder, by family and title."""
    links: dict[str, dict[str, str]] = {}
    for drawing in drawings(report):
        links.setdefault(drawing.family, {})[drawing.title] = pattern.format(drawing.name)
    return links


def _of_family(family: FamilyReport, style: dict[str, plots.Style]) -> Iterator[Drawing]:
    name, rows = family.family.name, family.rows
    yield Drawing(
        name=f"profile-{name}",
        title=f"Performance profile: {name}",
        family=name,
        caption="Further up on the left: more often the fastest; on the right: solves more. It "
        "ranks against the fastest only.",
        draw=lambda: plots.performance_profile(performance_profiles(rows), style),
    )
    yield Drawing(
        name=f"target-{name}",
        title=f"Time to target: {name}",
        family=name,
        caption="Further left: sooner; further up: more of the runs.",
        draw=lambda: plots.time_to_target(times_to_target(rows), style),
    )
    yield Drawing(
        name=f"target-best-{name}",
        title=f"Time to the hardest target: {name}",
        family=name,
        caption="The same for the hardest goal.",
        draw=lambda: plots.time_to_target(times_to_target(rows, "best"), style),
    )
    yield Drawing(
        name=f"time-{name}",
        title=f"Objective against time: {name}",
        family=name,
        caption="What a solver returns when it is given so long; further down on the left is "
        "better.",
        draw=lambda: plots.anytime(anytime(rows), style),
    )
    if len({row.n for row in rows}) >= SIZES:
        yield Drawing(
            name=f"scaling-{name}",
            title=f"Time against size: {name}",
            family=name,
            caption="A straight line is a power of n; its exponent stands beside the name.",
            draw=lambda: plots.scaling(scaling(rows), style),
        )
