"""Document of a comparison, and the folder of its report."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

from subsetopt.benchmarks.results._results_folder import ROWS
from subsetopt.report import Document, Facts, Note, Notes, Picture, Section, Style, Table, styles
from subsetopt.report._figure import MATPLOTLIB

from . import _comparison_figures as figures
from ._comparison_findings import (
    conditions,
    family_conditions,
    family_failures,
    family_skips,
    headlines,
    remarks,
)
from ._comparison_report import ComparisonReport, FamilyReport, write_tables
from ._solver_table import (
    FAILURE_TABLE,
    SKIPPED_TABLE,
    columns,
    instance_table,
    solver_table,
)

SIZES = 3
"""From so many on it is shown how times grow with n."""
TABLES = {
    ROWS: "each run as it was measured, one JSON object per line",
    "rows.parquet": "the same as a table, with gaps to the best",
    "rows.csv": "the same as text",
}
_MEASURED = (
    "Each run has a process of its own, with limits on time and memory that it cannot overstay. "
    "Objectives are recomputed from the answers. Warm-up is not timed, and the repeats of all "
    "solvers are interleaved."
)
_NOTHING = "Nothing has been measured."
_PAGE, _TEXTS, _PRINTED = ("html",), ("markdown", "html"), ("markdown", "terminal")


def document(report: ComparisonReport, files: Mapping[str, str] | None = None) -> Document:
    """Return the report as a document.

    `files` are what lies next to the page: a relative address, and what it is.
    """
    plan, found = report.results.plan, remarks(report)
    families, kinds = report.families, len(report.families)
    main = [_named(report, line) for line in headlines(report) or [_NOTHING]]
    looks = styles(contender.label for contender in plan.contenders)
    machines = {session.machine.subsetopt for session in report.results.sessions}
    return Document(
        plan.suite,
        [
            Section("Findings", [Notes(main, is_main=True)], media=_TEXTS, titled=_PAGE, link=None),
            Section("How it was measured", [Facts(conditions(report))], titled=_PAGE, link=None),
            Section("", [_MEASURED, Notes(found)], media=_PAGE),
            *_overview(report),
            *(_family(family, looks) for family in families),
            *([Section("Remarks", [Notes(found)], media=_PRINTED, titled=("markdown",))]
              if found else []),
            *_lists(report),
            Section("What the columns say", [Facts(_glossary(report))], media=_PAGE,
                    link="columns"),
            *_files(files or {}),
        ],
        kind="Comparison of solvers",
        lede=[
            f"{len(plan.contenders)} solvers",
            f"{len(plan.cases)} instances",
            f"{kinds} {'family' if kinds == 1 else 'families'}",
            f"{len(report.rows)} runs",
        ],
        badge="" if report.results.complete else "not complete",
        footer=f"subsetopt {', '.join(sorted(machines))}".strip(),
    )  # fmt: skip


def _named(report: ComparisonReport, line: str) -> Note:
    """Return a sentence, with the family that it is about apart."""
    name, _, rest = line.partition(": ")
    known = {family.family.name for family in report.families}
    return Note(rest, name=name) if name in known else Note(line)


def _overview(report: ComparisonReport) -> Iterator[Section]:
    if report.rows:
        picture = Picture(
            name="heat-map",
            title="What each solver is good at",
            caption="Who is good at what, and how fast.",
            figure=partial(figures.heat_map, report.rows),
        )
        yield Section("Overview", [picture], media=_TEXTS, titled=_PAGE, link=None)


def _family(family: FamilyReport, looks: Mapping[str, Style]) -> Section:
    table = solver_table(family)
    return Section(
        family.family.name,
        [
            Facts(family_conditions(family)),
            table if table.rows else "Nothing has been measured here.",
            Notes(list(_notes(family))),
            *(_pictures(family, looks) if family.rows else ()),
        ],
        lead=family.family.about,
    )


def _notes(family: FamilyReport) -> Iterator[Note]:
    for line in family.against_known:
        yield Note(line, "new" if "NEW BEST" in line else "")
    for verdict in family.verdicts:
        yield Note(str(verdict), "bad" if verdict.beaten else "good")
    for line in family_skips(family):
        yield Note(line)
    for line in family_failures(family):
        yield Note(line, "bad")


def _pictures(family: FamilyReport, looks: Mapping[str, Style]) -> Iterator[Picture]:
    name, rows = family.family.name, family.rows
    drawn = {
        "profile": (
            "Performance profile",
            "Further up on the left: more often the fastest; on the right: solves more. It ranks "
            "against the fastest only.",
            partial(figures.performance_profile, rows, looks),
        ),
        "target": (
            "Time to target",
            "Further left: sooner; further up: more of the runs.",
            partial(figures.time_to_target, rows, looks),
        ),
        "target-best": (
            "Time to the hardest target",
            "The same for the hardest target.",
            partial(figures.time_to_target, rows, looks, "best"),
        ),
        "time": (
            "Objective against time",
            "What a solver returns when it is given so long; further down on the left is better.",
            partial(figures.objective_against_time, rows, looks),
        ),
    }
    if len({row.n for row in rows}) >= SIZES:
        drawn["scaling"] = (
            "Time against size",
            "A straight line is a power of n; its exponent stands next to the name.",
            partial(figures.time_against_size, rows, looks),
        )
    for key, (title, caption, figure) in drawn.items():
        yield Picture(
            name=f"{key}-{name}", title=f"{title}: {name}", caption=caption, figure=figure
        )


def _lists(report: ComparisonReport) -> Iterator[Section]:
    if report.failures:
        failures = Table(FAILURE_TABLE, report.failures, name="Failures")
        yield Section("Failures", [failures], media=_PAGE, link="failures")
    if report.results.plan.skipped:
        skipped = Table(SKIPPED_TABLE, report.results.plan.skipped, name="Skipped")
        yield Section("Skipped", [skipped], media=_PAGE, link="skipped")
    table = instance_table(report.families)
    yield Section("Instances and their best answers", [table], media=_PAGE, link="instances")


def _glossary(report: ComparisonReport) -> dict[str, str]:
    kinds = [family.family for family in report.families]
    meanings = {c.name: c.meaning for family in report.families for c in columns(family)}
    references = dict.fromkeys(f"faster x {kind.reference}" for kind in kinds)
    if len(references) > 1:  # they mean the same
        meanings["faster x ..."] = meanings[next(iter(references))]
        meanings = {name: text for name, text in meanings.items() if name not in references}
    return meanings


def _files(files: Mapping[str, str]) -> Iterator[Section]:
    if files:
        names = {where.rpartition("/")[2]: where for where in files}
        facts = Facts({name: files[where] for name, where in names.items()}, links=names)
        yield Section("Files", [facts], media=_PAGE, link="files")


def write_report(
    report: ComparisonReport,
    source: Path,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write ``index.html``, each figure as SVG and PNG, and ``rows.parquet`` and ``rows.csv``.

    The tables go to the folder of the results, `source`, if the report lies in it, else to `out`.
    Returns the path of the page; raises as `Document.write` does.
    """
    MATPLOTLIB.load()
    out.mkdir(parents=True, exist_ok=True)
    inside = source.resolve() in out.resolve().parents
    tables = source if inside else out
    write_tables(report.results, tables)
    files = {
        quote(Path(os.path.relpath(folder / name, out)).as_posix()): what
        for name, what in TABLES.items()
        for folder in (source if name == ROWS else tables,)
        if (folder / name).exists()
    }
    return document(report, files).write(out, ["index.html"], progress)
