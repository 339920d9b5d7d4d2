"""``subsetopt bench --list``: suites and their instances."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from subsetopt import benchmarks, report

from .standard_streams import say, say_json

if TYPE_CHECKING:
    from subsetopt.benchmarks import Plan


def show_suites(as_json: bool) -> None:
    """Print the built-in suites."""
    suites = [
        {
            "suite": suite.name,
            "about": suite.about,
            "families": list(suite.families),
            "time_limits": list(suite.time_limits),
            "repeats": suite.repeats,
        }
        for suite in benchmarks._suites.SUITES.values()
    ]
    if as_json:
        return say_json(suites, indent=2)
    columns: tuple[report.Column[Any], ...] = (
        report.Column("suite", "suite"),
        report.Column("instances", "about"),
        report.Column(
            "limits", lambda x: ", ".join(f"{limit:g} s" for limit in x["time_limits"]), rank=1
        ),
        report.Column("repeats", "repeats", "d", rank=1),
    )
    report.console().print(report.Table(columns, suites))
    say("the instances of one: subsetopt bench SUITE --list")


def show_instances(plan: "Plan", as_json: bool) -> None:
    """Print the instances of a plan, and which solvers are not run on them."""
    without: dict[str, list[str]] = {}
    for one in plan.skipped:
        without.setdefault(one.case, []).append(one.solver)
    cases = [asdict(case) | {"skipped": without.get(case.name, [])} for case in plan.cases]
    if as_json:
        return say_json(cases, indent=2)
    columns: list[report.Column[Any]] = [
        report.Column("instance", "name"),
        report.Column("family", "family", rank=2),
        report.Column("n", "n", "d"),
        report.Column("k", "k", "d"),
    ]
    if any(case["constraints"] for case in cases):
        stated = report.Column[Any](
            "constraints", lambda x: ", ".join(x["constraints"]) or None, rank=1
        )
        columns.append(stated)
    if without:
        skipped = report.Column[Any]("skipped", lambda x: ", ".join(x["skipped"]) or None, rank=3)
        columns.append(skipped)
    report.console().print(report.Table(columns, cases))
    return None
