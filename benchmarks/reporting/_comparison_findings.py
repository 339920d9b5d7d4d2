"""Sentences of a report: conditions, headlines, failures."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from operator import attrgetter
from statistics import median

from subsetopt.benchmarks.analysis._row_groups import grouped
from subsetopt.benchmarks.analysis._target_values import LEVELS, Level, costs, target
from subsetopt.benchmarks.results import Row
from subsetopt.report._number_format import counts, day, duration, enumerated, factor, listed, size

from ._comparison_report import ComparisonReport, FamilyReport

NAMED = 8
"""Instances up to which all are named."""


def conditions(report: ComparisonReport) -> dict[str, str]:
    """Return how everything was measured, by what it says."""
    plan, sessions = report.results.plan, report.results.sessions
    lines = {
        "compared": f"suite {plan.suite}: {len(plan.contenders)} solvers on {len(plan.cases)} "
        f"instances of {enumerated([family.family.name for family in report.families])}",
        "settings": _settings(report),
        "machine": _distinct(
            f"{m.cpu}, {m.cores} cores, {m.system}, Python {m.python}"
            for m in (session.machine for session in sessions)
        ),
        "versions": _distinct(
            ", ".join(
                f"{name} {version}"
                for name, version in {
                    "subsetopt": session.machine.subsetopt,
                    "numpy": session.machine.numpy,
                    **session.packages,
                }.items()
            )
            for session in sessions
        ),
        "commit": _distinct(session.commit for session in sessions),
        "measured": _measured(report),
    }
    return {name: text for name, text in lines.items() if text}


def _distinct(texts: Iterator[str]) -> str:
    return "\n".join(dict.fromkeys(text for text in texts if text))


def _settings(report: ComparisonReport) -> str:
    settings = report.results.plan.settings
    limits = " and ".join(f"{limit:g} s" for limit in settings.time_limits)
    threads = {None: "own number of threads", 1: "1 thread"}.get(
        settings.threads, f"{settings.threads} threads"
    )
    return (
        f"{settings.repeats} repeat{'s' * (settings.repeats > 1)}, at most {limits} per solve, "
        f"{threads}, at most {size(settings.memory_limit)} of memory, seed {settings.seed}"
        + ("" if settings.bound == "none" else f", bound {settings.bound}")
    )


def _measured(report: ComparisonReport) -> str:
    sessions = report.results.sessions
    if not sessions:
        return ""
    text = f"{len(report.rows)} runs, from {day(sessions[0].started)}"
    if len(sessions) > 1:
        text += f", in {len(sessions)} sessions, the last from {day(sessions[-1].started)}"
    jobs = max(session.jobs for session in sessions)
    return text + (f", up to {jobs} runs at once" if jobs > 1 else "")


def family_conditions(family: FamilyReport) -> dict[str, str]:
    """Return what a family was measured on, by what it says."""
    cases = family.cases
    sizes, ks = listed(case.n for case in cases), listed(case.k for case in cases)
    named = len(cases) <= NAMED and not family.family.absolute
    names = f": {', '.join(case.name for case in cases)}" if named else ""
    facts = {
        "data": "\n".join(dict.fromkeys(case.source for case in cases)),
        "instances": f"{len(cases)}, n = {sizes}, k = {ks}{names}",
    }
    kinds = Counter(kind for case in cases for kind in case.constraints)
    return facts | ({"constraints": ", ".join(counts(kinds))} if kinds else {})


def family_skips(family: FamilyReport) -> Iterator[str]:
    """Yield which solvers are not run on how many instances, and why."""
    for solver, own in grouped(family.skipped, attrgetter("solver")).items():
        kinds = dict.fromkeys(kind for one in own for kind in one.does_not_take)
        yield (
            f"{solver}: skipped on {len(own)} of {len(family.cases)} instances: does not take "
            f"{', '.join(kinds)}"
        )


def family_failures(family: FamilyReport) -> Iterator[str]:
    """Yield which solvers have no answer how often, and why."""
    for summary in family.summaries:
        silent = summary.runs - summary.answered - sum(summary.failures.values())
        if silent:
            yield f"{summary.solver}: no answer in {silent} of {summary.runs} runs"
        for reason, number in summary.failures.items():
            yield f"{summary.solver}: failed in {number} of {summary.runs} runs: {reason}"


def remarks(report: ComparisonReport) -> list[str]:
    """Return what has to be said about the comparison as a whole."""
    results = report.results
    unfinished = "Not complete: these are the measurements made until now."
    found = [] if results.complete else [unfinished]
    if len({session.machine for session in results.sessions}) > 1:
        found.append("Measured on different machines: times do not compare.")
    if len({session.commit for session in results.sessions}) > 1:
        found.append("Measured at different commits: see the session of each row.")
    found += results.plan.notes
    found += [f"no {b.method} bound on {b.case}: {b.failure}" for b in results.bounds if b.failure]
    found += [f"not compared: {name}: {why}" for name, why in results.plan.left_out.items()]
    return found


# -- in short -------------------------------------------------------------------------------------


def headlines(report: ComparisonReport) -> list[str]:
    """Return the most that can be said in a few sentences."""
    found = [line for family in report.families for line in _headline(family)]
    found += _news(report)
    found += _claims(report)
    if report.rows:
        found += _failures(report)
    return found


def _headline(family: FamilyReport) -> Iterator[str]:
    targets: dict[tuple[str, str], list[str]] = {}
    for level in LEVELS:
        if (found := _fastest(family, level)) is not None:
            targets.setdefault(found, []).append(target(family.family.name, level).text)
    for (solver, how), texts in targets.items():
        yield f"{family.family.name}: {solver} is the fastest to be {' and '.join(texts)}: {how}."


def _fastest(family: FamilyReport, level: Level) -> tuple[str, str] | None:
    """Return who is fastest of those that meet a target nearly as often as anybody, and how fast.

    Nearly is nine times in ten.
    """
    times: dict[str, dict[str, float]] = {}
    for (case, solver), seconds in costs(family.rows, level).items():
        if isfinite(seconds):
            times.setdefault(solver, {})[case] = seconds
    most = max(map(len, times.values()), default=0)
    typical = {s: median(own.values()) for s, own in times.items() if len(own) >= 0.9 * most}
    if not typical:
        return None
    solver = min(typical, key=lambda name: typical[name])
    how = f"on {len(times[solver])} of {len(family.cases)} instances, typically after "
    how += duration(typical[solver])
    reference = family.family.reference
    return solver, how + _longer(reference, times.get(reference, {}), times[solver])


def _longer(reference: str, its: Mapping[str, float], own: Mapping[str, float]) -> str:
    ratios = [its[case] / own[case] for case in its if own.get(case)]
    if not ratios or median(ratios) < 1.5:
        return ""
    late = f"{factor(median(ratios))} times as late"
    return f"; {reference} gets there on {len(ratios)} of them, {late}"


def _news(report: ComparisonReport) -> Iterator[str]:
    for family in report.families:
        for line in family.against_known:
            if "NEW BEST" in line:
                yield f"{family.family.name}: {line}."


def _claims(report: ComparisonReport) -> Iterator[str]:
    judged = [(family.family.name, family.verdicts) for family in report.families]
    for name, found in judged:
        refuted = [f"{v.solver} on {v.beaten} of {v.claimed}" for v in found if v.beaten]
        if refuted:
            yield f'{name}: better answers refute claims of "optimal": {enumerated(refuted)}.'
    if any(found for _, found in judged) and not any(
        v.beaten for _, found in judged for v in found
    ):
        yield 'No answer here refutes a claim of "optimal".'


def _failures(report: ComparisonReport) -> Iterator[str]:
    """Yield how many runs failed, and how many ended without an answer though nothing failed."""
    runs = f"of {len(report.rows)} runs"
    if report.failures:
        yield f"{len(report.failures)} {runs} failed: {_who(report.failures)}."
    if report.silent:
        yield f"{len(report.silent)} {runs} ended without an answer: {_who(report.silent)}."
    if not report.failures and not report.silent:
        yield f"None of the {len(report.rows)} runs failed."


def _who(rows: Sequence[Row]) -> str:
    counts = Counter(row.solver for row in rows).most_common()
    return enumerated([f"{solver} {number}" for solver, number in counts])
