"""What an experiment has come to: the lines, the claims, and what differs from the paper."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from subsetopt.training.run_result import Result

from ._claims import Finding
from ._parts import Part
from ._readiness import left_out
from .experiment import Experiment, Scale
from .measuring import Measured, measured


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
