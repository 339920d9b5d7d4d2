"""``subsetopt reproduce``: the published experiments, run again and compared with their numbers."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from subsetopt import papers, problems, report
from subsetopt._options import option
from subsetopt._processes import processors
from subsetopt._spec import Spec
from subsetopt.errors import InvalidFile, InvalidOption, MissingDependency
from subsetopt.report._number_format import span

from . import exits
from .derived_options import picture_file
from .standard_streams import say, say_json
from .training_output import OutputOptions

if TYPE_CHECKING:
    from subsetopt.papers import Experiment, Part
    from subsetopt.papers._outcome import ExperimentResult
    from subsetopt.training.run import Run

SCALES = ("quick", "paper", "smoke")
LIST, ALL = "list", "all"


@dataclass(frozen=True, kw_only=True)
class ExperimentOptions:
    """What is run again."""

    experiment: str = option(
        "Name of the experiment: obftf-fig1, budgeted-table2, mmd-table1, ...; list shows them, "
        "all runs one after another.",
        argument=True,
    )
    scale: str = option(
        "Scale: quick takes minutes on two processors, smaller than published; paper is as "
        "published.",
        "quick",
        metavar="quick|paper",
    )
    seeds: tuple[int, ...] | None = option(
        "Seeds of the runs.", None, ge=0, unset="the experiment's"
    )
    rules: tuple[str, ...] | None = option(
        "Methods to run, named as in the paper or as rules; the baseline is always added.",
        None,
        unset="all",
    )
    device: str | None = option("Device to train on: cpu or cuda.", None, unset="cpu")
    plot: Path | None = picture_file("File for a picture of the results")

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise InvalidOption(f"--scale must be quick or paper; got {self.scale!r}")
        if self.experiment == ALL and self.scale == "paper":
            raise InvalidOption("all is for --scale quick; name one experiment for --scale paper")

    def parts(self, experiment: "Experiment") -> "list[Part]":
        """Return the parts, with the runs that were asked for."""
        parts = experiment.runs(self.scale, self.seeds)
        if self.rules is not None:
            papers._parts.require_rows(parts, self.rules)
            parts = [part.only(self.rules) for part in parts]
        device = self.device
        if device is not None:
            parts = [part.mapped(lambda run: run.but(device=device)) for part in parts]
        return parts


def reproduce(which: ExperimentOptions, keeping: OutputOptions) -> None:
    """Run a table or figure of the papers again and compare it with the published numbers.

    Example: subsetopt reproduce obftf-fig1 --scale quick --plot fig1.svg
    """
    from subsetopt._dependencies import OptionalDependency

    OptionalDependency("torch", "torch", extra="train").load()
    if which.experiment == LIST:
        _list(keeping)
        return
    chosen = list(papers.EXPERIMENTS) if which.experiment == ALL else [which.experiment]
    if len(chosen) > 1 and which.plot is not None:
        raise InvalidOption("--plot is for a single experiment")
    found = [papers.experiment(name) for name in chosen]
    try:
        shown = list(_each(found, which, keeping))
    except KeyboardInterrupt:
        keeping.say_where()
        raise typer.Exit(exits.INTERRUPTED) from None
    if keeping.as_json:
        documents = [document for document in shown if document is not None]
        say_json(documents[0] if len(chosen) == 1 else {"experiments": documents})


def _each(
    found: "Sequence[Experiment]", which: ExperimentOptions, keeping: OutputOptions
) -> Iterator[dict[str, Any] | None]:
    several, done = len(found) > 1, 0
    for one in found:
        own = keeping
        if several and keeping.out is not None:
            own = replace(keeping, out=keeping.out / one.name)
        try:
            parts = papers._planning.ready(which.parts(one), keeping.data, keeping.download)
        except (InvalidFile, MissingDependency) as error:
            if not several:
                raise
            say(f"{one.name} is left out: {error}", err=True)
            continue
        done += 1
        yield _shown(_run(one, parts, which, own), own, which.plot)
    if not done:
        raise InvalidFile("none of the experiments has its data: --data DIR names their folder")


def _run(
    experiment: "Experiment", parts: "list[Part]", which: ExperimentOptions, keeping: OutputOptions
) -> "ExperimentResult":
    runs = list(dict.fromkeys(run for part in parts for run in part.runs))
    if which.scale == "paper":
        _announce(experiment.name, runs, keeping)
    results = keeping.execute(runs, keeping)
    return papers._outcome.outcome(experiment, papers.Scale(which.scale), parts, results)


def _announce(name: str, runs: "list[Run]", keeping: OutputOptions) -> None:
    """Say how long it will take."""
    on_cpu = all(run.device == "cpu" for run in runs)
    jobs = min(len(runs), keeping.jobs or (processors() if on_cpu else 1))
    threads = keeping.threads or problems._parallel.threads_of_each(jobs)
    seconds = papers._planning.estimated(runs, jobs, threads, keeping.data)
    ordered = any(Spec.parse(run.rule).name in papers._planning.SEQUENCES for run in runs)
    say(
        f"{name}: {len(runs)} runs, {jobs} at a time, will take about {span(seconds)} on an "
        f"idle machine{'; putting batches together comes on top' if ordered else ''}",
        err=True,
    )


def _shown(
    result: "ExperimentResult", keeping: OutputOptions, plot: Path | None
) -> dict[str, Any] | None:
    if int(os.environ.get("RANK", "0")):  # of the processes of torchrun one speaks
        return None
    if plot is not None:
        papers._outcome_figure.figure_of(result).save(plot)
    if keeping.as_json:
        return papers._outcome.to_dict(result)
    if keeping.markdown:
        links = {} if plot is None else {result.experiment.name: str(plot)}
        say(papers._outcome.document(result).to_markdown(links), nl=False)
    else:
        report.console().print(papers._outcome.document(result))
    if keeping.out is not None:
        say(f"kept in {keeping.out}", err=True)
    sys.stdout.flush()
    return None


def _list(keeping: OutputOptions) -> None:
    found = [papers.experiment(name) for name in papers.EXPERIMENTS]
    counts = {
        one.name: {
            str(scale): sum(len(part.runs) for part in one.runs(scale))
            for scale in (papers.Scale.QUICK, papers.Scale.PAPER)
        }
        for one in found
    }
    if keeping.as_json:
        rows = [
            {
                "name": x.name,
                "title": x.sheet.title,
                "paper": x.sheet.paper,
                "item": x.sheet.item,
                "did": x.sheet.did,
            }
            | {"minutes": x.sheets[papers.Scale.QUICK].minutes}
            | {"runs": counts[x.name], "published": len(x.published), "claims": len(x.sheet.claims)}
            for x in found
        ]
        say_json({"experiments": rows})
        return
    columns: tuple[report.Column[Experiment], ...] = (
        report.Column("experiment", "name"),
        report.Column("what", lambda one: one.sheet.title),
        report.Column("where", lambda one: one.sheet.item),
        report.Column("quick", lambda one: counts[one.name]["quick"], "d", group="runs"),
        report.Column(
            "quick", lambda one: one.sheets[papers.Scale.QUICK].minutes, ".0f", group="minutes"
        ),
        report.Column("paper", lambda one: counts[one.name]["paper"], "d", group="runs"),
    )
    report.console().print(report.Table(columns, found))
