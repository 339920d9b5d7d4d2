"""Analysis of runs: rules compared with a baseline of the same budget, seed by seed."""

from ._group_results import (
    Analysis,
    Axis,
    GroupResult,
    LearningCurve,
    TaskResult,
    analyse,
    at_cost,
    at_seconds,
    learning_curves,
)
from ._matching_runs import baselines_at_equal_cost, baselines_at_equal_seconds, clock_probes
from .groups import FINAL, Measure, RunGroup, after_cost, after_seconds, grouped
from .matched_cost import at_equal_cost, at_equal_seconds
from .pairing import FEWEST, LEVEL, PairedComparison, RuleVerdict, compared, holm, holm_adjusted
from .seed_summary import Spread, Summary

__all__ = [
    "FEWEST",
    "FINAL",
    "LEVEL",
    "Analysis",
    "Axis",
    "GroupResult",
    "LearningCurve",
    "Measure",
    "PairedComparison",
    "RuleVerdict",
    "RunGroup",
    "Spread",
    "Summary",
    "TaskResult",
    "after_cost",
    "after_seconds",
    "analyse",
    "at_cost",
    "at_equal_cost",
    "at_equal_seconds",
    "at_seconds",
    "baselines_at_equal_cost",
    "baselines_at_equal_seconds",
    "clock_probes",
    "compared",
    "grouped",
    "holm",
    "holm_adjusted",
    "learning_curves",
]
