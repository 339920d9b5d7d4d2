"""Results of an experiment as a document: published and measured numbers, claims."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from typing import Any

from subsetopt.report import Column, Document, Facts, Note, Notes, Picture, Section, Table, plain
from subsetopt.report._number_format import NOTHING, ValueFormat, counted, span
from subsetopt.training.run_result import Result

from ._claims import Finding, Standing
from ._experiment import Experiment, Scale
from ._outcome_figure import figure_of
from ._parts import Part, Quantity
from ._planning import left_out
from .measuring import Line, Measured, measured


@dataclass(frozen=True, kw_only=True)
class ExperimentResult:
    """All that is shown of an experiment; `findings` are its claims and what the runs say."""

    experiment: Experiment
    scale: Scale
    measured: Measured
    findings: tuple[tuple[str, Finding], ...]
    limits: tuple[str, ...]


def outcome(
    experiment: Experiment, scale: Scale, parts: Sequence[Part], results: Iterable[Result]
) -> ExperimentResult:
    """Return what the results say."""
    found = measured(parts, results)
    subset = sorted({_subset(result) for result in found.results.values()} - {""})
    return ExperimentResult(
        experiment=experiment,
        scale=scale,
        measured=found,
        findings=tuple((claim.text, claim.judged(found)) for claim in experiment.sheet.claims),
        limits=(*experiment.limits(scale), *subset, *left_out(parts)),
    )


def _subset(result: Result) -> str:
    facts = result.facts
    if not facts.get("subset"):
        return ""
    name = result.run.task.partition(":")[0]
    return f"{name}: {facts['n_train']:,} training and {facts['n_test']:,} test samples."


MARK = "*"
"""Beside the baseline."""
_KINDS = {Standing.HOLDS: "good", Standing.FAILS: "bad"}


def document(outcome: ExperimentResult) -> Document:
    """Return a table for each part and quantity, the claims, and what differs from the paper."""
    own, name = outcome.experiment.sheet, outcome.experiment.name
    picture = Picture(name=name, title=own.title, figure=partial(figure_of, outcome))
    tables = [section for part in outcome.measured.parts for section in _tables(outcome, part)]
    return Document(
        own.title,
        [
            Section(
                own.title,
                [own.did, Facts(facts_of(outcome)), picture],
                lead=f"{own.item} of {own.paper}.",
                titled=("terminal",),
            ),
            *tables,
            Section("", [_explained(outcome.measured.tests)]),
            Section("What the paper says", [Notes([_said(*one) for one in outcome.findings])]),
            Section("What differs", [Notes(outcome.limits)]),
        ],
        kind=name,
    )


def facts_of(outcome: ExperimentResult) -> dict[str, str]:
    """Return in a line each what the claims came to, and how long the runs took."""
    counts = Counter(finding.standing for _, finding in outcome.findings)
    said = [f"{one}: {counts[one]}" for one in Standing if counts[one]]
    results = outcome.measured.results.values()
    seconds = sum(result.training_seconds for result in results)
    return {
        "verdict": "; ".join(said),
        "run time": f"{counted(len(results), 'run')}, {span(seconds)} of training in all",
    }


def _tables(outcome: ExperimentResult, part: Part) -> Iterator[Section]:
    """Yield a table for each quantity that was measured or published, with gaps between columns."""
    of_part = outcome.measured.of(part.label)
    for quantity in part.quantities:
        lines = [line for line in of_part if line.quantity.name == quantity.name]
        if not any(line.values for line in lines):
            lines = [line for line in lines if line.published]
        if lines:
            sections = [list(own) for _, own in groupby(lines, lambda line: line.cell.column)]
            table = Table.in_sections(columns(lines, quantity, part.x), sections)
            title = f"{part.label}: {quantity.name}, {quantity.better} is better"
            yield Section(title, [table])


def _explained(tests: int) -> str:
    return (
        "Pairs of runs have the seed in common. Intervals (95 %, Student's t) hold one by one; "
        f"verdicts hold all together, {tests} tests by Holm's method. A claim holds or fails by "
        "such intervals, and is undecided where they allow both."
    )


def _said(text: str, finding: Finding) -> Note:
    why = f" ({finding.why})" if finding.why else ""
    return Note(f"{text}{why}", _KINDS.get(finding.standing, ""), name=finding.standing)


def columns(lines: Sequence[Line], quantity: Quantity, x: str) -> list[Column[Line]]:
    """Return the columns of the table of a quantity."""
    form = ValueFormat(quantity.share)
    unit = " (%)" if quantity.share else ""
    found: list[Column[Line]] = [
        Column("method", lambda x: f"{x.cell.row} {MARK}" if x.is_baseline else x.cell.row,
               meaning=f"{MARK} is the baseline"),
        Column(x or "column", lambda x: x.cell.column, str, meaning="the column of the table"),
        Column("mean ± std", lambda x: x.published, form.spread, group=f"published{unit}",
               meaning="as the paper prints it"),
        Column("mean ± std", lambda x: x.spread.mean, cell=partial(_measured, form),
               group=f"measured{unit}", meaning="over the seeds, runs that diverged left out"),
        Column("seeds", lambda x: len(x.values) or None, "d", meaning="runs"),
        Column("(95 % interval)", lambda x: x.comparison and x.comparison.difference,
               cell=partial(_difference, form),
               group="less the baseline's",
               meaning="mean difference over seeds, with the interval of Student's t"),
        Column("verdict", _verdict,
               meaning="better or worse where a test says so of all lines together (Holm, 5 %)"),
    ]  # fmt: skip
    if not any(line.cell.column for line in lines):
        found.remove(found[1])
    return [one for one in found if one.group[:9] != "published" or any(x.published for x in lines)]


def _measured(form: ValueFormat, line: Line) -> str:
    if not line.values:
        return "not run"
    lost = len(line.values) - line.spread.count
    return form.spread(line.spread) + (f", {lost} diverged" if lost else "")


def _difference(form: ValueFormat, line: Line) -> str:
    return form.difference(line.comparison, line.spread.mean) if line.comparison else NOTHING


def _verdict(line: Line) -> str | None:
    if line.is_baseline:
        return "baseline"
    return None if line.comparison is None else str(line.comparison.verdict)


# -- plain values ----------------------------------------------------------------------------------


def to_dict(outcome: ExperimentResult) -> dict[str, Any]:
    """Return all numbers; None for those that are not finite, or not known."""
    own = outcome.experiment.sheet
    found: dict[str, Any] = plain(
        {
            "experiment": outcome.experiment.name,
            **{name: getattr(own, name) for name in ("title", "paper", "item")},
            "scale": outcome.scale,
            "tests": outcome.measured.tests,
            "training_seconds": sum(
                result.training_seconds for result in outcome.measured.results.values()
            ),
            "parts": [
                {
                    "label": part.label,
                    "baseline": part.baseline,
                    "without": part.without or None,
                    "cells": [_cell(line) for line in outcome.measured.of(part.label)],
                }
                for part in outcome.measured.parts
            ],
            "claims": [{"text": text, **asdict(finding)} for text, finding in outcome.findings],
            "limits": outcome.limits,
        }
    )
    return found


def _cell(line: Line) -> dict[str, Any]:
    published, comparison = line.published, line.comparison
    return {
        "quantity": line.quantity.name,
        "better": line.quantity.better,
        **asdict(line.cell),
        "published": published and published._asdict(),
        "mean": line.spread.mean,
        "std": line.spread.std,
        "values": line.values,
        "comparison": comparison and {"verdict": comparison.verdict, **asdict(comparison)},
    }
