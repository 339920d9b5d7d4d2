"""An analysis as a document, as JSON, and as a folder of both with figures."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from subsetopt.report import Document, Facts, Figure, Notes, Picture, Section, Style, plain, styles
from subsetopt.report._document import write_text
from subsetopt.training.analysis import Analysis, GroupResult, Summary, TaskResult
from subsetopt.training.run_result import PARTS

from . import _analysis_figures as figures
from ._rule_table import MARK, columns, conditions, findings, remarks, rule_table, where

__all__ = ["document", "to_dict", "write_report"]


def document(analysis: Analysis) -> Document:
    """Return a table of rules for each task and setting, and what may be concluded."""
    looks = styles(analysis.rules)
    found = list(remarks(analysis))
    tasks = enumerate(analysis.tasks)
    meanings = {c.name: c.meaning for result in analysis.tasks for c in columns(result)}
    glossary = Section("Columns", [Facts(meanings)], media=("markdown", "html"))
    notes = Section("Remarks", [Notes(found)], titled=("markdown", "html"))
    return Document(
        "Training under a budget",
        [
            *(_section(result, analysis.measure, number, looks) for number, result in tasks),
            *([notes] if found else []),
            *([glossary] if meanings else []),
        ],
    )


def _section(result: TaskResult, measure: str, number: int, looks: Mapping[str, Style]) -> Section:
    marked = [f"{MARK} the baseline"] if any(group.baseline for group in result.groups) else []
    return Section(
        result.task,
        [
            conditions(result),
            rule_table(result),
            *marked,
            Notes(list(findings(result)), is_main=True),
            *_pictures(result, number, looks),
        ],
        lead=f"{result.metric} {measure}, {result.better} is better",
    )


def _pictures(result: TaskResult, number: int, looks: Mapping[str, Style]) -> Iterator[Picture]:
    end = f"{number}-{_safe(result.task)}"
    if any(group.budget < 1 for group in result.groups):
        for name, effective in (("budget", False), ("cost", True)):
            yield Picture(
                name=f"{name}-{end}",
                title=f"{result.metric} against {name}: {result.task}",
                figure=partial(figures.against_budget, result, looks, effective),
            )
    for group in result.groups:
        if len(group.lines) > 1:
            for name, (title, figure) in _of_group(result, group, looks).items():
                yield Picture(
                    name=f"{name}-{end}-{_amount(group)}",
                    title=f"{title}: {result.task}, {where(group)}",
                    figure=figure,
                )


def _of_group(
    result: TaskResult, group: GroupResult, looks: Mapping[str, Style]
) -> dict[str, tuple[str, Callable[[], Figure]]]:
    found: dict[str, tuple[str, Callable[[], Figure]]] = {}
    if group.baseline is not None:
        found["difference"] = ("differences", partial(figures.differences, result, group))
    for axis, (short, _) in figures.NAMES.items():
        figure = partial(figures.against_time, result, group, axis, looks)
        found[axis] = (f"{result.metric} against {short}", figure)
    found["parts"] = ("where the time goes", partial(figures.where_seconds_go, result, group))
    entropy = partial(figures.against_entropy, result, group, looks)
    found["entropy"] = (f"{result.metric} against entropy", entropy)
    return found


def _amount(group: GroupResult) -> str:
    """Return what the lines of a group have in common, for names of files."""
    base = f"{group.budget:g}-{group.lines[0].epochs}"
    if group.cost is not None:
        return f"cost-{group.cost:.3g}-{base}"
    if group.seconds is not None:
        return f"time-{group.seconds:.3g}-{base}"
    return f"{group.budget:g}{'-whole' if group.baseline == 'unif_sgd' else ''}"


def _safe(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in text)


def write_report(
    analysis: Analysis,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write ``report.md``, ``report.html``, ``report.json``, and figures as SVG and PNG.

    Returns the path of the Markdown; `progress` and what is raised are those of `Document.write`.
    """
    written = document(analysis).write(out, ["report.md", "report.html"], progress)
    values = json.dumps(to_dict(analysis), indent=1, allow_nan=False)
    write_text(out / "report.json", f"{values}\n")
    return written


# -- plain values ----------------------------------------------------------------------------------


def to_dict(analysis: Analysis) -> dict[str, Any]:
    """Return all numbers of an analysis; None for those that are not finite, or not known."""
    found: dict[str, Any] = plain(
        {
            "measure": analysis.measure,
            "tests": analysis.tests,
            "tasks": [
                {
                    "task": result.task,
                    "setting": result.setting,
                    "metric": result.metric,
                    "better": result.better,
                    "groups": [
                        {
                            "budget": group.budget,
                            "cost": group.cost,
                            "seconds": group.seconds,
                            "baseline": group.baseline,
                            "rules": [_line(line) for line in group.lines],
                        }
                        for group in result.groups
                    ],
                }
                for result in analysis.tasks
            ],
        }
    )
    return found


def _line(line: Summary) -> dict[str, Any]:
    comparison = line.comparison
    return {
        "rule": line.rule,
        "budget": line.budget,
        "epochs": line.epochs,
        "baseline": line.baseline,
        "seeds": [result.run.seed for result in line.results],
        "lr": line.rates,
        "diverged": line.diverged,
        "values": line.values,
        "value": line.value,
        "loss": line.loss,
        "effective_budget": line.effective_budget,
        "training_seconds": line.seconds,
        "seconds": {part: line.part(part).mean for part in PARTS},
        "selected": {
            name: line.selected(name).mean for name in ("entropy", "entropy_share", "seen")
        },
        "comparison": comparison and {"verdict": comparison.verdict, **asdict(comparison)},
    }
