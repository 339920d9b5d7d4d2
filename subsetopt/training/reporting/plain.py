"""An analysis as plain values, for JSON."""

from dataclasses import asdict
from math import isfinite
from typing import Any

from subsetopt.training.analysis import Analysis, Comparison, Family, Judged, Spread, Summary
from subsetopt.training.result import PARTS


def to_dict(analysis: Analysis) -> dict[str, Any]:
    """Return all numbers of an analysis; None for those that are not finite, or not known."""
    return {
        "measure": analysis.measure,
        "tests": analysis.tests,
        "families": [_family(family) for family in analysis.families],
    }


def _family(family: Family) -> dict[str, Any]:
    return {
        "task": family.task,
        "setting": dict(family.setting),
        "metric": family.metric,
        "better": family.better,
        "groups": [_group(group) for group in family.groups],
    }


def _group(group: Judged) -> dict[str, Any]:
    return {
        "budget": group.budget,
        "cost": group.cost,
        "baseline": group.baseline,
        "rules": [_line(line) for line in group.lines],
    }


def _line(line: Summary) -> dict[str, Any]:
    return {
        "rule": line.rule,
        "budget": line.budget,
        "baseline": line.baseline,
        "seeds": [result.run.seed for result in line.results],
        "lr": list(line.rates),
        "diverged": line.diverged,
        "values": {str(seed): _finite(value) for seed, value in line.values.items()},
        "value": _spread(line.value),
        "loss": _spread(line.loss),
        "effective_budget": _spread(line.effective_budget),
        "training_seconds": _spread(line.seconds),
        "seconds": {part: line.part(part).mean for part in PARTS},
        "selected": {
            name: line.selected(name).mean for name in ("entropy", "entropy_share", "seen")
        },
        "comparison": _comparison(line.comparison),
    }


def _spread(spread: Spread) -> dict[str, Any]:
    return {"mean": spread.mean, "std": spread.std, "count": spread.count}


def _comparison(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {"verdict": str(comparison.verdict), **asdict(comparison)}


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
